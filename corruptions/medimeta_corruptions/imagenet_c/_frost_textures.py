"""Pictures of frost, drawn from a seed: feathers of ice crystals on hazy glass."""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels

__all__ = ["COUNT", "DIGESTS", "SIDE", "digest", "texture"]

COUNT = 5
"""How many textures there are."""

SIDE = 640
"""Their side in pixels; a power of two times five, so that lattices of the haze fit."""

DIGESTS = (
    "d5d9f249a64850a82448db2993fb556f24cab99860b21ecc684d082eb1dbb0ff",
    "3881641068eabe3887425f44a17643be72e79b9a94d92656cf2ccd1900e16962",
    "9d7c8a6168fe41e7108ed531d225a45b157c93ad29f3a19d060981f6ff9f5107",
    "dadc2e21aaf4389ca948f8c608eccb5e28ae0af9345fb019a97a7ee4e5cafd58",
    "34b2ba0c3f5e289ecc7fbfa88c118585761611de1fcb17322930019105257d47",
)
"""SHA-256 of each texture's bytes. They are part of what frost's pixels are."""

SEED = 0x66726F7374
ANGLES = 360
BRANCH_DEG = 60
"""Water's crystals branch at this angle."""

STEMS = (60, 80, 110, 44, 70)
LENGTHS_PX = ((90, 260), (70, 200), (50, 150), (120, 320), (60, 240))
HAZE = (84, 116, 150, 74, 100)
"""Of each texture: its stems, their shortest and longest, and how bright the glass between them is."""

TINT = (232, 244, 255)
"""The colour of ice where it is brightest."""


@lru_cache(maxsize=COUNT)
def texture(index: int) -> Pixels:
    """Draw one texture.

    Parameters
    ----------
    index : int
        Which one, from 0.

    Returns
    -------
    numpy.ndarray of uint8, shape (SIDE, SIDE, 3)
        RGB; it repeats at its borders. Do not change it: the next call returns it again.

    Raises
    ------
    RuntimeError
        If its digest is not the one in `DIGESTS`: this machine computes something else.

    Notes
    -----
    Stems start at random points in random directions. Each carries side branches at 60 degrees on both
    sides, shorter towards its tip, and these carry shorter ones again. Lines are drawn with a glow of two
    widths over a haze of three octaves. All numbers are uniform ones of Philox, directions are rounded to
    1/4096 and brightness is summed as integers, so that every machine draws the same bytes.
    """
    rng = np.random.Generator(np.random.Philox(key=[SEED, index]))
    lines = _feathers(rng, STEMS[index], LENGTHS_PX[index])
    ice = lines + (6 * _box(lines, 1) + 5 * _box(lines, 3) + 4 * _box(lines, 9)) // 4
    level = _haze(rng, HAZE[index]) + ice
    level = np.minimum(level, 255)
    picture: Pixels = (level[..., np.newaxis] * np.array(TINT) // 255).astype(np.uint8)
    picture.flags.writeable = False
    if digest(picture) != DIGESTS[index]:
        raise RuntimeError(
            f"frost texture {index} has another digest here than elsewhere, so frost would have other pixels:"
            " please report this with the versions of NumPy and Python, and the processor"
        )
    return picture


def digest(picture: Pixels) -> str:
    """Return the SHA-256 of a picture's bytes."""
    return hashlib.sha256(picture.tobytes()).hexdigest()


def _feathers(rng: np.random.Generator, stems: int, lengths: tuple[int, int]) -> NDArray[np.int64]:
    """Draw stems and two orders of branches; brightness 0 to 84."""
    canvas = np.zeros((SIDE, SIDE), np.int64)
    shortest, longest = lengths
    start = rng.random((stems, 2)) * SIDE
    angle = (rng.random(stems) * ANGLES).astype(np.int64)
    length = shortest + rng.random(stems) * rng.random(stems) * (longest - shortest)
    for brightness, spacing, share in ((84, 7.0, 0.42), (60, 4.0, 0.38), (44, 0.0, 0.0)):
        _draw(canvas, start, angle, length, brightness)
        if spacing:
            start, angle, length = _branches(rng, start, angle, length, (spacing, share))
    return canvas


def _branches(
    rng: np.random.Generator,
    start: NDArray[np.float64],
    angle: NDArray[np.int64],
    length: NDArray[np.float64],
    pattern: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the branches of lines: where they start, their angles and lengths.

    The pattern is the distance between branches in pixels, and their length as a share of the line ahead.
    """
    spacing, share = pattern
    counts = (length // spacing).astype(np.int64)
    parent = np.repeat(np.arange(length.size), counts)
    order = np.arange(parent.size) - np.repeat(np.cumsum(counts) - counts, counts)
    along = (order + rng.random(parent.size)) * spacing
    side = np.where(rng.random(parent.size) < 0.5, BRANCH_DEG, -BRANCH_DEG)
    turned = (angle[parent] + side) % ANGLES
    left = (length[parent] - along) * share * (0.5 + rng.random(parent.size))
    return start[parent] + along[:, np.newaxis] * _directions()[angle[parent]], turned, np.maximum(left, 0.0)


@lru_cache(maxsize=1)
def _directions() -> NDArray[np.float64]:
    """Return a step of a pixel, down and right, for each degree; a machine's last bits are rounded off."""
    circle = [math.radians(degree) for degree in range(ANGLES)]
    return np.array([(round(math.sin(a) * 4096) / 4096, round(math.cos(a) * 4096) / 4096) for a in circle])


def _draw(
    canvas: NDArray[np.int64],
    start: NDArray[np.float64],
    angle: NDArray[np.int64],
    length: NDArray[np.float64],
    brightness: int,
) -> None:
    """Draw lines that fade towards their tips, each point over what is darker."""
    counts = (2 * length).astype(np.int64) + 1
    line = np.repeat(np.arange(length.size), counts)
    order = np.arange(line.size) - np.repeat(np.cumsum(counts) - counts, counts)
    point = start[line] + (0.5 * order)[:, np.newaxis] * _directions()[angle[line]]
    pixel = np.floor(point).astype(np.int64) % SIDE
    fading = brightness - brightness * order // (2 * counts[line])
    np.maximum.at(canvas, (pixel[:, 0], pixel[:, 1]), fading)


def _box(values: NDArray[np.int64], radius: int) -> NDArray[np.int64]:
    """Return the mean over a square around each pixel, rounded down."""
    for axis in (0, 1):
        total = np.zeros_like(values)
        for shift in range(-radius, radius + 1):
            total += np.roll(values, shift, axis=axis)
        values = total
    return values // (2 * radius + 1) ** 2


def _haze(rng: np.random.Generator, brightness: int) -> NDArray[np.int64]:
    """Return an uneven haze of three octaves, from half to one and a half of a brightness."""
    total = np.zeros((SIDE, SIDE), np.int64)
    for cell, weight in ((160, 4), (40, 2), (5, 2)):
        lattice = (rng.random((SIDE // cell, SIDE // cell)) * 256).astype(np.int64)
        place, part = np.divmod(np.arange(SIDE), cell)
        following = (place + 1) % (SIDE // cell)
        rows = lattice[place] * (cell - part)[:, np.newaxis] + lattice[following] * part[:, np.newaxis]
        total += weight * ((rows[:, place] * (cell - part) + rows[:, following] * part) // (cell * cell))
    return brightness // 2 + brightness * total // (8 * 256)
