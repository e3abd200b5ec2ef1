"""Build a benchmark: plan the sets, render them in parallel, sign what was built."""
