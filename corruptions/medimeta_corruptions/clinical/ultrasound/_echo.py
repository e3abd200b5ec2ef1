"""Ultrasound pictures: levels of the echo, and which pixels the fan covers."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions.clinical._domains import ULTRASOUND_RANGE, decibel, from_decibel, grey
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._filters import Mask, joined
from medimeta_corruptions.clinical._frame import Field

__all__ = ["ASSUMPTIONS", "DOMAIN", "changed", "depth", "echoes", "interior", "levels"]

DOMAIN = "decibel"
"""The quantity all formulas here work in."""

ASSUMPTIONS = "Black to white shows 60 dB of the echo's amplitude, without a grey map of its own."
"""What is taken for granted of an image."""

_BLACK = 2


def levels(image: Pixels) -> Field:
    """Return the echo's level in decibel, 0 for white and -60 for black."""
    return decibel(image, ULTRASOUND_RANGE)


def echoes(image: Pixels) -> Mask:
    """Return which pixels show an echo at all: those brighter than 2."""
    found: Mask = image > _BLACK
    return found


def interior(image: Pixels) -> Mask:
    """Return which pixels lie inside the fan: those with an echo, and the black ones they enclose."""
    return ~joined(image <= _BLACK)


def depth(image: Pixels) -> Field:
    """Return each row's depth (row + 1/2) / H, from 0 at the probe to 1; shape (H, 1)."""
    rows, _ = grid(image.shape)
    found: Field = (rows + 0.5) / image.shape[0]
    return found


def changed(image: Pixels, level: Field, where: Mask) -> Field:
    """Return a picture of these levels in decibel on some pixels, and of the image's own on the others."""
    return np.where(where, from_decibel(level, ULTRASOUND_RANGE), grey(image))
