"""What a board says of its entries and datasets, beside their scores."""
