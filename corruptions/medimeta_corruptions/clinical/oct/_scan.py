"""OCT scans: levels of the signal, and which pixels were scanned."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions.clinical._domains import OCT_RANGE, decibel, from_decibel, grey
from medimeta_corruptions.clinical._filters import Mask, joined
from medimeta_corruptions.clinical._frame import Field

__all__ = ["ASSUMPTIONS", "changed", "levels", "scanned"]

ASSUMPTIONS = (
    "Black to white shows 40 dB of the signal, without a grey map of its own. Each column is one A-scan."
    " White (250 or more) or black (0) areas that are joined to the border are fill, not tissue,"
    " and so are pixels that touch white fill."
)
"""What is taken for granted of an image."""

_WHITE = 250


def levels(image: Pixels) -> Field:
    """Return the signal's level in decibel, 0 for white and -40 for black."""
    return decibel(image, OCT_RANGE)


def scanned(image: Pixels) -> Mask:
    """Return which pixels are no fill: neither of the white nor of the black areas joined to the border.

    What touches white fill, with a side or a corner, counts as fill too: there an image that was resized
    shows a mixture, brighter than any tissue. (On 42 OCT images with white fill its median is 155, and that
    of the pixels next to it 19.)
    """
    white = joined(image >= _WHITE)
    for axis in (0, 1) if white.any() else ():
        along = np.moveaxis(white, axis, 0)
        grown = along.copy()
        grown[1:] |= along[:-1]
        grown[:-1] |= along[1:]
        white = np.moveaxis(grown, 0, axis)
    found: Mask = ~(white | joined(image == 0))
    return found


def changed(image: Pixels, level: Field, where: Mask) -> Field:
    """Return a picture of these levels in decibel on some pixels, and of the image's own on the others."""
    return np.where(where, from_decibel(level, OCT_RANGE), grey(image))
