"""The folder of a result: where it is, how cells are added to it, and how it is read back."""
