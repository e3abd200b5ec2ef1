"""Zoom blur: the scale changes during the exposure, as when a camera moves towards its object."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import UNIT, Pixels, Rng, channels
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
    Such arithmetic is needed only where truncation can tell the difference. Elsewhere values are computed in
    single precision, each row of a crop enlarged once. Let u = 2**-24: a single-precision operation is exact
    to u, relative to its result. No term is negative, so relative errors add up. Against the true value, ours
    has 3 u from an enlarged row (weight, product, sum), 3 u from mixing two rows, one u for each of the n
    crops added, and 2 u from the scale: (n + 8) u. The reference has one u from each of the unit scale, the
    rounding to float32, n + 1 sums, the quotient and the way back to bytes: (n + 5) u. Where our value is
    further than (2 n + 14) u of itself from any whole number, both have the same whole part. The one u more
    is larger than what is left out: products of two errors, and those of double precision. Black is exact.

    The reference foresees an enlarged crop smaller than the image (it prints a warning); a crop of
    ``ceil(n / factor)`` pixels never is.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    depth = channels(image)
    # A pixel more on the right, since neighbours are read also where they have no weight.
    padded = np.pad(image.reshape(height, -1), ((0, 0), (0, depth)))
    rows, columns = _taps(height, 1, *factors), _taps(width, depth, *factors)
    out, unsure = np.empty_like(image), np.empty(image.shape, np.bool_)
    flat = out.reshape(height, -1)
    _mix(
        padded,
        rows[0],
        _single(height, 1, *factors),
        depth,
        columns[0],
        _single(width, depth, *factors),
        _segments(width, depth, *factors),
        flat,
        unsure.reshape(height, -1),
    )
    places = np.flatnonzero(unsure)
    if places.size:
        _mix_exactly(padded, rows, columns, places, flat)
    return out


_SHORT = 12
"""Values that a segment has on the mean, if vector instructions are to be worth their beginning and end."""

_UNIT32 = UNIT.astype(np.float32)


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


@lru_cache(maxsize=64)
def _single(size: int, depth: int, stop: float, step: float) -> NDArray[np.float32]:
    """Return the weights of `_taps` in single precision."""
    return _taps(size, depth, stop, step)[1].astype(np.float32)


@lru_cache(maxsize=64)
def _segments(size: int, depth: int, stop: float, step: float) -> NDArray[np.int64]:
    """Return where the distance of a position from the first value that it mixes changes.

    Returns
    -------
    numpy.ndarray of int64, shape (factors, most + 1)
        For each factor the first position of each segment, then the number of positions until the row is
        full. If segments are short, there is none.
    """
    index, _ = _taps(size, depth, stop, step)
    firsts = index[:, 0].astype(np.int64) - np.arange(size * depth)
    starts = [np.flatnonzero(np.diff(first, prepend=first[0] - 1)) for first in firsts]
    segments = np.full((len(starts), max(map(len, starts), default=0) + 1), size * depth)
    for row, start in zip(segments, starts, strict=True):
        if len(start) * _SHORT <= size * depth:
            row[: len(start)] = start
    return segments


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
    "(uint8[:, ::1], uint32[:, :, ::1], float32[:, :, ::1], int64, uint32[:, :, ::1], float32[:, :, ::1],"
    " int64[:, ::1], uint8[:, ::1], boolean[:, ::1])"
)
def _mix(  # noqa: PLR0913, PLR0917
    image: Pixels,
    row_index: NDArray[np.uint32],
    row_weight: NDArray[np.float32],
    depth: int,
    column_index: NDArray[np.uint32],
    column_weight: NDArray[np.float32],
    segments: NDArray[np.int64],
    out: Pixels,
    unsure: NDArray[np.bool_],
) -> None:
    height, size = out.shape
    layers = row_index.shape[0]
    scale = np.float32(1.0) / np.float32(layers + 2)
    bound = np.float32((2 * layers + 14) * 2.0**-24)  # see zoom_blur
    # By factor two rows of the crop, enlarged along the row, and which rows they are.
    wide = np.empty((layers, 2, size), np.float32)
    held = np.full((layers, 2), -1)
    total = np.empty(size, np.float32)
    step = np.uint64(depth)
    for y in range(height):
        for x in range(size):
            total[x] = np.float32(2.0) * np.float32(image[y, x])
        for layer in range(layers):
            for which in range(2):
                row = np.int64(row_index[layer, which, y])
                if held[layer, row & 1] == row:
                    continue
                held[layer, row & 1] = row
                if segments[layer, 0] == size:
                    for x in range(size):
                        i = column_index[layer, 0, x]
                        left_value, right_value = np.float32(image[row, i]), np.float32(image[row, i + step])
                        wide[layer, row & 1, x] = (
                            left_value * column_weight[layer, 0, x] + right_value * column_weight[layer, 1, x]
                        )
                # In a segment, neighbours that are mixed are neighbours in the row too.
                for number in range(segments.shape[1] - 1):
                    first, last = segments[layer, number], segments[layer, number + 1]
                    if first == last:
                        break
                    start = np.int64(column_index[layer, 0, first])
                    part = wide[layer, row & 1, first:last]
                    left = image[row, start : start + last - first]
                    right = image[row, start + depth : start + depth + last - first]
                    near = column_weight[layer, 0, first:last]
                    far = column_weight[layer, 1, first:last]
                    for x in range(len(part)):
                        part[x] = np.float32(left[x]) * near[x] + np.float32(right[x]) * far[x]
            above = wide[layer, row_index[layer, 0, y] & 1]
            beneath = wide[layer, row_index[layer, 1, y] & 1]
            over, under = row_weight[layer, 0, y], row_weight[layer, 1, y]
            for x in range(size):
                total[x] += above[x] * over + beneath[x] * under
        for x in range(size):
            value = total[x] * scale
            whole = np.floor(value)
            out[y, x] = np.uint8(value)
            unsure[y, x] = min(value - whole, whole + np.float32(1.0) - value) < bound * value


@kernel(
    "(uint8[:, ::1], Tuple((uint32[:, :, ::1], float64[:, :, ::1])),"
    " Tuple((uint32[:, :, ::1], float64[:, :, ::1])), int64[::1], uint8[:, ::1])"
)
def _mix_exactly(image: Pixels, rows: Taps, columns: Taps, places: NDArray[np.int64], out: Pixels) -> None:
    row_index, row_weight = rows
    column_index, column_weight = columns
    layers = row_index.shape[0]
    for place in places:
        y, x = place // out.shape[1], place % out.shape[1]
        here = image[y, x]
        unit = _UNIT32[here]
        total = unit
        for layer in range(layers):
            above, beneath = row_index[layer, 0, y], row_index[layer, 1, y]
            over, under = row_weight[layer, 0, y], row_weight[layer, 1, y]
            i, j = column_index[layer, 0, x], column_index[layer, 1, x]
            v, w = column_weight[layer, 0, x], column_weight[layer, 1, x]
            # Equal values stay what they are: weights add up to 1 within 2**-49, and half a unit in the last
            # place of single precision is 2**-25. So flat areas, where each value is whole, take little time.
            if (
                image[above, i] == image[above, j] == image[beneath, i] == image[beneath, j] == here
                and over + under > 0.5
                and v + w > 0.5
            ):
                total += unit
                continue
            upper = _UNIT32[image[above, i]] * over * v + _UNIT32[image[above, j]] * over * w
            lower_i, lower_j = _UNIT32[image[beneath, i]] * under, _UNIT32[image[beneath, j]] * under
            total += np.float32(upper + lower_i * v + lower_j * w)
        # The layers, the factor 1, and the image once more.
        mean = (unit + total) / np.float32(layers + 2)
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
