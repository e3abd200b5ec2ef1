"""Air bubble: bubbles in the mounting medium, out of focus inside, with a dark and a bright rim."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._filters import disc
from medimeta_corruptions.clinical._frame import SIDES, content, scale, shorter

__all__ = ["AIR_BUBBLE", "air_bubble"]

_MOST = 5
_BLUR_PX = 2.2
_RIM = 0.025
"""Standard deviation of the profile of both rims, in radii."""


@content
def air_bubble(image: Pixels, fault: tuple[int, float], rng: Rng) -> Pixels:
    """Put bubbles into the mounting medium.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A slide in transmitted light; not modified.
    fault : tuple of (int, float)
        n: number of bubbles, at most 5; r: their mean radius, as a share of the shorter side.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws for each of five bubbles row, column and radius.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The first n bubbles are drawn one over the other, each with its middle at (u1 (H - 1), u2 (W - 1)) and
    the radius R = r m (0.8 + 0.4 u3). In linear light and with q the distance from the middle in radii, a
    bubble turns y into b = y + c (0.85 B + 0.12 - y), with c = clip((1 - q) R / s + 1/2, 0, 1) and B the
    image blurred by a disc of 2.2 s pixels, and then into
    b (1 - 0.8 g(q - 0.97)) + 0.25 g(q - 1.06), with g(x) = exp(-x**2 / (2 0.025**2)).

    References
    ----------
    .. [1] S. A. Taqi et al., J. Oral Maxillofac. Pathol. 22 (2018) 279: artefacts in histopathology.
    """
    count, radius = fault
    light = linear(image)
    blurred = disc(light, _BLUR_PX * scale(image))
    height, width = image.shape[:2]
    for down, right, size in rng.random((_MOST, 3))[:count]:
        large = radius * shorter(image) * (0.8 + 0.4 * size)
        row, column, reach = down * (height - 1), right * (width - 1), 1.2 * large
        box = (
            slice(max(0, math.ceil(row - reach)), math.floor(row + reach) + 1),
            slice(max(0, math.ceil(column - reach)), math.floor(column + reach) + 1),
        )
        y, x = grid(image.shape)
        away = np.hypot(y[box[0]] - row, x[:, box[1]] - column)[..., np.newaxis]
        inside = np.clip((large - away) / scale(image) + 0.5, 0.0, 1.0)
        shown = light[box] + inside * (0.85 * blurred[box] + 0.12 - light[box])
        dark, bright = (np.exp(-((away / large - place) ** 2) / (2.0 * _RIM**2)) for place in (0.97, 1.06))
        light[box] = shown * (1.0 - 0.8 * dark) + 0.25 * bright
    return displayed(light)


AIR_BUBBLE = Corruption(
    name="air_bubble",
    category="occlusion",
    description="Air bubbles in the mounting medium, out of focus and with dark rims.",
    parameter="number of bubbles, mean radius (share of the shorter side)",
    parameters=((1, 0.1), (2, 0.13), (3, 0.16), (4, 0.19), (5, 0.23)),
    stochastic=True,
    function=air_bubble,
    channels="colour",
    sides=SIDES,
    modality="light microscopy of a mounted slide",
    domain="linear light",
    assumptions="values are sRGB; rims and haze are chosen by eye",
    source="own formula; the fault in Taqi et al. 2018",
)
