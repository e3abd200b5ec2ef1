"""The manifest contract: the content of a built benchmark, and the fingerprint that identifies it."""
