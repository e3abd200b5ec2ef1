"""Gaussian blur in double precision: SciPy's arithmetic, and weights that no machine rounds differently."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._jit import kernel

__all__ = ["Border", "gaussian"]

Border: TypeAlias = Literal["nearest", "reflect"]
"""How an image goes on beyond its border: the border's value, or a mirror image that repeats it."""


def gaussian(
    values: NDArray[np.floating],
    sigma: float | tuple[float, float],
    *,
    border: Border = "nearest",
    truncate: float = 4.0,
) -> NDArray[np.float64]:
    """Return a blurred copy, each channel by itself.

    Parameters
    ----------
    values : numpy.ndarray of float32 or float64, shape (H, W) or (H, W, C)
        The image.
    sigma : float or tuple of (float, float)
        Standard deviation in pixels, of both axes or of rows and columns.
    border : {'nearest', 'reflect'}, optional
        What stands beyond the border.
    truncate : float, optional
        The weights end at this many standard deviations.

    Returns
    -------
    numpy.ndarray of float64
        The blurred image. Of float32 it holds numbers rounded to float32 after each axis.

    Notes
    -----
    This is ``skimage.filters.gaussian`` with a channel axis, hence ``scipy.ndimage.gaussian_filter``: two
    passes with ``w[i] = exp(-i² / 2s²) / sum``, ``|i| <= int(truncate * s + 0.5)``, rows first, each sum from
    the middle and then from the farthest pair to the nearest. The exponential is correctly rounded, where
    SciPy takes ``numpy.exp``, whose last bit depends on the processor.
    """
    sigmas = sigma if isinstance(sigma, tuple) else (sigma, sigma)
    height, width = values.shape[:2]
    down, across = (_weights(float(each), truncate) for each in sigmas)
    flat = np.ascontiguousarray(values, dtype=np.float64).reshape(height, -1)
    out = np.empty_like(flat)
    _blur(
        flat,
        (down, _beyond(height, down.size - 1, border)),
        (across, _beyond(width, across.size - 1, border)),
        values.dtype == np.float32,
        out,
    )
    return out.reshape(values.shape)


@lru_cache(maxsize=64)
def _weights(sigma: float, truncate: float) -> NDArray[np.float64]:
    """Return the weights of the middle and of each distance from it."""
    radius = int(truncate * sigma + 0.5)
    with localcontext() as context:
        context.prec = 40  # to the nearest float64 from here is a correctly rounded exponential
        half = [float(Decimal(-0.5 / (sigma * sigma) * (i * i)).exp()) for i in range(radius + 1)]
    bell = np.array([*half[:0:-1], *half])
    weights: NDArray[np.float64] = (bell / np.sum(bell))[radius:].copy()
    return weights


def _beyond(size: int, margin: int, border: Border) -> NDArray[np.int64]:
    """Return which pixel stands at each position from ``-margin`` to ``size + margin - 1``."""
    position = np.arange(-margin, size + margin)
    if border == "nearest":
        return position.clip(0, size - 1)
    folded = position % (2 * size)
    return np.minimum(folded, 2 * size - 1 - folded)


@kernel(
    "(float64[:, ::1], Tuple((float64[::1], int64[::1])), Tuple((float64[::1], int64[::1])), boolean,"
    " float64[:, ::1])"
)
def _blur(  # noqa: PLR0912 - a loop for each step, which the compiler turns into vector instructions
    image: NDArray[np.float64],
    down: tuple[NDArray[np.float64], NDArray[np.int64]],
    across: tuple[NDArray[np.float64], NDArray[np.int64]],
    single: bool,
    out: NDArray[np.float64],
) -> None:
    weight_down, row = down
    weight_across, column = across
    height, size = image.shape
    above, left = weight_down.size - 1, weight_across.size - 1
    depth = size // (column.size - 2 * left)
    total = np.empty(size, np.float64)
    padded = np.empty(column.size * depth, np.float64)
    for y in range(height):
        source = image[y]
        for x in range(size):
            total[x] = source[x] * weight_down[0]
        for i in range(above, 0, -1):
            upper, lower = image[row[above + y - i]], image[row[above + y + i]]
            weight = weight_down[i]
            for x in range(size):
                total[x] += (upper[x] + lower[x]) * weight
        if single:
            for x in range(size):
                total[x] = np.float32(total[x])

        for k in range(column.size):
            for c in range(depth):
                padded[k * depth + c] = total[column[k] * depth + c]
        middle = left * depth
        target = out[y]
        for x in range(size):
            target[x] = padded[middle + x] * weight_across[0]
        for i in range(left, 0, -1):
            before, after = middle - i * depth, middle + i * depth
            weight = weight_across[i]
            for x in range(size):
                target[x] += (padded[before + x] + padded[after + x]) * weight
        if single:
            for x in range(size):
                target[x] = np.float32(target[x])
