"""Metrics: from predictions and error rates to numbers with intervals, or the reason why there is none."""
