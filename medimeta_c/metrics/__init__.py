"""Metrics: from predictions and error rates to numbers, each with its interval, or the reason it has none."""
