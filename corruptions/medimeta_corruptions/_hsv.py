"""Saturation and brightness of colours, changed on the way over HSV."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions._jit import kernel

__all__ = ["change_hsv"]


@kernel("(uint8[:, ::1], float64, float64, float64, uint8[:, ::1])")
def change_hsv(image: Pixels, factor: float, offset: float, amount: float, out: Pixels) -> None:
    """Multiply the saturation by ``factor``, add ``offset`` to it and ``amount`` to the value of each pixel.

    Pixels are rows of three. The way to HSV and back is scikit-image's, in double precision and with its
    ties: where two channels are the largest, the later one decides about the hue. A grey pixel has hue 0.
    """
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
            third = 4.0 if b == value else (2.0 if g == value else 0.0)
            hue = 0.0 if grey else (third + difference / delta) / 6.0
            hue = hue + 1.0 if hue < 0.0 else hue

            saturation = min(max(saturation * factor + offset, 0.0), 1.0)
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
