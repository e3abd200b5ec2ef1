"""Zoom blur: the scale changes during the exposure, as when a camera moves towards its object."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels, Rng, channels
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption

__all__ = ["ZOOM_BLUR", "zoom_blur"]

Taps: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.float64]]
"""Which values each position mixes, and their weights: both of shape (factors, 2, positions)."""


def zoom_blur(image: Pixels, factors: tuple[float, float], rng: Rng | None = None) -> Pixels:
    """Average the image with centre crops of it enlarged to its size.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    factors : tuple of (float, float)
        Stop and step of the zoom factors ``numpy.arange(1, stop, step)``.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Each enlarged crop is what ``scipy.ndimage.zoom(crop, factor, order=1)`` gives for float32, to the
    bit: coordinates, the order of the multiplications in double precision, the rounding to float32, and
    the zeros it puts in the last row or column where rounding carries a coordinate past the crop's edge.
    The reference foresees an enlarged crop smaller than the image (it prints a warning); a crop of
    ``ceil(n / factor)`` pixels never is.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    depth = channels(image)
    out = np.empty_like(image)
    _average(
        image.reshape(height, -1),
        _taps(height, 1, *factors),
        _taps(width, depth, *factors),
        out.reshape(height, -1),
    )
    return out


@lru_cache(maxsize=64)
def _taps(size: int, depth: int, stop: float, step: float) -> Taps:
    """Return which two neighbours along an axis each enlarged position mixes, and their weights.

    Parameters
    ----------
    size : int
        The image's length along the axis, in pixels.
    depth : int
        How many values lie together at each position.
    stop, step : float
        The zoom factors' stop and step.

    Returns
    -------
    index : numpy.ndarray of uint32, shape (factors, 2, size * depth)
        Index of the values mixed, for each factor above 1.
    weight : numpy.ndarray of float64, same shape
        Their weights.
    """
    # The factor 1, the first, is the image itself.
    taps = [_axis(size, float(factor)) for factor in np.arange(1, stop, step)[1:]]
    index = np.array([pair for pair, _ in taps])[..., np.newaxis] * depth + np.arange(depth)
    weight = np.repeat(np.array([pair for _, pair in taps]), depth, axis=2)
    return index.reshape(weight.shape).astype(np.uint32), weight


def _axis(size: int, factor: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the two taps and weights of each of the first ``size`` positions for one factor."""
    crop = math.ceil(size / factor)
    first = (size - crop) // 2
    enlarged = round(crop * factor)
    scale = (crop - 1) / (enlarged - 1) if enlarged > 1 else 1.0

    position = np.arange(size, dtype=np.float64) * scale
    below = np.floor(position)
    near = 1.0 - (position - below)
    weight = np.stack([near, 1.0 - near])
    # Rounding may carry the last position past the crop's last pixel; SciPy then reads the constant 0.
    weight[:, position > crop - 1] = 0.0
    index = np.minimum(np.stack([below, below + 1.0]), crop - 1).astype(np.int64)
    return first + index, weight


@kernel(
    "(uint8[:, ::1], Tuple((uint32[:, :, ::1], float64[:, :, ::1])),"
    " Tuple((uint32[:, :, ::1], float64[:, :, ::1])), uint8[:, ::1])"
)
def _average(image: Pixels, rows: Taps, columns: Taps, out: Pixels) -> None:
    row_index, row_weight = rows
    column_index, column_weight = columns
    height, size = image.shape
    layers = row_index.shape[0]
    count = np.float32(layers + 2)  # the layers, the factor 1, and the image once more

    unit = np.empty((height, size), np.float32)
    for y in range(height):
        for x in range(size):
            unit[y, x] = np.float32(image[y, x] / 255.0)

    upper = np.empty(size, np.float64)
    lower = np.empty(size, np.float64)
    total = np.empty(size, np.float32)
    for y in range(height):
        total[:] = unit[y]
        for layer in range(layers):
            above = unit[row_index[layer, 0, y]]
            beneath = unit[row_index[layer, 1, y]]
            above_weight = row_weight[layer, 0, y]
            beneath_weight = row_weight[layer, 1, y]
            for x in range(size):
                upper[x] = above[x] * above_weight
                lower[x] = beneath[x] * beneath_weight

            left = column_index[layer, 0]
            right = column_index[layer, 1]
            left_weight = column_weight[layer, 0]
            right_weight = column_weight[layer, 1]
            for x in range(size):
                i, j, v, w = left[x], right[x], left_weight[x], right_weight[x]
                total[x] += np.float32(upper[i] * v + upper[j] * w + lower[i] * v + lower[j] * w)

        for x in range(size):
            mean = (unit[y, x] + total[x]) / count
            out[y, x] = np.uint8(min(max(mean, np.float32(0.0)), np.float32(1.0)) * np.float32(255.0))


ZOOM_BLUR = Corruption(
    name="zoom_blur",
    category="optical",
    description="The image averaged with enlargements of its centre, as when the camera approaches.",
    parameter="zoom factors from 1: stop, step",
    parameters=((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
    stochastic=False,
    function=zoom_blur,
    colour="#56B4E9",
    dash=(3.7, 1.6),
    marker="^",
    domain="sRGB values",
    source="Hendrycks and Dietterich, ICLR 2019",
)
