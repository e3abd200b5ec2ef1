"""What a model answers under many wordings of its prompts: predictions, numbers, tables, seeds."""
