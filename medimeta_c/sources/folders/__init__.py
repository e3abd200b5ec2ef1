"""Folders of pictures: which names mean a split, which are junk, and which file is which image."""
