"""Tables: `table` defines the type, and each other module writes it in one format."""
