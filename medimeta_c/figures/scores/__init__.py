"""Figures and tables of scores: the paper's, those of results, and those of ablations."""
