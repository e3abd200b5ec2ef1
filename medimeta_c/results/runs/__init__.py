"""Parts of the identity of a run: the benchmark that was scored, and heads."""
