"""From grey levels to Hounsfield units and back: the window through which CT pictures are assumed shown."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions.clinical._domains import GREY
from medimeta_corruptions.clinical._filters import gaussian
from medimeta_corruptions.clinical._frame import Field, scale

__all__ = ["ASSUMED", "changed", "hounsfield"]

_FLOOR = -150.0
"""Hounsfield units that black shows: a window of level 50 and width 400."""

_WIDTH = 400.0
"""Hounsfield units from black to white."""

_BELOW = 850.0
"""How far air, -1000, lies below what black shows."""

_EDGE = 1.5
"""Standard deviation, in pixels at 224, of the Gaussian that tells black regions from black specks."""

_UNITS: Field = _FLOOR + _WIDTH * GREY

ASSUMED = "window of level 50 and width 400 HU; black regions are air"
"""The assumption as the records state it."""


def hounsfield(image: Pixels) -> Field:
    """Return Hounsfield units: -150 + 400 g, and down to -1000 in black regions.

    What lay under the window is gone, and air is most of it. Black pixels get -150 - 850 max(0, 2 b - 1),
    with b the share of black around them: a Gaussian mean over 1.5 pixels at 224. So values fall to air
    within a few pixels of a black region's edge, as scanners show them. A step of 850 HU right beside grey
    would be sharper than any reconstruction, and a single dark pixel of noise would be a hole.
    """
    black = image == 0
    units = _UNITS[image]
    if black.any():
        share = gaussian(black.astype(np.float64), _EDGE * scale(image))
        units -= np.where(black, _BELOW * np.maximum(0.0, 2.0 * share - 1.0), 0.0)
    return units


def changed(image: Pixels, units: Field) -> Field:
    """Return the grey levels, on the unit scale, after so many Hounsfield units were added.

    A black pixel gets lighter only where it rises through the window's floor.
    """
    return (hounsfield(image) - _FLOOR + units) / _WIDTH
