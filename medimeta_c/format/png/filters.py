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


@kernel("(uint8[:, ::1], int64, int64[::1], int64[::1], uint8[::1])")
def filter_rows(  # noqa: PLR0912  (of functions that a kernel calls, numba compiles each twice)
    pixels: Bytes, step: int, bounds: Integers, entropy: Integers, out: Bytes
) -> None:
    """Filter bands of rows, each with the one filter that leaves the least entropy.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W * step)
        All rows.
    step : int
        Bytes of a pixel.
    bounds : ndarray of int64, shape (bands + 1,)
        The first row of each band, and H.
    entropy : ndarray of int64
        c * log2(c) in fixed point, for counts c.
    out : ndarray of uint8, shape (H * (1 + W * step),)
        Filled: rows with their filter's number before them.
    """
    width = pixels.shape[1]
    nothing = np.zeros(width, np.uint8)
    for band in range(len(bounds) - 1):
        first, last = bounds[band], bounds[band + 1]
        every = max(1, (last - first) // _SAMPLED_ROWS)
        rows = (last - first + every - 1) // every
        lines = np.empty(rows * (1 + width), np.uint8)
        chosen, best = 0, np.int64(-1)
        for turn in range(6):  # each filter on sampled rows, then the chosen one on all
            kind = turn if turn < 5 else chosen
            target = lines if turn < 5 else out[first * (1 + width) : last * (1 + width)]
            start = 0
            for row in range(first, last, every if turn < 5 else 1):
                target[start] = kind
                head = target[start + 1 : start + 1 + step]
                line = target[start + 1 + step : start + 1 + width]
                x, a = pixels[row, step:], pixels[row, : width - step]
                above = pixels[row - 1] if row > 0 else nothing
                b, c = above[step:], above[: width - step]
                for i in range(step):
                    up = above[i] if kind in (2, 4) else above[i] >> 1 if kind == 3 else 0
                    head[i] = pixels[row, i] - up
                if kind == 0:
                    for i in range(len(line)):  # many times as fast as assigning the slice
                        line[i] = x[i]
                elif kind == 1:
                    for i in range(len(line)):
                        line[i] = x[i] - a[i]
                elif kind == 2:
                    for i in range(len(line)):
                        line[i] = x[i] - b[i]
                elif kind == 3:
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
                start += 1 + width
            if turn == 5:
                break
            # Four histograms, so that equal neighbours do not wait for each other.
            counts = np.zeros((4, 256), np.int32)
            for row in range(rows):
                start = row * (1 + width) + 1
                sample = lines[start + step : start + min(width, _SAMPLED_BYTES)]
                fours = len(sample) // 4
                for i in range(fours):
                    counts[0, sample[4 * i]] += 1
                    counts[1, sample[4 * i + 1]] += 1
                    counts[2, sample[4 * i + 2]] += 1
                    counts[3, sample[4 * i + 3]] += 1
                for i in range(4 * fours, len(sample)):
                    counts[0, sample[i]] += 1
            total = np.int64(0)
            for value in range(256):
                total += entropy[counts[0, value] + counts[1, value] + counts[2, value] + counts[3, value]]
            if total > best:  # the larger the sum of c log c, the smaller the entropy
                chosen, best = kind, total
