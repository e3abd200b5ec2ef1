"""Glare: an unpolarised flash is reflected by moist or greasy skin.

A white patch is added to the light, and saturates. The form is ours: a Gaussian ellipse with waves in it.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import relit
from medimeta_corruptions.clinical._fields import grid, waves
from medimeta_corruptions.clinical._frame import SIDES, content, shorter
from medimeta_corruptions.clinical.optics._camera import ASSUMED

__all__ = ["GLARE", "glare"]

_PEAK = 1.1
_NARROW = 0.6
_UNEVEN = 0.25


@content
def glare(image: Pixels, radius: float, rng: Rng) -> Pixels:
    """Add a white patch.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Not modified.
    radius : float
        Standard deviation of the patch along its longer axis, as a share of the shorter side, r.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws the patch's column, row and direction, then twelve waves of 2 to 8 periods.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y' = y + 1.1 exp(-(a**2 + (b / 0.6)**2) / (2 (r m)**2)) max(1 + 0.25 waves, 0) in linear light y, with a
    and b the distances along and across the patch's axis. Its centre lies at 0.3 + 0.4 u of each side.
    """
    x, y, turn = rng.random(3)
    uneven = np.maximum(1.0 + _UNEVEN * waves(rng, image.shape, 12, 2.0, 8.0), 0.0)
    rows, columns = grid(image.shape)
    rows = rows - (0.3 + 0.4 * y) * (image.shape[0] - 1)
    columns = columns - (0.3 + 0.4 * x) * (image.shape[1] - 1)
    cosine, sine = math.cos(math.pi * turn), math.sin(math.pi * turn)
    along, across = columns * cosine + rows * sine, (rows * cosine - columns * sine) / _NARROW
    wide = radius * shorter(image)
    added = _PEAK * np.exp((along * along + across * across) / (-2.0 * wide * wide)) * uneven
    return relit(image, added=added)


GLARE = Corruption(
    name="glare",
    category="illumination",
    description="An unpolarised flash is reflected by the skin: a white patch.",
    parameter="half-width of the patch (share of the shorter side)",
    parameters=(0.04, 0.06, 0.09, 0.13, 0.18),
    stochastic=True,
    function=glare,
    channels="any",
    sides=SIDES,
    modality="photograph",
    domain="linear light",
    assumptions=f"{ASSUMED}; the reflection has the colour of white",
    source="specular reflection adds light; the form and the sizes are ours",
)
