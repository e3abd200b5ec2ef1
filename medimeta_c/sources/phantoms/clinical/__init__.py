"""Phantoms of the modalities that the benchmark's five datasets do not have."""
