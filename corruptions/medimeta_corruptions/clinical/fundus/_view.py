"""What a fundus camera shows: nothing outside its field of view changes."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions.clinical._filters import Mask

__all__ = ["ASSUMED", "in_view"]

ASSUMED = (
    "the picture is in sRGB and its values were not stretched after exposure;"
    " what is brighter than 15 of 255 in a channel, holes filled, is the field of view"
)
"""What the corruptions of fundus images take for granted."""


def in_view(view: Mask, found: Pixels, image: Pixels) -> Pixels:
    """Return the bytes found in the field of view and the image's own outside; `found` is written to."""
    outside = ~view
    np.copyto(found, image, where=outside[..., np.newaxis] if image.ndim == 3 else outside)
    return found
