"""Spots on a fundus camera's lens: dust and smears, out of focus, scatter flash into the picture.

Soft bright spots are part of the degradation model of Z. Shen et al., IEEE TMI 40 (2021). Counts are fixed by
the severity; place, size and opacity are drawn.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import relit
from medimeta_corruptions.clinical._filters import field_of_view, soft_disc
from medimeta_corruptions.clinical._frame import SIDES, content, shorter
from medimeta_corruptions.clinical.fundus._view import ASSUMED, in_view

__all__ = ["FUNDUS_LENS_SPOTS", "fundus_lens_spots"]

_COLOUR = (0.40, 0.40, 0.34)
_MOST = 16
_FARTHEST = 0.42
_SOFT = 1.6
"""Width of a spot's edge, in its radii."""


@content
def fundus_lens_spots(image: Pixels, count: int, rng: Rng) -> Pixels:
    """Cover the field of view with soft grey spots.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        Not modified.
    count : int
        Number of spots.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws four numbers for each of 16 spots: direction, distance, radius and opacity.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    A spot's centre lies 0.42 m sqrt(u) from the image's; its radius is r = (0.02 + 0.045 u) m and its
    opacity o = 0.15 + 0.3 u. It covers o (1 - ramp((d - 0.2 r) / 1.6 r)) at the distance d. With T the
    product of what spots do not cover, y' = T y + (1 - T) (0.40, 0.40, 0.34) in linear light y.
    """
    m = shorter(image)
    drawn = rng.random((_MOST, 4))[: int(count)]
    clear = np.ones(image.shape[:2])
    for direction, distance, size, opacity in drawn:
        away, angle = _FARTHEST * m * math.sqrt(distance), 2.0 * math.pi * direction
        row = (image.shape[0] - 1) / 2.0 + away * math.sin(angle)
        column = (image.shape[1] - 1) / 2.0 + away * math.cos(angle)
        radius = (0.02 + 0.045 * size) * m
        box, covered = soft_disc(image.shape, row, column, radius, _SOFT * radius)
        clear[box] *= 1.0 - (0.15 + 0.3 * opacity) * covered
    return in_view(field_of_view(image), relit(image, clear, 1.0 - clear, _COLOUR), image)


FUNDUS_LENS_SPOTS = Corruption(
    name="fundus_lens_spots",
    category="occlusion",
    description="Dust and smears on the lens: soft pale spots.",
    parameter="number of spots",
    parameters=(2, 4, 7, 11, 16),
    stochastic=True,
    function=fundus_lens_spots,
    channels="colour",
    sides=SIDES,
    modality="fundus",
    domain="linear light",
    assumptions=f"{ASSUMED}; the field of view is around the image's centre; spots have one colour",
    source="Shen et al., IEEE TMI 40 (2021) (form of the spots)",
)
