"""Commands that make, check and publish benchmarks and their images."""
