"""A job: its cells, its run and outcome, its progress, and how several processes do one."""
