"""Stitching: tiles of a slide scanner that do not meet and are not equally bright."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["STITCHING", "stitching"]


@content
def stitching(image: Pixels, fault: tuple[float, float], rng: Rng) -> Pixels:
    """Cut the image into four tiles; move three of them, and give each its own gain and vignette.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        From a slide scanner; not modified.
    fault : tuple of (float, float)
        d: by how many pixels (at the reference size) a tile is off its place; a: by which share it is too
        bright or too dark.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two numbers for where the seams cross, then for each tile, in reading order, a direction and a
        sign of the gain.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The upper tiles end before row floor(H (0.35 + 0.3 u1) + 1/2), the left ones before column
    floor(W (0.35 + 0.3 u2) + 1/2). The tile of most pixels, the first of equals, stays; each other shows
    what lies d s further in the direction 2 pi u, sampled between pixels (the nearest one beyond the
    border). All are multiplied, in linear light, by (1 +- a)(1 - 2 a r**2), with r the distance from the
    tile's middle: r**2 = (p**2 + q**2) / 2, where p and q run from -1 to 1 between the centres of the
    tile's first and last rows and columns.
    """
    offset, share = fault
    light = linear(image)
    height, width = image.shape[:2]
    crossing, drawn = rng.random(2), rng.random((4, 2))
    row = math.floor(height * (0.35 + 0.3 * crossing[0]) + 0.5)
    column = math.floor(width * (0.35 + 0.3 * crossing[1]) + 0.5)
    tiles = [
        (rows, columns) for rows in ((0, row), (row, height)) for columns in ((0, column), (column, width))
    ]
    sizes = [(bottom - top) * (right - left) for (top, bottom), (left, right) in tiles]
    reference = sizes.index(max(sizes))
    out = np.empty_like(light)
    for number, ((top, bottom), (left, right)) in enumerate(tiles):
        if sizes[number] == 0:
            continue
        box = slice(top, bottom), slice(left, right)
        shown = light[box]
        y, x = grid((bottom - top, right - left))
        if number != reference:
            angle = 2.0 * math.pi * drawn[number, 0]
            down, across = offset * scale(image) * math.sin(angle), offset * scale(image) * math.cos(angle)
            shown = _shifted(light, (top + y + down).ravel(), (left + x + across).ravel())
        gain = 1.0 + (share if drawn[number, 1] >= 0.5 else -share)
        out[box] = shown * (gain * (1.0 - 2.0 * share * _squared(y, x)))[..., np.newaxis]
    return displayed(out)


def _shifted(light: Field, rows: Field, columns: Field) -> Field:
    """Return light at the crossings of rows and columns, bilinear; beyond the border the nearest pixel.

    It is what `sampled` returns, an axis after the other: that takes a quarter of the time.
    """
    for axis, places in enumerate((rows, columns)):
        last = light.shape[axis] - 1.0
        inside = np.clip(places, 0.0, last)
        first = np.floor(inside)
        further = (inside - first).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        low, high = first.astype(np.intp), np.minimum(first + 1.0, last).astype(np.intp)
        light = light.take(low, axis) * (1.0 - further) + light.take(high, axis) * further
    return light


def _squared(y: Field, x: Field) -> Field:
    """Return the square of the distance from a tile's middle; 1 at the centres of its corner pixels."""
    rows, columns = (np.abs(2.0 * axis / max(axis.size - 1, 1) - 1.0) for axis in (y, x))
    found: Field = (rows * rows + columns * columns) / 2.0
    return found


STITCHING = Corruption(
    name="stitching",
    category="geometry",
    description="Tiles of a slide scanner that do not meet and differ in brightness.",
    parameter="offset (pixels at 224), difference of a tile's brightness (share)",
    parameters=((0.6, 0.03), (1.2, 0.06), (2.2, 0.1), (3.6, 0.15), (5.5, 0.21)),
    stochastic=True,
    function=stitching,
    channels="colour",
    sides=SIDES,
    modality="light microscopy with a slide scanner",
    domain="linear light",
    assumptions="values are sRGB",
    source="own formula; the fault in Kanwal et al. 2022",
)
