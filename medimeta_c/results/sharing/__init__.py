"""Several processes that evaluate into one result: what each of them takes, and parts."""
