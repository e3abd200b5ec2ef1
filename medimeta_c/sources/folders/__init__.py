"""Folders of pictures: recognise splits, skip junk, and find the image that each file holds."""
