"""Build a benchmark: plan the sets, render them in parallel, write the manifest."""
