"""Scoring models that answer in words: what they are asked, and how their words become classes."""
