"""Results: the files of an evaluation, and what is computed from them."""
