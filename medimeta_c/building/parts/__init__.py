"""Parts of a build, for jobs on many machines: how the work is divided, and how each part is built."""
