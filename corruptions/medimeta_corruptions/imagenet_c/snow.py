"""Snow: flakes driven across the image, and everything paler."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels, Rng, channels
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._philox import normal
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.core.motion_blur import _path, _weights
from medimeta_corruptions.imagenet_c._shared import UNIT32

__all__ = ["SNOW", "snow"]


def snow(image: Pixels, flakes: tuple[float, float, float, float, int, float, float], rng: Rng) -> Pixels:
    """Draw blurred flakes over a paler image.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    flakes : tuple of seven floats
        Mean and standard deviation of the flakes' brightness, their enlargement, the brightness below which
        there is no flake, radius and standard deviation of the blur along their path in pixels, and the
        share of the image that keeps its brightness.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one normal number for each pixel in memory order, then the flakes' direction.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Noise is enlarged about its centre, cut off below a brightness, and averaged along a direction between
    -135 and -45 degrees from the x axis (with `motion_blur`'s weights, exactly rounded where the reference's
    depend on the processor). The layer is added twice, once turned by 180 degrees, to
    ``k v + (1 - k) max(v, 1.5 g + 0.5)`` with ``g`` the pixel's luma.

    Luma is OpenCV's 0.299 R + 0.587 G + 0.114 B in single precision, green first and each product rounded
    with its sum, as OpenCV computes it on processors with that instruction.

    Grey: as the reference does with a mode "L" image, whose luma is its value.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    mean, sigma, factor, least, radius, path_sigma, kept = flakes
    height, width = image.shape[:2]
    noise = mean + sigma * normal(rng, height * width).reshape(height, width)
    layer = _enlarge(noise, factor)
    layer[layer < least] = 0.0
    np.clip(layer, 0.0, 1.0, out=layer)

    length = 2 * radius + 1
    down, right = _path(length, rng.uniform(-135, -45), *layer.shape)
    driven = np.zeros_like(layer)
    _drive(
        layer,
        np.array(down, dtype=np.int64),
        np.array(right, dtype=np.int64),
        _weights(length, path_sigma)[: len(down)],
        driven,
    )
    out = np.empty_like(image)
    shape = (height, width, channels(image))
    unit = np.take(UNIT32, image).reshape(shape)
    _whiten(unit, driven, np.array([kept, 1 - kept], dtype=np.float32), out.reshape(shape))
    return out


@kernel("(float32[:, :, ::1], float64[:, ::1], float32[::1], uint8[:, :, ::1])")
def _whiten(
    unit: NDArray[np.float32], layer: NDArray[np.float64], shares: NDArray[np.float32], out: Pixels
) -> None:
    height, width, depth = unit.shape
    for y in range(height):
        for x in range(width):
            luma = unit[y, x, 0]
            if depth == 3:
                # In double precision a product of two singles is exact.
                luma = np.float32(np.float64(unit[y, x, 1]) * np.float64(np.float32(0.587)))
                luma = np.float32(np.float64(unit[y, x, 0]) * np.float64(np.float32(0.299)) + luma)
                luma = np.float32(np.float64(unit[y, x, 2]) * np.float64(np.float32(0.114)) + luma)
            white = luma * np.float32(1.5) + np.float32(0.5)
            there = np.rint(layer[y, x] * 255.0) / 255.0
            turned = np.rint(layer[height - 1 - y, width - 1 - x] * 255.0) / 255.0
            for c in range(depth):
                value = unit[y, x, c]
                paler = shares[0] * value + shares[1] * max(value, white)
                total = np.float64(paler) + there + turned
                out[y, x, c] = np.uint8(min(max(total, 0.0), 1.0) * 255.0)


def _enlarge(noise: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Return the centre of an image enlarged, as ``scipy.ndimage.zoom(centre, factor, order=1)`` does."""
    for_rows, for_columns = (_taps(size, factor) for size in noise.shape)
    (top, bottom), (above, below) = for_rows
    (left, right), (before, after) = for_columns
    upper = np.take(noise, top, axis=0) * above[:, np.newaxis]
    lower = np.take(noise, bottom, axis=0) * below[:, np.newaxis]
    mixed: NDArray[np.float64] = np.take(upper, left, axis=1) * before
    for row, column, weight in ((upper, right, after), (lower, left, before), (lower, right, after)):
        mixed += np.take(row, column, axis=1) * weight
    return mixed


def _taps(size: int, factor: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which two pixels each enlarged position mixes, and their weights."""
    crop = math.ceil(size / factor)
    enlarged = round(crop * factor)
    position = np.arange(enlarged) * ((crop - 1) / (enlarged - 1) if enlarged > 1 else 1.0)
    below = np.floor(position)
    near = 1.0 - (position - below)
    weight = np.stack([near, 1.0 - near])
    # Rounding may carry the last position past the last pixel; SciPy then reads the constant 0.
    weight[:, position > crop - 1] = 0.0
    index = np.minimum(np.stack([below, below + 1.0]), crop - 1).astype(np.int64)
    return (size - crop) // 2 + index, weight


@kernel("(float64[:, ::1], int64[::1], int64[::1], float64[::1], float64[:, ::1])")
def _drive(
    layer: NDArray[np.float64],
    down: NDArray[np.int64],
    right: NDArray[np.int64],
    weights: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    height, width = layer.shape
    for y in range(height):
        target = out[y]
        for i in range(weights.size):
            source = layer[min(max(y + down[i], 0), height - 1)]
            weight, shift = weights[i], right[i]
            first, last = max(-shift, 0), min(width - shift, width)
            for x in range(first):
                target[x] += weight * source[0]
            for x in range(first, last):
                target[x] += weight * source[x + shift]
            for x in range(last, width):
                target[x] += weight * source[width - 1]


SNOW = Corruption(
    name="snow",
    category="occlusion",
    description="Blurred flakes over a paler image.",
    parameter="brightness: mean, sigma; enlargement; threshold; path: radius, sigma (pixels); share kept",
    parameters=(
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ),
    stochastic=True,
    function=snow,
)
