"""Views of a built benchmark for Python callers and notebooks."""
