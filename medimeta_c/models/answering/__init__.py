"""Models that answer in words: through transformers, or behind a server."""
