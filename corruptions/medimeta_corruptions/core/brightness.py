"""Brightness: add a constant to the HSV value of every pixel, as in over-exposure."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._hsv import change_hsv
from medimeta_corruptions._image import UNIT, Pixels, Rng, look_up, to_bytes
from medimeta_corruptions._spec import Corruption

__all__ = ["BRIGHTNESS", "brightness"]


def brightness(image: Pixels, amount: float, rng: Rng | None = None) -> Pixels:
    """Add to the brightness of every pixel.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    amount : float
        Added to the HSV value (colour) or to the pixel (grey), as a share of the pixel range.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The way to HSV and back is scikit-image's, in double precision and with its ties: where two channels
    are the largest, the later one decides about the hue.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    if image.ndim == 2:
        return look_up(to_bytes(UNIT + amount), image)
    out = np.empty_like(image)
    change_hsv(image.reshape(-1, 3), 1.0, 0.0, amount, out.reshape(-1, 3))
    return out


BRIGHTNESS = Corruption(
    name="brightness",
    category="illumination",
    description="Every pixel brightened by the same amount, as of over-exposure.",
    parameter="added value (share of the pixel range)",
    parameters=(0.1, 0.2, 0.3, 0.4, 0.5),
    stochastic=False,
    function=brightness,
    colour="#CC79A7",
    dash=(1.0, 1.65),
    marker="v",
    domain="sRGB values",
    source="Hendrycks and Dietterich, ICLR 2019",
)
