"""What comes before the model: workers that prepare images, and the way of batches to the device."""
