"""The numbers of a site as files: CSV, JSON and BibTeX."""
