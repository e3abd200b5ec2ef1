"""Ranks of models on the same images: by pairs, by resampling, by tests and by points."""
