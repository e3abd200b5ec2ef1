"""Tables: `table` says what one is, and each module beside it how it looks in one format."""
