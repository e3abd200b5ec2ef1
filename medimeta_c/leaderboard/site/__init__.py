"""The board as a site: submissions read, measured and written as plain files."""
