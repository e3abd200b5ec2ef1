"""Benchmarks in object stores: verified without a local copy, and built set by set."""
