"""Results: what an evaluation leaves on disk, and what is computed from it."""
