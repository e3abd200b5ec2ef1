"""Run a model over a benchmark: decoding, inference, features, and the evaluation job."""
