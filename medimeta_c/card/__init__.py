"""The dataset card of a built benchmark: its text, its metadata and its licences."""
