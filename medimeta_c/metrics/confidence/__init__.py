"""Whether a model's probabilities can be trusted: scoring rules, calibration, selection, conformal sets."""
