"""What a result says about its model: whether it may be ranked, what it loses, and how sure that is."""
