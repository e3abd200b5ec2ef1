"""Other processes: those started on this machine, and those of a cluster."""
