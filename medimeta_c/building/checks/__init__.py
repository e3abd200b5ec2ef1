"""What `verify` checks: rows, the form of PNG files, and the tree of files."""
