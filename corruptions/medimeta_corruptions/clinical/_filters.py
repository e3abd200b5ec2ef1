"""Filters of the clinical suite: Gaussian, disc, line, sampling between pixels, strokes, filled holes.

All of SciPy's filters and transforms are reached from here, so that importing this package stays fast.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels
from medimeta_corruptions._jit import kernel
from medimeta_corruptions.clinical._frame import Field

__all__ = ["Mask", "disc", "field_of_view", "gaussian", "joined", "line", "sampled", "soft_disc", "strokes"]

Mask: TypeAlias = NDArray[np.bool_]
"""Which pixels take part."""

_WIDE = 8.0
"""Standard deviation, in pixels, from which a Gaussian is faster through a cosine transform."""


def gaussian(
    values: Field,
    sigma: float | tuple[float, float],
    mode: Literal["reflect", "wrap", "constant"] = "reflect",
    inside: Mask | None = None,
) -> Field:
    """Return values blurred by a Gaussian cut off at four standard deviations.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (H, W) or (H, W, C)
        Each channel is blurred by itself.
    sigma : float or tuple of (float, float)
        Standard deviation in pixels; of rows and columns.
    mode : {"reflect", "wrap", "constant"}
        What lies beyond the border.
    inside : numpy.ndarray of bool, shape (H, W), optional
        Only these pixels take part and are changed.

    Notes
    -----
    It is scipy.ndimage.gaussian_filter with ``truncate=4``, sum by sum, compiled for whole rows at once.
    """
    if inside is not None:
        return _in_mask(values, inside, lambda plane: gaussian(plane, sigma, mode))
    pair = (sigma, sigma) if isinstance(sigma, int | float) else sigma
    if mode == "reflect" and max(pair) > _WIDE:
        return _gaussian_by_cosines(values, pair)
    found = np.array(values, dtype=np.float64)
    for axis, deviation in enumerate(pair):
        if deviation > 0.0:
            found = _smoothed(found, axis, deviation, mode)
    return found


def _gaussian_by_cosines(values: Field, pair: tuple[float, float]) -> Field:
    """Return what `gaussian` returns with a mirrored border, but for the last bits, however wide.

    Over such a border a cosine transform makes a product of a filter with even weights, cut off or not.
    """
    from scipy import fft  # noqa: PLC0415

    bands = fft.dctn(values, axes=(0, 1))
    for axis, sigma in enumerate(pair):
        side = values.shape[axis]
        away = np.arange(1, int(4.0 * sigma + 0.5) + 1)
        weights = np.exp(-0.5 * (away / max(sigma, 1e-15)) ** 2)
        waves = np.cos(math.pi / side * (np.arange(side)[:, np.newaxis] * away % (2 * side)))
        gain = (1.0 + 2.0 * (waves * weights).sum(axis=1)) / (1.0 + 2.0 * weights.sum())
        bands *= np.expand_dims(gain, tuple(other for other in range(values.ndim) if other != axis))
    found: Field = fft.idctn(bands, axes=(0, 1))
    return found


def _smoothed(values: Field, axis: int, sigma: float, mode: Literal["reflect", "wrap", "constant"]) -> Field:
    """Return values blurred along one axis; the last axis of three is that of channels."""
    radius = int(4.0 * sigma + 0.5)
    weights = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2)
    weights = (weights / weights.sum())[radius:]
    around = [(0, 0)] * values.ndim
    around[axis] = (radius, radius)
    padded = np.pad(values, around, mode="symmetric" if mode == "reflect" else mode)
    out = np.empty_like(values)
    rows = out.reshape(out.shape[0], -1)
    # Neighbours are a whole row apart, or the channels of a pixel.
    step = rows.shape[1] if axis == 0 else rows.shape[1] // out.shape[1]
    _symmetric(padded.reshape(-1), padded[0].size, step, weights, rows)
    return out


@kernel("(float64[::1], int64, int64, float64[::1], float64[:, ::1])")
def _symmetric(padded: Field, stride: int, step: int, weights: Field, out: Field) -> None:
    # In the order in which scipy.ndimage.correlate1d adds: the middle, then pairs from the outermost inwards.
    height, width = out.shape
    radius = weights.size - 1
    for y in range(height):
        middle = y * stride + radius * step
        row = out[y]
        for x in range(width):
            row[x] = weights[0] * padded[middle + x]
        for j in range(radius, 0, -1):
            weight = weights[j]
            before = padded[middle - j * step : middle - j * step + width]
            after = padded[middle + j * step : middle + j * step + width]
            for x in range(width):
                row[x] += weight * (before[x] + after[x])


def disc(values: Field, radius: float, inside: Mask | None = None) -> Field:
    """Return values blurred by a uniform disc, as a lens out of focus does.

    The transform is multiplied by the disc's own, 2 J1(2 pi r f) / (2 pi r f), so that any radius is exact,
    below one pixel too. The border is mirrored over at least ceil(r) + 4 pixels (see `_spectral`).

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (H, W) or (H, W, C)
        Linear light.
    radius : float
        In pixels.
    inside : numpy.ndarray of bool, shape (H, W), optional
        Only these pixels take part and are changed (a normalised convolution).
    """
    from scipy.special import j1  # noqa: PLC0415

    border = math.ceil(radius) + 4

    def transfer(frequency: Field) -> Field:
        x = 2.0 * math.pi * radius * frequency
        return np.where(x > 0.0, 2.0 * j1(x) / np.where(x > 0.0, x, 1.0), 1.0)

    return _spectral(values, inside, border, lambda rows, columns: transfer(np.hypot(rows, columns)))


def line(values: Field, length: float, angle: float, inside: Mask | None = None) -> Field:
    """Return values blurred along a straight line, as a steady motion during exposure does.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (H, W) or (H, W, C)
        Linear light, or photons.
    length : float
        In pixels.
    angle : float
        Of the line with the rows, in radians.
    inside : numpy.ndarray of bool, shape (H, W), optional
        Only these pixels take part and are changed.

    Notes
    -----
    The kernel has ceil(8 length) + 1 points of equal weight on the segment, centred, each shared between
    its four neighbours, and a sum of 1. The border is mirrored.
    """
    border = math.ceil(length / 2.0) + 1
    steps = np.linspace(-0.5, 0.5, math.ceil(8.0 * length) + 1) * length
    y, x = steps * math.sin(angle) + border, steps * math.cos(angle) + border
    weights = np.zeros((2 * border + 1, 2 * border + 1))
    top, left = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    down, right = y - top, x - left
    np.add.at(weights, (top, left), (1.0 - down) * (1.0 - right))
    np.add.at(weights, (top, left + 1), (1.0 - down) * right)
    np.add.at(weights, (top + 1, left), down * (1.0 - right))
    np.add.at(weights, (top + 1, left + 1), down * right)
    weights /= steps.size
    used = np.argwhere(weights > 0.0)

    def blurred(plane: Field) -> Field:
        padded = np.pad(plane, border, mode="symmetric")
        out = np.empty_like(plane)
        _weighted(padded, np.ascontiguousarray(used), weights[weights > 0.0], out)
        return out

    return _in_mask(values, inside, blurred)


@kernel("(float64[:, ::1], int64[:, ::1], float64[::1], float64[:, ::1])")
def _weighted(padded: Field, places: NDArray[np.int64], weights: Field, out: Field) -> None:
    height, width = out.shape
    for y in range(height):
        out[y, :] = 0.0
        for k in range(weights.size):
            row = padded[y + places[k, 0], places[k, 1] : places[k, 1] + width]
            weight = weights[k]
            for x in range(width):
                out[y, x] += weight * row[x]


def _spectral(values: Field, inside: Mask | None, border: int, transfer: Any) -> Field:
    """Return values filtered by a transfer function of the frequencies in rows and columns.

    The border is mirrored: at the first rows and columns over `border` pixels, at the last ones over as many
    or the few more that make the side a product of twos, threes and fives, which transforms quickly.
    """
    from scipy import fft  # noqa: PLC0415

    height, width = values.shape[:2]
    rows, columns = (fft.next_fast_len(side + 2 * border, real=True) for side in (height, width))
    gain = transfer(np.abs(fft.fftfreq(rows))[:, np.newaxis], fft.rfftfreq(columns)[np.newaxis, :])
    around = (border, rows - height - border), (border, columns - width - border)

    def filtered(plane: Field) -> Field:
        spectrum = fft.rfft2(np.pad(plane, around, mode="symmetric"), overwrite_x=True)
        spectrum *= gain
        found: Field = fft.irfft2(spectrum, s=(rows, columns), overwrite_x=True)
        return found[border : border + height, border : border + width]

    return _in_mask(values, inside, filtered)


def _in_mask(values: Field, inside: Mask | None, blurred: Any) -> Field:
    """Return each channel blurred; with a mask, by a normalised convolution in it, unchanged outside."""
    planes = values[..., np.newaxis] if values.ndim == 2 else values
    out = np.empty_like(planes)
    share = None if inside is None else np.maximum(blurred(inside.astype(np.float64)), 1e-6)
    for channel in range(planes.shape[2]):
        plane = np.ascontiguousarray(planes[..., channel])
        if inside is None or share is None:
            out[..., channel] = blurred(plane)
        else:
            mean = blurred(np.where(inside, plane, 0.0)) / share
            out[..., channel] = np.where(inside, mean, plane)
    return out.reshape(values.shape)


def sampled(values: Field, rows: Field, columns: Field) -> Field:
    """Return values between pixels, bilinear; beyond the border the nearest pixel.

    Parameters
    ----------
    values : numpy.ndarray of float64, shape (H, W) or (H, W, C)
        What is sampled.
    rows, columns : numpy.ndarray of float64
        Where, in pixels from 0; they are broadcast against each other.
    """
    height, width = values.shape[:2]
    y, x = np.broadcast_arrays(np.clip(rows, 0.0, height - 1.0), np.clip(columns, 0.0, width - 1.0))
    top, left = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    bottom, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = y - top, x - left
    if values.ndim == 3:
        down, across = down[..., np.newaxis], across[..., np.newaxis]
    upper = values[top, left] * (1.0 - across) + values[top, right] * across
    lower = values[bottom, left] * (1.0 - across) + values[bottom, right] * across
    found: Field = upper * (1.0 - down) + lower * down
    return found


def strokes(shape: tuple[int, ...], drawn: Field) -> Field:
    """Return a mask of curved strokes of Gaussian profile, 0 to 1; where they cross, the larger value stays.

    Parameters
    ----------
    shape : tuple of int
        (H, W), or more.
    drawn : numpy.ndarray of float64, shape (n, 6)
        Of each stroke: row and column where it starts, in pixels; its direction there with the rows, in
        radians; its length in pixels; how much it turns in a pixel, in radians; and the standard deviation of
        its profile, in pixels.

    Notes
    -----
    A stamp exp(-d**2 / 2 sigma**2), cut off at four standard deviations, is set every half pixel.
    """
    mask = np.zeros(shape[:2])
    _stamp(mask, np.ascontiguousarray(drawn))
    return mask


@kernel("(float64[:, ::1], float64[:, ::1])")
def _stamp(mask: Field, drawn: Field) -> None:
    height, width = mask.shape
    for k in range(drawn.shape[0]):
        row, column, angle, length, curvature, sigma = drawn[k]
        reach = 4.0 * sigma
        across = np.empty(int(np.ceil(2.0 * reach)) + 2)
        for _ in range(int(np.ceil(2.0 * length)) + 1):
            first, last = max(0, int(np.ceil(row - reach))), min(height - 1, int(np.floor(row + reach)))
            left, right = max(0, int(np.ceil(column - reach))), min(width - 1, int(np.floor(column + reach)))
            # The stamp is a product of two profiles: an exponential for a row, not for a pixel.
            for x in range(left, right + 1):
                across[x - left] = np.exp(-((x - column) ** 2) / (2.0 * sigma * sigma))
            for y in range(first, last + 1):
                along = np.exp(-((y - row) ** 2) / (2.0 * sigma * sigma))
                for x in range(left, right + 1):
                    mask[y, x] = max(mask[y, x], along * across[x - left])
            row += 0.5 * np.sin(angle)
            column += 0.5 * np.cos(angle)
            angle += 0.5 * curvature


def soft_disc(
    shape: tuple[int, ...], row: float, column: float, radius: float, edge: float
) -> tuple[tuple[slice, slice], Field]:
    """Return where in an image a disc lies, and how much of each pixel there it covers.

    Parameters
    ----------
    shape : tuple of int
        (H, W), or more.
    row, column : float
        Its centre, in pixels from 0.
    radius, edge : float
        In pixels. At the distance d it covers 1 - ramp((d - radius) / edge + 1/2): half at the radius.
    """
    reach = radius + edge / 2.0
    box = tuple(
        slice(min(max(math.ceil(middle - reach), 0), side), min(max(math.floor(middle + reach) + 1, 0), side))
        for middle, side in zip((row, column), shape, strict=False)
    )
    rows = np.arange(box[0].start, box[0].stop)[:, np.newaxis] - row
    columns = np.arange(box[1].start, box[1].stop)[np.newaxis, :] - column
    outside = np.clip((np.hypot(rows, columns) - radius) / edge + 0.5, 0.0, 1.0)
    covered: Field = 1.0 - outside * outside * (3.0 - 2.0 * outside)
    return (box[0], box[1]), covered


def field_of_view(image: Pixels) -> Mask:
    """Return which pixels of an image the lens shows: brighter than 15 in a channel, holes filled."""
    dark = image <= 15
    # Over an axis of three, a maximum takes ten times as long.
    return ~joined(dark if image.ndim == 2 else dark[..., 0] & dark[..., 1] & dark[..., 2])


def joined(mask: Mask) -> Mask:
    """Return which pixels of a mask are joined to the image's border.

    Pixels are neighbours where they share a side. So ``~joined(~mask)`` is a mask with its holes filled.
    """
    found = np.zeros(mask.shape, dtype=np.bool_)
    if mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any():
        _flood(np.ascontiguousarray(mask), found)
    return found


@kernel("(boolean[:, ::1], boolean[:, ::1])")
def _flood(mask: Mask, found: Mask) -> None:
    height, width = mask.shape
    waiting = np.empty(mask.size, dtype=np.int64)
    count = 0
    for y in range(height):
        step = 1 if y in (0, height - 1) else max(1, width - 1)
        for x in range(0, width, step):
            if mask[y, x] and not found[y, x]:
                found[y, x] = True
                waiting[count] = y * width + x
                count += 1
    while count:
        count -= 1
        y, x = divmod(waiting[count], width)
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            row, column = y + down, x + right
            if 0 <= row < height and 0 <= column < width and mask[row, column] and not found[row, column]:
                found[row, column] = True
                waiting[count] = row * width + column
                count += 1
