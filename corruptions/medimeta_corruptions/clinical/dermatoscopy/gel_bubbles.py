"""Gel bubbles: small bubbles in the fluid between the skin and the dermatoscope."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import relit
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._frame import SIDES, content, shorter
from medimeta_corruptions.clinical.dermatoscopy._finer import averaged, finer

__all__ = ["GEL_BUBBLES", "gel_bubbles"]

_MOST = 65


@content
def gel_bubbles(image: Pixels, count: int, rng: Rng) -> Pixels:
    """Put small bubbles into the immersion fluid.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A dermatoscopic image; not modified.
    count : int
        n: number of bubbles, at most 65.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws the direction of the lamp, then for each of 65 bubbles row, column and radius.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The first n bubbles follow one another, each with its middle at (u1 (H - 1), u2 (W - 1)) and the radius
    R = m (0.008 + 0.035 u3). In linear light and with q the distance from the middle in radii and q' that
    from the highlight, 0.35 radii from the middle towards the lamp, a bubble turns y into
    y (1 - 0.45 g((q - 0.9) / 0.1)) + 0.8 g(q' / 0.22), with g(x) = exp(-x**2 / 2) and q, q' up to 1.6.
    Below the reference size all is drawn on a finer grid, and factors and summands are averaged.

    References
    ----------
    .. [1] R. C. Maron et al., Eur. J. Cancer 155 (2021) 191-199.
    """
    parts = finer(image)
    height, width = image.shape[:2]
    side = shorter(image) * parts
    lamp = 2.0 * math.pi * rng.random(1)[0]
    kept, added = np.ones((height * parts, width * parts)), np.zeros((height * parts, width * parts))
    y, x = grid(kept.shape)
    within = (parts - 1) / 2.0  # of a pixel's centre, on the finer grid
    for down, right, size in rng.random((_MOST, 3))[:count]:
        radius = side * (0.008 + 0.035 * size)
        row, column = down * (height - 1) * parts + within, right * (width - 1) * parts + within
        reach = 1.6 * radius
        box = (
            slice(max(0, math.ceil(row - reach)), math.floor(row + reach) + 1),
            slice(max(0, math.ceil(column - reach)), math.floor(column + reach) + 1),
        )
        rows, columns = (y[box[0]] - row) / radius, (x[:, box[1]] - column) / radius
        ring = (np.hypot(rows, columns) - 0.9) / 0.1
        spot = np.hypot(rows - 0.35 * math.sin(lamp), columns - 0.35 * math.cos(lamp)) / 0.22
        factor = 1.0 - 0.45 * np.exp(-ring * ring / 2.0)
        kept[box] *= factor
        added[box] = added[box] * factor + 0.8 * np.exp(-spot * spot / 2.0)
    return relit(image, gain=averaged(kept, parts), added=averaged(added, parts))


GEL_BUBBLES = Corruption(
    name="gel_bubbles",
    category="occlusion",
    description="Small bubbles in the immersion fluid under the dermatoscope.",
    parameter="number of bubbles",
    parameters=(4, 10, 20, 38, 65),
    stochastic=True,
    function=gel_bubbles,
    channels="colour",
    sides=SIDES,
    modality="dermatoscopy",
    domain="linear light",
    assumptions="values are sRGB; a bubble's look is chosen by eye",
    source="own formula; the fault in Maron et al. 2021 (SAM-C)",
)
