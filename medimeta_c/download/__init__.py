"""Download published archives: resumable, checksummed, safely extracted."""
