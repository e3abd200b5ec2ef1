"""What a model that answers in words said: its answers by image, and the numbers that follow from them."""
