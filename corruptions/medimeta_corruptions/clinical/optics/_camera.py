"""What the faults of microscopes' and cameras' optics take for granted."""

from __future__ import annotations

__all__ = ["ASSUMED", "CAMERAS"]

ASSUMED = "the picture is in sRGB and its values were not stretched after exposure"
"""Of an image's values."""

CAMERAS = "microscope, dermatoscope or camera"
"""With what the images are taken."""
