"""Releases: frozen copies of a board's data, and what changed between them."""
