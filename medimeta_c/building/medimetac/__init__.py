"""The published MediMeta-C: import the authors' files as a benchmark, and audit them."""
