"""Hair: dark hairs across the lesion."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._filters import strokes
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale, shorter
from medimeta_corruptions.clinical.dermatoscopy._finer import averaged, finer

__all__ = ["HAIR", "hair"]

_MOST = 45
_COAT = 0.95
_COLOUR: Field = np.array([0.03, 0.022, 0.018])
"""Linear light that a hair sends back."""


@content
def hair(image: Pixels, count: int, rng: Rng) -> Pixels:
    """Draw curved hairs over the image.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A dermatoscopic image; not modified.
    count : int
        n: number of hairs, at most 45.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws for each of 45 hairs row, column, direction, length, curvature and thickness.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    In linear light y' = y + 0.95 M (colour - y), with the colour (0.03, 0.022, 0.018) and M the mask of the
    first n strokes (`strokes`). With u the six numbers of a hair, its length is L = m (0.25 + 0.75 u4), it
    starts half of it before the pixel (u1 (H - 1), u2 (W - 1)) in the direction 2 pi u3, turns by
    0.9 (2 u5 - 1) / m radians a pixel, and its profile has a standard deviation of (0.45 + 0.55 u6) s
    pixels. Below the reference size the mask is drawn on a finer grid and averaged.

    References
    ----------
    .. [1] R. C. Maron et al., Eur. J. Cancer 155 (2021) 191-199.
    """
    parts = finer(image)
    height, width = image.shape[:2]
    drawn = rng.random((_MOST, 6))[:count]
    side = shorter(image) * parts
    angle, length = 2.0 * math.pi * drawn[:, 2], side * (0.25 + 0.75 * drawn[:, 3])
    row, column = drawn[:, 0] * (height - 1), drawn[:, 1] * (width - 1)
    within = (parts - 1) / 2.0  # of a pixel's centre, on the finer grid
    sigma = (0.45 + 0.55 * drawn[:, 5]) * scale(image) * parts
    bent = 0.9 * (2.0 * drawn[:, 4] - 1.0) / side
    start_row = row * parts + within - 0.5 * length * np.sin(angle)
    start_column = column * parts + within - 0.5 * length * np.cos(angle)
    paths = np.stack([start_row, start_column, angle, length, bent, sigma], axis=1)
    mask = averaged(strokes((height * parts, width * parts), paths), parts)[..., np.newaxis]
    light = linear(image)
    return displayed(light + _COAT * mask * (_COLOUR - light))


HAIR = Corruption(
    name="hair",
    category="occlusion",
    description="Dark hairs across the lesion.",
    parameter="number of hairs",
    parameters=(3, 7, 14, 26, 45),
    stochastic=True,
    function=hair,
    channels="colour",
    sides=SIDES,
    modality="dermatoscopy",
    domain="linear light",
    assumptions="values are sRGB; the hairs are dark",
    source="own formula; the fault in Maron et al. 2021 (SAM-C)",
)
