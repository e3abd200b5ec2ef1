"""What a built benchmark is on disk, and nothing else."""
