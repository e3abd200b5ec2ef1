"""Object stores: which schemes there are, and files in them, opened through fsspec."""
