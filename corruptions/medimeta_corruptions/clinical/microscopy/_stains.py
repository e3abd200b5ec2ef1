"""Colour deconvolution: how much of each stain a pixel holds, and the picture with other amounts.

Optical density is a sum of stains, each with its own direction in red, green and blue (Ruifrok and Johnston
2001). The directions are fixed numbers from print, not estimated for a slide.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels
from medimeta_corruptions.clinical._domains import density, from_density
from medimeta_corruptions.clinical._frame import Field

__all__ = ["directions", "restained", "signed"]

_OPPOSITE = 0.85
"""How often one stain is too strong where the other is too weak; else both are wrong in the same way."""


def directions(*rows: tuple[float, float, float]) -> Field:
    """Return three stains' unit vectors as rows; the third may be missing and is then normal to the others.

    Parameters
    ----------
    *rows : tuple of (float, float, float)
        Densities of two or three stains in red, green and blue, to any scale.
    """
    unit = [np.array(row) / np.sqrt(np.sum(np.square(row))) for row in rows]
    if len(unit) < 3:
        normal = np.cross(unit[0], unit[1])
        unit.append(normal / np.sqrt(np.sum(np.square(normal))))
    return np.array(unit)


def signed(drawn: Field, stops: float) -> tuple[float, float]:
    """Return the factors of two stains for two drawn numbers: 2**stops or its inverse each.

    The first is stronger if the first number is 1/2 or more. The second goes the other way if the second
    number is below 0.85, else the same way.
    """
    first = 1.0 if drawn[0] >= 0.5 else -1.0
    second = -first if drawn[1] < _OPPOSITE else first
    return 2.0 ** (first * stops), 2.0 ** (second * stops)


def restained(image: Pixels, stains: Field, factors: tuple[float, float]) -> Field:
    """Return a picture with the amounts of its first two stains multiplied, on the unit scale.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        Seen in transmitted light.
    stains : numpy.ndarray of float64, shape (3, 3)
        From `directions`.
    factors : tuple of (float, float)
        Of the first and the second stain.

    Notes
    -----
    With OD = C M the optical densities of a pixel and M the stains' rows, the result has OD + dC M, where
    dC = ((f1 - 1) C1, (f2 - 1) C2, 0).
    """
    first, second, third = stains
    volume = float(np.sum(first * np.cross(second, third)))
    mixed = np.eye(3)  # from density to density; rows and columns are red, green, blue
    for factor, inverse, stain in zip(
        factors, (np.cross(second, third), np.cross(third, first)), (first, second), strict=True
    ):
        mixed += (factor - 1.0) * np.multiply.outer(inverse / volume, stain)
    planes = [density(np.ascontiguousarray(image[..., k])) for k in range(3)]
    out = np.empty(image.shape)
    for channel in range(3):
        out[..., channel] = sum(plane * mixed[k, channel] for k, plane in enumerate(planes))
    return from_density(out)
