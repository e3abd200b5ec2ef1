"""Checks of `verify`: sets, their rows, the form of PNG files, datasets, and the tree of files."""
