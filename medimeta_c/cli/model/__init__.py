"""Commands that score, adapt and compare models."""
