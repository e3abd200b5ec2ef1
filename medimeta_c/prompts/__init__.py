"""Prompts: from class names to the exact texts that a model gets."""
