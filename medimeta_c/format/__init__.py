"""On-disk format of a built benchmark."""
