"""What the page that compares two models needs: which images each gets right, and how resamples draw them."""
