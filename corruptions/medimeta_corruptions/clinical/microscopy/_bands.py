"""A band across the picture: where a fold or a stroke of a marker lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions.clinical._fields import grid, waves
from medimeta_corruptions.clinical._frame import Field, scale, shorter

__all__ = ["Band", "band"]

_BEND = 0.06
"""Standard deviation of the middle line's course about a straight line, in shorter sides."""

_RAGGED = 0.08
"""Standard deviation of a band's width, in widths."""


@dataclass(frozen=True, slots=True)
class Band:
    """A band of an image.

    Attributes
    ----------
    covered : numpy.ndarray of float64, shape (H, W)
        How much of a pixel the band covers, 0 to 1.
    across : numpy.ndarray of float64, shape (H, W)
        Distance from the middle line, in pixels, positive on one side.
    down, right : float
        The direction across the band as a unit vector: rows and columns.
    """

    covered: Field
    across: Field
    down: float
    right: float


def band(rng: Rng, image: Pixels, width: float) -> Band:
    """Return a band through the middle part of an image: bent, with uneven edges.

    Parameters
    ----------
    rng : numpy.random.Generator or RandomState
        Draws row, column and direction; six waves of 0.4 to 1.6 periods for the course; eight waves of 2 to 8
        periods for the edges.
    image : numpy.ndarray of uint8
        Whose shape counts.
    width : float
        In pixels.

    Notes
    -----
    With u the three numbers, the middle line passes near row (1/4 + u1/2)(H - 1) and column
    (1/4 + u2/2)(W - 1), and the direction across it is t = 2 pi u3: the distance of a pixel is
    (x - x0) cos t + (y - y0) sin t + 0.06 m waves. It is in the band if its distance is below half the
    width times 1 + 0.08 waves; across one pixel at the reference size, the edge is a straight ramp.
    """
    drawn = rng.random(3)
    down, right = math.sin(2.0 * math.pi * drawn[2]), math.cos(2.0 * math.pi * drawn[2])
    y, x = grid(image.shape)
    height, wide = image.shape[:2]
    row, column = (0.25 + 0.5 * drawn[0]) * (height - 1), (0.25 + 0.5 * drawn[1]) * (wide - 1)
    across = (x - column) * right + (y - row) * down
    across = across + _BEND * shorter(image) * waves(rng, image.shape, 6, 0.4, 1.6)
    half = 0.5 * width * (1.0 + _RAGGED * waves(rng, image.shape, 8, 2.0, 8.0))
    covered = np.clip((half - np.abs(across)) / scale(image) + 0.5, 0.0, 1.0)
    return Band(covered, across, down, right)
