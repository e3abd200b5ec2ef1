"""What a build keeps beside its files: its lock, its journal, and where its data was."""
