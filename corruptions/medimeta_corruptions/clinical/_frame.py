"""What every clinical corruption shares: kept padding, lengths that follow the size, one rounding."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels

__all__ = ["REFERENCE_SIDE", "SIDES", "Field", "content", "scale", "shorter", "snap"]

Field: TypeAlias = NDArray[np.float64]
"""Values in double precision, of an image's shape."""

SIDES = (28, 2000)
"""The shortest and longest side of an image that the clinical formulas are made for, in pixels."""

REFERENCE_SIDE = 224
"""The side, in pixels, for which lengths in pixels are given; at other sizes they are scaled."""

_FRACTIONS = 2.0**16


def content(function: Callable[[Pixels, Any, Any], Field | Pixels]) -> Callable[[Pixels, Any, Any], Pixels]:
    """Return a corruption's function that leaves an image's padding as it is.

    Border rows and columns that are zero throughout were added to make an image square. They are taken off,
    the rest is corrupted, and they are put back. An image of zeros is returned as it is.

    Parameters
    ----------
    function : callable
        ``(image, parameter, rng) -> values``: on the unit scale in double precision, which `snap` then
        rounds, or finished bytes.

    Returns
    -------
    callable
        ``(image, parameter, rng) -> image``, both of uint8.
    """

    @functools.wraps(function)
    def framed(image: Pixels, parameter: Any, rng: Any) -> Pixels:
        out: Pixels = image.copy()
        # Along long axes first: over an axis of three, NumPy takes forty times as long.
        rows = np.flatnonzero(image.reshape(image.shape[0], -1).any(axis=1))
        columns = np.flatnonzero(image.any(axis=0).reshape(image.shape[1], -1).any(axis=1))
        if rows.size:
            box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            found = function(np.ascontiguousarray(image[box]), parameter, rng)
            out[box] = snap(found) if found.dtype != np.uint8 else found
        return out

    return framed


def snap(unit: NDArray[Any]) -> Pixels:
    """Return values on the unit scale as bytes, rounded half up.

    Before the halves are decided, values are rounded to 1/65536 of a grey level. So the last bit of a
    logarithm or a sum, which differs between machines, does not decide a pixel.
    """
    levels = np.rint(np.clip(unit, 0.0, 1.0) * (255.0 * _FRACTIONS)) / _FRACTIONS
    pixels: Pixels = np.floor(levels + 0.5).astype(np.uint8)
    return pixels


def shorter(image: NDArray[Any]) -> int:
    """Return an image's shorter side in pixels: the unit of lengths that are given as shares."""
    return int(min(image.shape[:2]))


def scale(image: NDArray[Any]) -> float:
    """Return how many pixels of an image are one at the reference size of 224."""
    return shorter(image) / REFERENCE_SIDE
