"""Filters of PNG undone, compiled: several rows at once, each a pixel behind the row above.

A pixel depends on those to its left, above, and above to the left, so that neither a row nor a column can be
computed at once. A slanted line can: all of its pixels depend on the two lines before it alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._jit import Kernel, kernel

__all__ = ["UNFILTER"]

Bytes = NDArray[np.uint8]

_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)


def _unfilter(step: int, together: int) -> Kernel[[Bytes, Bytes]]:  # noqa: PLR0915
    """Return the kernel for pixels of some bytes, so many rows at once; both are constants in its code."""
    lanes = together * step

    @kernel("(uint8[::1], uint8[:, ::1])")
    def undo(data: Bytes, pixels: Bytes) -> None:  # noqa: PLR0912  (a call per row would cost as much as it)
        height, width = pixels.shape
        across = width // step
        # By slanted line: a pixel of the row above all, then one of each row, filtered at first. Lines of
        # which a row is not part yet hold zeros for it, which is what PNG has left of a row's first pixel.
        lines = np.zeros((across + together + 1, lanes + step), np.int16)
        filters = np.zeros(lanes, np.int16)
        for top in range(0, height, together):
            rows = min(together, height - top)
            easy = True
            for row in range(rows):
                easy &= data[(top + row) * (1 + width)] < _AVERAGE
            if easy:
                for row in range(top, top + rows):
                    start = row * (1 + width)
                    line, out = data[start + 1 : start + 1 + width], pixels[row]
                    if data[start] == _UP and row > 0:
                        above = pixels[row - 1]
                        for i in range(width):
                            out[i] = line[i] + above[i]
                    else:
                        out[:] = line
                        if data[start] == _SUB:
                            for i in range(width - step):
                                out[i + step] += out[i]
                continue

            for row in range(rows):
                start = (top + row) * (1 + width)
                filters[row * step : (row + 1) * step] = data[start]
                line, lane = data[start + 1 : start + 1 + width], (row + 1) * step
                if step == 3:
                    for x in range(across):
                        lines[x + row + 2, lane] = line[3 * x]
                        lines[x + row + 2, lane + 1] = line[3 * x + 1]
                        lines[x + row + 2, lane + 2] = line[3 * x + 2]
                else:
                    for x in range(across):
                        lines[x + row + 2, lane] = line[x]
            if top > 0:
                for x in range(across):
                    for channel in range(step):
                        lines[x + 1, channel] = pixels[top - 1, x * step + channel]

            for number in range(2, across + rows + 1):
                before, here = lines[number - 1], lines[number, step:]
                corners, lefts = lines[number - 2], before[step:]
                for i in range(lanes):
                    left, up, corner = lefts[i], before[i], corners[i]
                    to_left, to_up = abs(np.int16(up - corner)), abs(np.int16(left - corner))
                    to_corner = abs(np.int16(left + up - corner - corner))
                    nearer = up if to_up <= to_corner else corner
                    guess = left if (to_left <= to_up) & (to_left <= to_corner) else nearer
                    kind = filters[i]
                    guess = np.int16((left + up) >> 1) if kind == _AVERAGE else guess
                    guess = up if kind == _UP else guess
                    guess = left if kind == _SUB else guess
                    guess = np.int16(0) if kind == _NONE else guess
                    here[i] = np.int16((guess + here[i]) & 255)

            for row in range(rows):
                out, lane = pixels[top + row], (row + 1) * step
                if step == 3:
                    for x in range(across):
                        out[3 * x] = lines[x + row + 2, lane]
                        out[3 * x + 1] = lines[x + row + 2, lane + 1]
                        out[3 * x + 2] = lines[x + row + 2, lane + 2]
                else:
                    for x in range(across):
                        out[x] = lines[x + row + 2, lane]

    return undo


UNFILTER = {1: _unfilter(1, 32), 3: _unfilter(3, 16)}
"""By bytes of a pixel, what undoes the filters of all rows (ISO/IEC 15948, clause 9).

Takes rows of uint8, shape (H * (1 + W * step),), each with its filter's number, 0 to 4, before it; and the
pixels to be filled, uint8 of shape (H, W * step). More rows at once would leave the fastest memory.
"""
