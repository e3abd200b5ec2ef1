"""Filters of PNG, compiled: a band of rows through the one that leaves the least entropy.

The filters are those of ISO/IEC 15948, clause 9. libpng chooses row by row, by the least sum of absolute
values; the entropy of sampled rows chooses better. Eight rows are few, and alias less with pixelated images.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._jit import kernel

__all__ = ["entropy_table", "filter_rows"]

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

_SAMPLED_BYTES = 8000
_SAMPLED_ROWS = 8


@cache
def entropy_table(width: int) -> Integers:
    """Return c * log2(c) in fixed point, for every count c that sampling rows of `width` bytes can reach.

    Whole numbers, so that no machine's logarithm decides between two filters by its last bit.
    """
    counts = np.arange(1, 2 * _SAMPLED_ROWS * min(width, _SAMPLED_BYTES) + 1, dtype=np.float64)
    return np.concatenate([[0], np.round(counts * np.log2(counts) * 4096)]).astype(np.int64)


@kernel("(uint8[:, ::1], int64, int64, int64, int64[::1], uint8[::1])")
def filter_rows(  # noqa: PLR0912, PLR0913, PLR0917  (one pass; a call per row would cost as much as the row)
    pixels: Bytes, step: int, first: int, last: int, entropy: Integers, out: Bytes
) -> None:
    """Filter a band of rows with the one filter that leaves the least entropy.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W * step)
        All rows.
    step : int
        Bytes of a pixel.
    first, last : int
        The band.
    entropy : ndarray of int64
        c * log2(c) in fixed point, for counts c.
    out : ndarray of uint8, shape (H * (1 + W * step),)
        Rows with their filter's number before them; the band's are written.
    """
    width = pixels.shape[1]
    nothing = np.zeros(width, np.uint8)
    sampled = min(width, _SAMPLED_BYTES)
    every = max(1, (last - first) // _SAMPLED_ROWS)
    counts = np.zeros((5, 256), np.int32)
    for row in range(first, last, every):
        line = pixels[row]
        above = pixels[row - 1] if row > 0 else nothing
        for i in range(sampled - step):
            here, up = np.int32(line[i + step]), np.int32(above[i + step])
            left, corner = np.int32(line[i]), np.int32(above[i])
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            nearer = up if to_up <= to_corner else corner
            nearest = left if (to_left <= to_up) & (to_left <= to_corner) else nearer
            counts[0, here] += 1
            counts[1, (here - left) & 255] += 1
            counts[2, (here - up) & 255] += 1
            counts[3, (here - ((left + up) >> 1)) & 255] += 1
            counts[4, (here - nearest) & 255] += 1
    chosen, best = 0, np.int64(-1)
    for kind in range(5):
        total = np.int64(0)
        for value in range(256):
            total += entropy[counts[kind, value]]
        if total > best:  # the larger the sum of c log c, the smaller the entropy
            chosen, best = kind, total

    for row in range(first, last):
        start = row * (1 + width)
        out[start] = chosen
        head, line = out[start + 1 : start + 1 + step], out[start + 1 + step : start + 1 + width]
        x, a = pixels[row, step:], pixels[row, : width - step]
        above = pixels[row - 1] if row > 0 else nothing
        b, c = above[step:], above[: width - step]
        for i in range(step):
            up = above[i] if chosen in (2, 4) else above[i] >> 1 if chosen == 3 else 0
            head[i] = pixels[row, i] - up
        if chosen == 0:
            line[:] = x
        elif chosen == 1:
            for i in range(len(line)):
                line[i] = x[i] - a[i]
        elif chosen == 2:
            for i in range(len(line)):
                line[i] = x[i] - b[i]
        elif chosen == 3:
            for i in range(len(line)):
                line[i] = x[i] - np.uint8((np.uint16(a[i]) + np.uint16(b[i])) >> np.uint16(1))
        else:
            for i in range(len(line)):
                left, up, corner = np.int16(a[i]), np.int16(b[i]), np.int16(c[i])
                to_left, to_up = abs(np.int16(up - corner)), abs(np.int16(left - corner))
                to_corner = abs(np.int16(left + up - corner - corner))
                nearer = up if to_up <= to_corner else corner
                nearest = left if (to_left <= to_up) & (to_left <= to_corner) else nearer
                line[i] = np.int16(x[i]) - nearest
