"""From grey levels to Hounsfield units and back: the window through which CT pictures are assumed shown."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions.clinical._domains import GREY
from medimeta_corruptions.clinical._frame import Field

__all__ = ["ASSUMED", "FLOOR", "WIDTH", "changed", "hounsfield"]

FLOOR = -150.0
"""Hounsfield units that black shows: a window of level 50 and width 400."""

WIDTH = 400.0
"""Hounsfield units from black to white."""

_AIR = -1000.0
"""What a black pixel is taken for: whatever lay under the window is gone, and air is most of it."""

_UNITS: Field = np.where(GREY > 0.0, FLOOR + WIDTH * GREY, _AIR)

ASSUMED = "window of level 50 and width 400 HU; black is air (-1000 HU)"
"""The assumption as the records state it."""


def hounsfield(image: Pixels) -> Field:
    """Return Hounsfield units: -150 + 400 g, and -1000 where g = 0."""
    return _UNITS[image]


def changed(image: Pixels, units: Field) -> Field:
    """Return the grey levels, on the unit scale, after so many Hounsfield units were added.

    A black pixel gets lighter only where it rises through the window's floor.
    """
    return (hounsfield(image) - FLOOR + units) / WIDTH
