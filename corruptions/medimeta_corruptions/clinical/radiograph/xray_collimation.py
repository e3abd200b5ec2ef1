"""Collimation of a radiograph: the field is cut, and the collimator rotated.

Outside a rotated rectangle the display's shutter shows black.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._fields import grid, ramp
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["XRAY_COLLIMATION", "xray_collimation"]

PENUMBRA = 1.2
"""Width of the edge's shadow, in pixels at 224; it is never drawn narrower than a pixel."""

_STEPS = 40

Line = tuple[float, float, float]
"""a, b, d of a half-plane a x + b y <= d, with a**2 + b**2 = 1."""


@content
def xray_collimation(image: Pixels, lost: float, rng: Rng) -> Field:
    """Show only what lies in a rotated rectangle.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    lost : float
        Share of the picture's area outside the rectangle.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws five numbers: the rotation, 4 (2u - 1) degrees from the rows towards the columns, and the
        weights 1/4 + u of the upper, lower, left and right margin.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    In coordinates from the picture's centre, turned with the rectangle, the margins are t w H (upper and
    lower) and t w W (left and right). t, between -1 and 1, is found by 40 bisections so that the rectangle's
    intersection with the picture has the area (1 - lost) H W; it is below 0 where rotation alone cuts off
    too much. g' = g ramp(1/2 + e / max(1.2 s, 1)), with e the distance in pixels inside the nearest edge.
    """
    drawn = rng.random(5)
    angle = math.radians(4.0 * (2.0 * float(drawn[0]) - 1.0))
    weights = (0.25 + drawn[1:]).tolist()
    height, width = image.shape
    low, high = -1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if _area(height, width, _edges(image, angle, weights, middle)) > (1.0 - lost) * height * width:
            low = middle
        else:
            high = middle
    y, x = grid(image.shape)
    y, x = y - (height - 1) / 2.0, x - (width - 1) / 2.0
    inside = np.full(image.shape, np.inf)
    for a, b, d in _edges(image, angle, weights, low):
        inside = np.minimum(inside, d - (a * x + b * y))
    shown: Field = grey(image) * ramp(0.5 + inside / max(PENUMBRA * scale(image), 1.0))
    return shown


def _edges(image: Pixels, angle: float, weights: list[float], size: float) -> list[Line]:
    """Return the half-planes, in pixels from the centre, in which the rectangle lies."""
    height, width = image.shape
    upper, lower, left, right = weights
    cos, sin = math.cos(angle), math.sin(angle)
    return [
        (sin, -cos, height * (0.5 - size * upper)),
        (-sin, cos, height * (0.5 - size * lower)),
        (-cos, -sin, width * (0.5 - size * left)),
        (cos, sin, width * (0.5 - size * right)),
    ]


def _area(height: int, width: int, edges: list[Line]) -> float:
    """Return the area of the picture that lies within all edges (Sutherland and Hodgman; shoelace)."""
    y, x = height / 2.0, width / 2.0
    corners = [(-x, -y), (x, -y), (x, y), (-x, y)]
    for a, b, d in edges:
        kept: list[tuple[float, float]] = []
        for start, end in zip([corners[-1], *corners[:-1]] if corners else [], corners, strict=True):
            before, after = (d - (a * point[0] + b * point[1]) for point in (start, end))
            if before * after < 0.0:
                share = before / (before - after)
                kept.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
            if after >= 0.0:
                kept.append(end)
        corners = kept
    return 0.5 * sum(
        one[0] * two[1] - two[0] * one[1]
        for one, two in zip(corners, [*corners[1:], *corners[:1]], strict=True)
    )


XRAY_COLLIMATION = Corruption(
    name="xray_collimation",
    category="occlusion",
    description="The borders are black: the field was cut too small and the collimator rotated.",
    parameter="area outside the field (share of the picture)",
    parameters=(0.02, 0.05, 0.09, 0.14, 0.2),
    stochastic=True,
    function=xray_collimation,
    channels="grey",
    sides=SIDES,
    modality="radiograph",
    domain="grey levels as stored",
    assumptions="a shutter makes everything outside the field black; the picture was not collimated before",
    source="DICOM PS3.3 C.7.6.11, Display Shutter",
)
