"""Small things in small pictures: drawn on a finer grid, then averaged over each pixel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions.clinical._frame import Field, scale

__all__ = ["averaged", "finer"]


def finer(image: NDArray[Any]) -> int:
    """Return into how many parts a pixel's sides are divided: so many that one is as at the reference size.

    It is the smallest whole number that makes the shorter side 224 or more; 1 for larger images.
    """
    return max(1, math.ceil(1.0 / scale(image)))


def averaged(values: Field, parts: int) -> Field:
    """Return the mean of each block of parts x parts values.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (parts * H, parts * W)
        On the finer grid.
    parts : int
        From `finer`.
    """
    if parts == 1:
        return values
    height, width = (side // parts for side in values.shape)
    total = np.zeros((height, width))
    for down in range(parts):
        for right in range(parts):
            total += values[down::parts, right::parts]
    return total / (parts * parts)
