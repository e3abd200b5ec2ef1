"""Parts of a job: its progress, its surroundings, and how several processes do one."""
