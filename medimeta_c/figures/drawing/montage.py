"""A grid of images with headings, drawn pixel by pixel at page width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from medimeta_c.figures.drawing import style
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
_HAIR = 1e-6  # pixels
_FRAME_COLOUR = "#C8C8C8"  # white images end somewhere


def montage(
    cells: Sequence[Sequence[Image | None]],
    *,
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    side: int = CARD_PX,
) -> Figure:
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
    Figure
        As wide as a page, or less where cells would be larger than is of use; its resolution follows.
    """
    pitch = side + side // _GAPS_A_CELL
    corner = by_inches(corner, _LABEL_INCHES, _TEXT_POINTS, "bold")
    for most in (0.0, *_WIDE_LABEL_INCHES):
        own = [words.replace("\n", " ") if most else words for words in rows]
        labels = [by_inches(words, most or _LABEL_INCHES, _TEXT_POINTS) for words in own]
        # Few pixels an inch draw letters wider: they are moved to whole pixels.
        label_inches = 2 * _MARGIN_INCHES + 1.06 * max(
            style.text_inches(words, _TEXT_POINTS, "bold") for words in (corner, *labels)
        )
        free = style.PAGE_INCHES - label_inches
        dpi = math.ceil(max(len(columns) * pitch / free, side / _MOST_CELL_INCHES))
        if max(words.count("\n") + 1 for words in labels) * _LINE_INCHES <= pitch / dpi:
            break
    columns = [by_inches(words, 0.98 * pitch / dpi, _TEXT_POINTS) for words in columns]
    lines = max(words.count("\n") for words in (corner, *columns))
    left, heading = math.ceil(label_inches * dpi), math.ceil((_HEADING_INCHES + lines * _LINE_INCHES) * dpi)
    width = left + len(columns) * pitch
    height = heading + len(labels) * pitch  # the last gap is the margin
    with style.context():
        # A quotient just below its value would lose a row of pixels.
        wide, high = (math.nextafter(length / dpi, math.inf) for length in (width, height))
        figure = Figure(figsize=(wide, high), dpi=dpi, facecolor="white")

        def write(x: float, y: float, words: str, align: str, weight: str = "normal") -> None:
            """Write at a place in pixels from the top left."""
            look: dict[str, Any] = {"va": "center", "fontsize": _TEXT_POINTS, "fontweight": weight}
            figure.text(x / width, 1 - y / height, words, ha=align, **look)

        right = left - _MARGIN_INCHES * dpi
        write(right, heading / 2, corner, "right", "bold")
        for place, words in enumerate(columns):
            write(left + place * pitch + side / 2, heading / 2, words, "center")
        for index, words in enumerate(labels):
            top = heading + index * pitch
            write(right, top + side / 2, words, "right")
            for place, image in enumerate(cells[index]):
                if image is not None:
                    shown = fit(image, side)
                    x = left + place * pitch + (side - shown.shape[1]) // 2
                    y = height - top - side + (side - shown.shape[0]) // 2
                    _place(figure, shown, (x, y), (width, height))
    return figure


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


def _place(figure: Figure, image: Image, corner: tuple[int, int], page: tuple[int, int]) -> None:
    """Place an image pixel by pixel in a thin frame, its lower left corner given in pixels."""
    (x, y), (width, height) = corner, page
    rows, columns = image.shape[:2]
    frame = Rectangle(
        ((x - 1) / width, (y - 1) / height),
        (columns + 2) / width,
        (rows + 2) / height,
        transform=figure.transFigure,
        facecolor=_FRAME_COLOUR,
        linewidth=0,
        antialiased=False,
        zorder=-1,
    )
    figure.add_artist(frame)
    # A hair inside the pixels' borders: rounding must not make the place a pixel larger than the image.
    box = (
        (x + _HAIR) / width,
        (y + _HAIR) / height,
        (columns - 2 * _HAIR) / width,
        (rows - 2 * _HAIR) / height,
    )
    panel = figure.add_axes(box)
    panel.set_axis_off()
    # Grey as RGB: a grey colour map may come out one level off.
    colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    panel.imshow(colour, interpolation="none", aspect="auto")
