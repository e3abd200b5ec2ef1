"""What runs before the model: workers that prepare images, and the transfer of batches to the device."""
