"""Signatures of a benchmark's manifest: Ed25519, in the files of minisign."""
