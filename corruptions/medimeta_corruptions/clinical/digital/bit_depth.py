"""Bit depth: fewer grey levels, as of an old frame grabber, a scan with few bits or a palette.

With n = 2**b - 1: q = floor(g n / 255 + 1/2), g' = floor(255 q / n + 1/2), in integers.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng, look_up
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, content

__all__ = ["BIT_DEPTH", "bit_depth"]


@content
def bit_depth(image: Pixels, bits: int, rng: Rng | None = None) -> Pixels:
    """Quantise every value to 2**bits levels, evenly spaced from black to white.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    bits : int
        b, 1 to 8.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    With n = 2**b - 1, q = (2 g n + 255) div 510 and g' = (510 q + n) div 2n. Doing it twice changes nothing.
    """
    levels = 2**bits - 1
    values = np.arange(256, dtype=np.int64)
    quantised = (2 * values * levels + 255) // 510
    return look_up(((510 * quantised + levels) // (2 * levels)).astype(np.uint8), image)


BIT_DEPTH = Corruption(
    name="bit_depth",
    category="quantisation",
    description="Few grey levels, so that smooth areas show steps.",
    parameter="bits kept in each value",
    parameters=(6, 5, 4, 3, 2),
    stochastic=False,
    function=bit_depth,
    sides=SIDES,
    domain="grey levels as stored",
    assumptions="none",
    source="Gonzalez & Woods, Digital Image Processing, 4th ed. 2018, section 2.4 (quantisation)",
)
