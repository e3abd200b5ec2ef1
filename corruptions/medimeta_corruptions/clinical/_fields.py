"""Random and smooth fields over an image's plane."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from medimeta_corruptions._image import Rng
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._philox import random
from medimeta_corruptions.clinical._draws import quantiles
from medimeta_corruptions.clinical._frame import Field

__all__ = ["bands", "grid", "looks", "ramp", "sigmoid", "waves"]


def grid(shape: tuple[int, ...]) -> tuple[Field, Field]:
    """Return the rows' numbers, shape (H, 1), and the columns', shape (1, W), in pixels from 0."""
    rows = np.arange(shape[0], dtype=np.float64)[:, np.newaxis]
    columns = np.arange(shape[1], dtype=np.float64)[np.newaxis, :]
    return rows, columns


def ramp(x: Any) -> Any:
    """Return x**2 (3 - 2 x), with x clipped to 0 to 1: a smooth step."""
    clipped = np.clip(x, 0.0, 1.0)
    return clipped * clipped * (3.0 - 2.0 * clipped)


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + np.exp(-x))


def bands(rng: Rng, count: int, least: float, width: float, columns: int) -> tuple[Field, Field]:
    """Return the centres and the half widths of bands of columns, one in each equal part of an image.

    Parameters
    ----------
    rng : numpy.random.Generator or RandomState
        One number u for the width of each band is drawn, then one number v for the place of each.
    count : int
        Number of bands, n.
    least : float
        The widths go as `least` + u.
    width : float
        Of all bands together, in pixels.
    columns : int
        Of the image, W.

    Returns
    -------
    centres, halves : numpy.ndarray of float64
        In pixels; the centre of band k = 0 ... n-1 is W (k + v) / n - 1/2.
    """
    drawn = rng.random((2, count))
    share = (least + drawn[0]) / (least + drawn[0]).sum()
    return columns * (np.arange(count) + drawn[1]) / count - 0.5, 0.5 * width * share


def waves(rng: Rng, shape: tuple[int, ...], count: int, low: float, high: float) -> Field:
    """Return a smooth random field of variance 1: a sum of plane waves.

    Parameters
    ----------
    rng : numpy.random.Generator or RandomState
        Three numbers are drawn for each wave: frequency, direction and phase.
    shape : tuple of int
        (H, W) or (H, W, 3).
    count : int
        Number of waves.
    low, high : float
        Range of their frequencies, in periods over the shorter side.

    Returns
    -------
    numpy.ndarray of float64, shape (H, W)
        sum(a cos(2 pi f (x cos t + y sin t) / m + p)) / sqrt(sum(a**2) / 2), with f = low (high / low)**u,
        a = 1 / f, and x and y in pixels from 0.
    """
    drawn = rng.random((count, 3))
    frequency = low * (high / low) ** drawn[:, 0]
    angle, phase = 2.0 * math.pi * drawn[:, 1], 2.0 * math.pi * drawn[:, 2]
    y, x = grid(shape)
    side = min(shape[:2])
    turns = 2.0 * math.pi * frequency / side
    # cos(a + b) from each axis' own cosines and sines: H + W of them instead of H times W.
    along_x = (turns * np.cos(angle))[:, np.newaxis] * x
    along_y = (turns * np.sin(angle))[:, np.newaxis] * y.T + phase[:, np.newaxis]
    weight = 1.0 / frequency / math.sqrt(float((1.0 / frequency**2).sum()) / 2.0)
    scaled = weight[:, np.newaxis] * np.stack([np.cos(along_y), -np.sin(along_y)])
    total = np.zeros(shape[:2])
    _add_products(scaled, np.stack([np.cos(along_x), np.sin(along_x)]), total)
    return total


@kernel("(float64[:, :, ::1], float64[:, :, ::1], float64[:, ::1])")
def _add_products(of_rows: Field, of_columns: Field, total: Field) -> None:
    for y in range(total.shape[0]):
        row = total[y]
        for k in range(of_rows.shape[1]):
            first, second = of_rows[0, k, y], of_rows[1, k, y]
            one, other = of_columns[0, k], of_columns[1, k]
            for x in range(row.size):
                row[x] += first * one[x] + second * other[x]


def looks(rng: Rng, shape: tuple[int, int], count: int, rows: float, columns: float) -> Field:
    """Return speckle of mean 1: the mean of `count` independent fields of exponential intensity.

    Parameters
    ----------
    rng : numpy.random.Generator or RandomState
        Two normal fields are drawn for each look, one look after the other, so that fewer looks are a prefix.
    shape : tuple of (int, int)
        (H, W).
    count : int
        Number of looks, M.
    rows, columns : float
        Standard deviations, in pixels, of the Gaussian that correlates neighbours; the field wraps around.

    Returns
    -------
    numpy.ndarray of float64
        Mean of (a**2 + b**2) / 2, with a and b of variance 1.
    """
    down, across = _taps(rows), _taps(columns)
    spread = math.sqrt(_energy(down, shape[0]) * _energy(across, shape[1]))
    total, field = np.zeros(shape), np.empty(shape)
    for _ in range(2 * count):
        quantiles(random(rng, shape).reshape(-1), field.reshape(-1))
        _add_power(field, down, across, total)
    return total / (2.0 * count * spread * spread)


def _taps(sigma: float) -> Field:
    """Return a Gaussian's weights from the centre outwards, to four deviations; both sides sum to 1."""
    away = np.arange(int(4.0 * sigma + 0.5) + 1, dtype=np.float64)
    weights: Field = np.exp(-0.5 * (away / sigma) ** 2)
    weights /= 2.0 * weights.sum() - weights[0]
    return weights


def _energy(half: Field, size: int) -> float:
    """Return the sum of squares of a filter that wraps around a row of this many pixels."""
    away = np.arange(1 - half.size, half.size)
    weights = np.bincount(away % size, weights=half[np.abs(away)])
    return float((weights**2).sum())


@kernel("(float64[:, ::1], float64[::1], float64[::1], float64[:, ::1])")
def _add_power(field: Field, down: Field, across: Field, total: Field) -> None:
    """Add the square of the field, filtered along columns and rows, to the total."""
    height, width = field.shape
    border = across.size - 1
    row = np.empty(width + 2 * border)
    out = np.empty(width)
    for y in range(height):
        middle = row[border : border + width]
        centre = field[y]
        for x in range(width):
            middle[x] = down[0] * centre[x]
        for k in range(1, down.size):
            above, below, weight = field[(y - k) % height], field[(y + k) % height], down[k]
            for x in range(width):
                middle[x] += weight * (above[x] + below[x])
        for x in range(border):
            row[border - 1 - x] = middle[(-1 - x) % width]
            row[border + width + x] = middle[x % width]
        for x in range(width):
            out[x] = across[0] * middle[x]
        for k in range(1, across.size):
            left, right, weight = row[border - k :], row[border + k :], across[k]
            for x in range(width):
                out[x] += weight * (left[x] + right[x])
        for x in range(width):
            total[y, x] += out[x] * out[x]
