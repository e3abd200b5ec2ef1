"""Legends that fit: as many columns as the figure is wide for, and the height they take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.modellooks import short_names

__all__ = ["below", "columns", "inside_or_below", "model_handles"]

_POINTS = 7.0
_HANDLE_INCHES = _POINTS / 72 * (2.4 + 0.7)  # sample and its distance from the words
_BETWEEN_INCHES = _POINTS / 72 * 1.4
_LINE_INCHES = _POINTS / 72 * 1.62
_FRAME_INCHES = 0.12
_LOOK: dict[str, Any] = {
    "frameon": False,
    "fontsize": _POINTS,
    "handlelength": 2.4,
    "handletextpad": 0.7,
    "columnspacing": 1.4,
}


def model_handles(looks: Mapping[str, Look], *, points: float, line: bool = False) -> list[Line2D]:
    """Return a legend's samples of models.

    Parameters
    ----------
    looks : mapping of str to Look
        The models drawn, in order.
    points : float
        Size of the markers.
    line : bool
        Whether the figure draws lines between markers.
    """
    names = short_names(list(looks))
    return [
        Line2D(
            [],
            [],
            color=look.colour,
            marker=look.marker,
            markersize=look.size(points),
            linestyle=look.line if line else "none",
            label=names[model],
        )
        for model, look in looks.items()
    ]


def below(figure: Figure, handles: Sequence[Line2D]) -> None:
    """Put a legend under the panels, and make the figure as much higher as it needs."""
    widths = _widths(handles)
    wide, high = figure.get_size_inches()
    count = columns(widths, wide)
    rows = math.ceil(len(widths) / count)
    figure.set_size_inches(wide, high + _FRAME_INCHES + rows * _LINE_INCHES)
    figure.legend(handles=handles, loc="outside lower center", ncols=count, **_LOOK)


def inside_or_below(
    figure: Figure, handles: Sequence[Line2D], free: Axes | None, size: tuple[float, float]
) -> None:
    """Put a legend into a free panel where it fits, else under the panels.

    Parameters
    ----------
    figure : Figure
        What the legend belongs to.
    handles : sequence of Line2D
        Its samples.
    free : Axes or None
        A panel without data and axes.
    size : (float, float)
        The panel's width and height in inches.
    """
    widths = _widths(handles)
    if free is None or max(widths) > size[0] or len(widths) * _LINE_INCHES > size[1]:
        below(figure, handles)
    else:
        free.legend(handles=handles, loc="center left", **_LOOK)


def columns(widths: Sequence[float], wide: float) -> int:
    """Return in how many columns entries take the fewest rows, filled one column after the other.

    Parameters
    ----------
    widths : sequence of float
        Of the entries, in inches.
    wide : float
        What there is.

    Examples
    --------
    >>> columns([1.0, 1.0, 1.0, 1.0], 2.5), columns([9.0], 2.5)
    (2, 1)
    """
    entries = len(widths)
    for count in range(entries, 1, -1):
        parts = np.array_split(np.array(widths), count)
        if sum(part.max() for part in parts) + (count - 1) * _BETWEEN_INCHES <= wide - _FRAME_INCHES:
            return math.ceil(entries / math.ceil(entries / count))  # as many in each
    return 1


def _widths(handles: Sequence[Line2D]) -> list[float]:
    return [_HANDLE_INCHES + style.text_inches(str(one.get_label()), _POINTS) for one in handles]
