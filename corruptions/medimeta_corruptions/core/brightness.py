"""Brightness: add a constant to the HSV value of every pixel, as in over-exposure."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import UNIT, Pixels, Rng, look_up, to_bytes
from medimeta_corruptions._jit import kernel
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
    _raise_value(image.reshape(-1, 3), amount, out.reshape(-1, 3))
    return out


@kernel("(uint8[:, ::1], float64, uint8[:, ::1])")
def _raise_value(image: Pixels, amount: float, out: Pixels) -> None:
    # Blocks of separate channels, and choices without branches, let the compiler use vector instructions.
    size = 256
    red = np.empty(size, np.float64)
    green = np.empty(size, np.float64)
    blue = np.empty(size, np.float64)
    for start in range(0, image.shape[0], size):
        count = min(size, image.shape[0] - start)
        for i in range(count):
            red[i] = image[start + i, 0]
            green[i] = image[start + i, 1]
            blue[i] = image[start + i, 2]

        for i in range(count):
            r, g, b = red[i] / 255.0, green[i] / 255.0, blue[i] / 255.0
            value = max(r, g, b)
            delta = value - min(r, g, b)
            grey = delta == 0.0
            saturation = 0.0 if grey else delta / value
            difference = r - g if b == value else (b - r if g == value else g - b)
            offset = 4.0 if b == value else (2.0 if g == value else 0.0)
            hue = 0.0 if grey else (offset + difference / delta) / 6.0
            hue = hue + 1.0 if hue < 0.0 else hue

            value = min(max(value + amount, 0.0), 1.0)
            # 0 to 5: a negative hue is below -1/1530, so that adding 1 to it does not round up to 1.
            sector = math.floor(hue * 6.0)
            part = hue * 6.0 - sector
            least = value * (1.0 - saturation)
            falling = value * (1.0 - part * saturation)
            rising = value * (1.0 - (1.0 - part) * saturation)
            middle = falling if (sector == 1) | (sector == 3) | (sector == 5) else rising
            r = (
                value
                if (sector == 0) | (sector == 5)
                else (middle if (sector == 1) | (sector == 4) else least)
            )
            g = (
                value
                if (sector == 1) | (sector == 2)
                else (middle if (sector == 0) | (sector == 3) else least)
            )
            b = (
                value
                if (sector == 3) | (sector == 4)
                else (middle if (sector == 2) | (sector == 5) else least)
            )
            red[i] = min(max(r, 0.0), 1.0) * 255.0
            green[i] = min(max(g, 0.0), 1.0) * 255.0
            blue[i] = min(max(b, 0.0), 1.0) * 255.0

        for i in range(count):
            out[start + i, 0] = np.uint8(red[i])
            out[start + i, 1] = np.uint8(green[i])
            out[start + i, 2] = np.uint8(blue[i])


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
