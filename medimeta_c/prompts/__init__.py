"""Prompts: from class names to the exact texts a model is asked."""
