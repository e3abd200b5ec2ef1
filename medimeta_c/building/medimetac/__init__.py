"""The authors' own MediMeta-C: its published files read as a benchmark, and audited."""
