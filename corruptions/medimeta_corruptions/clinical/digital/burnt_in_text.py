"""Burnt-in text: markers and annotations written into the pixels.

Strings of 5 x 7 dots, more of them and larger ones at each severity; what they say is drawn and tells
nothing of the image.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["BURNT_IN_TEXT", "burnt_in_text"]

WORDS = ("L", "R", "AP", "PA", "SUPINE", "ERECT", "PORTABLE", "12:05")
"""What is written; one more choice is a number of four digits."""

LEVEL = 0.97
"""Grey of the writing."""

MARGIN = 3.0
"""Between writing and border, in pixels at 224."""

MOST = 11
"""Strings are drawn for the highest severity; lower ones show the first of them."""

# Seven rows of five dots, the topmost first; bit 4 is the leftmost dot.
GLYPHS = {
    "0": (14, 17, 19, 21, 25, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 2, 4, 8, 31),
    "3": (31, 2, 4, 2, 1, 17, 14),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
    ":": (0, 4, 4, 0, 4, 4, 0),
    "A": (14, 17, 17, 31, 17, 17, 17),
    "B": (30, 17, 17, 30, 17, 17, 30),
    "C": (14, 17, 16, 16, 16, 17, 14),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "N": (17, 25, 21, 21, 19, 17, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16),
    "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "U": (17, 17, 17, 17, 17, 17, 14),
}


@content
def burnt_in_text(image: Pixels, writing: tuple[int, float], rng: Rng) -> Field:
    """Write a number of strings over the image, most of them at its borders.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    writing : tuple of (int, float)
        Number of strings, and the side of one dot in pixels at 224.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws an array of (11, 6): of each string which word, which digits, border or anywhere, which border,
        and its place down and across.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    g' = g + c max(0.97 - g, 0), with c the share of the pixel that dots cover, of the string that covers most
    of it. A character takes 6 dots, of which the last column is empty except at the end of a string.
    Coordinates count pixels' edges: pixel x reaches from x to x + 1.
    """
    count, dot = writing[0], writing[1] * scale(image)
    covered = np.zeros(image.shape)
    for drawn in rng.random((MOST, 6))[:count]:
        dots = _dots(_word(drawn[0], drawn[1]))
        top, left = _corner(drawn[2:], image, (dots.shape[0] * dot, dots.shape[1] * dot))
        down = _overlap(top, dot, dots.shape[0], image.shape[0])
        across = _overlap(left, dot, dots.shape[1], image.shape[1])
        rows, columns = (np.flatnonzero(shares.any(axis=0)) for shares in (down, across))
        box = np.ix_(rows, columns)
        found = np.zeros((rows.size, columns.size))
        for line, shares in zip(dots, down[:, rows], strict=True):
            found += shares[:, np.newaxis] * across[:, columns][line].sum(axis=0)
        covered[box] = np.maximum(covered[box], found)
    values = grey(image)
    return values + covered * np.maximum(LEVEL - values, 0.0)


def _word(which: float, digits: float) -> str:
    index = int(which * (len(WORDS) + 1))
    return WORDS[index] if index < len(WORDS) else f"{int(digits * 10000):04d}"


def _dots(word: str) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return which of 7 rows of dots are lit."""
    lit = np.zeros((7, 6 * len(word) - 1), dtype=bool)
    for position, character in enumerate(word):
        for row, bits in enumerate(GLYPHS[character]):
            for column in range(5):
                lit[row, 6 * position + column] = bool(bits >> (4 - column) & 1)
    return lit


def _corner(drawn: Field, image: Pixels, size: tuple[float, float]) -> tuple[float, float]:
    """Return row and column of the upper left corner of a string of this height and width."""
    anywhere, border, down, across = drawn.tolist()
    if anywhere < 0.7:
        down, across = ((0.0, across), (1.0, across), (down, 0.0), (down, 1.0))[int(border * 4.0)]
    margin = MARGIN * scale(image)
    room = [side - 2.0 * margin - length for side, length in zip(image.shape, size, strict=True)]
    return margin + down * room[0], margin + across * room[1]


def _overlap(start: float, dot: float, dots: int, pixels: int) -> Field:
    """Return how much of each pixel each dot covers along one axis; shape (dots, pixels)."""
    from_ = (start + dot * np.arange(dots))[:, np.newaxis]
    edges = np.arange(pixels, dtype=np.float64)
    covered: Field = np.maximum(np.minimum(from_ + dot, edges + 1.0) - np.maximum(from_, edges), 0.0)
    return covered


BURNT_IN_TEXT = Corruption(
    name="burnt_in_text",
    category="occlusion",
    description="Side markers, projections and times written into the picture in white.",
    parameter="number of strings, side of a dot (px at 224)",
    parameters=((1, 1.0), (2, 1.2), (4, 1.4), (7, 1.6), (11, 1.8)),
    stochastic=True,
    function=burnt_in_text,
    channels="grey",
    sides=SIDES,
    modality="radiograph",
    domain="grey levels as stored",
    assumptions="the writing is drawn, and so tells nothing of the label",
    source="J. R. Zech et al., PLOS Medicine 15(11), 2018 (models read laterality markers)",
)
