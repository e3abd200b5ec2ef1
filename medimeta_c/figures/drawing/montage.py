"""A grid of images with headings, drawn pixel by pixel at page width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from medimeta_c.figures.drawing.canvas import Box, Canvas, Tile, Words
from medimeta_c.figures.drawing.letters import text_inches
from medimeta_c.figures.drawing.sizes import PAGE_INCHES
from medimeta_c.figures.drawing.wrapping import by_inches
from medimeta_c.format.keys import Image

__all__ = ["CARD_PX", "PRINT_PX", "fit", "montage"]

CARD_PX = 112
"""Side of a cell on a card: of 224-pixel images every second pixel, of 28-pixel ones each four times."""
PRINT_PX = 224
"""Side of a cell in print: the benchmark's images show every pixel."""

_MOST_CELL_INCHES = 0.95
_TEXT_POINTS = 6.6
_LABEL_INCHES = 0.85  # longer labels are broken
_WIDE_LABEL_INCHES = (0.85, 1.3, 1.75)  # where a row is too low for the lines of its label
_HEADING_INCHES = 0.18
_LINE_INCHES = 0.11  # of each line of a label or heading
_MARGIN_INCHES = 0.06
_GAPS_A_CELL = 28
_FRAME_COLOUR = "#C8C8C8"  # white images end somewhere


def montage(
    cells: Sequence[Sequence[Image | None]],
    *,
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    side: int = CARD_PX,
) -> Canvas:
    """Place images on an exact pixel raster, with a heading a column and a label a row.

    Parameters
    ----------
    cells : sequence of sequence of ndarray or None
        By row and column; None leaves its cell empty.
    corner : str
        Stands at the top left.
    rows, columns : sequence of str
        Labels and headings; long ones are broken into lines. The lines of a label are joined, and broken
        anew, where a row is too low for them.
    side : int
        Of a cell, in pixels.

    Returns
    -------
    Canvas
        As wide as a page, or less where cells would be larger than is of use; its resolution follows.
    """
    pitch = side + side // _GAPS_A_CELL
    corner = by_inches(corner, _LABEL_INCHES, _TEXT_POINTS, "bold")
    for most in (0.0, *_WIDE_LABEL_INCHES):
        own = [words.replace("\n", " ") if most else words for words in rows]
        labels = [by_inches(words, most or _LABEL_INCHES, _TEXT_POINTS) for words in own]
        # Few pixels an inch draw letters wider: they are moved to whole pixels.
        label_inches = 2 * _MARGIN_INCHES + 1.06 * max(
            text_inches(words, _TEXT_POINTS, "bold") for words in (corner, *labels)
        )
        free = PAGE_INCHES - label_inches
        dpi = math.ceil(max(len(columns) * pitch / free, side / _MOST_CELL_INCHES))
        if max(words.count("\n") + 1 for words in labels) * _LINE_INCHES <= pitch / dpi:
            break
    columns = [by_inches(words, 0.98 * pitch / dpi, _TEXT_POINTS) for words in columns]
    lines = max(words.count("\n") for words in (corner, *columns))
    left, heading = math.ceil(label_inches * dpi), math.ceil((_HEADING_INCHES + lines * _LINE_INCHES) * dpi)
    # The last gap is the margin.
    canvas = Canvas(width=left + len(columns) * pitch, height=heading + len(labels) * pitch, dpi=dpi)
    write = partial(Words, points=_TEXT_POINTS, up="center")
    right = left - _MARGIN_INCHES * dpi
    canvas.add(write(x=right, y=heading / 2, text=corner, across="right", bold=True))
    for place, words in enumerate(columns):
        middle = left + place * pitch + side / 2
        canvas.add(write(x=middle, y=heading / 2, text=words, across="center"))
    for index, words in enumerate(labels):
        top = heading + index * pitch
        canvas.add(write(x=right, y=top + side / 2, text=words, across="right"))
        for place, image in enumerate(cells[index]):
            if image is not None:
                canvas.add(*_framed(fit(image, side), left + place * pitch, top, side))
    return canvas


def fit(image: Image, side: int = CARD_PX) -> Image:
    """Return an image whose long side is `side`, each pixel being one of `image`'s own.

    Nearest neighbour at pixel centres: nothing is averaged, so noise stays as strong as it is stored.
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    rows, columns = (max(1, round(length * side / longest)) for length in (height, width))
    row = (np.arange(rows) * 2 + 1) * height // (2 * rows)
    column = (np.arange(columns) * 2 + 1) * width // (2 * columns)
    shown: Image = image[row[:, None], column[None, :]]
    return shown


def _framed(image: Image, left: int, top: int, side: int) -> tuple[Box, Tile]:
    """Return an image in the middle of its cell, and the thin frame around it."""
    high, wide = image.shape[:2]
    x, y = left + (side - wide) // 2, top + (side - high + 1) // 2
    frame = Box(left=x - 1, top=y - 1, wide=wide + 2, high=high + 2, colour=_FRAME_COLOUR)
    return frame, Tile(left=x, top=y, image=image)
