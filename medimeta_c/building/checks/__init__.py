"""Checks of `verify`: rows, the form of PNG files, and the tree of files."""
