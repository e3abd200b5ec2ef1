"""Lay out legends: as many columns as fit the figure's width, and the height they need."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerBase
from matplotlib.lines import Line2D
from matplotlib.text import Text

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.looks import Look

__all__ = ["below", "code", "columns", "inside_or_below", "model_handles", "sample"]

_POINTS = 7.0
_HANDLE_INCHES = _POINTS / 72 * (2.4 + 0.7)  # sample and its distance from the words
_BETWEEN_INCHES = _POINTS / 72 * 1.4
_LINE_INCHES = _POINTS / 72 * 1.62
_FRAME_INCHES = 0.12


class _Code(Line2D):
    """What stands in a legend for points labelled by some letters."""

    def __init__(self, letters: str, label: str) -> None:
        super().__init__([], [], label=label)
        self.letters = letters


class _CodeHandler(HandlerBase):
    """Writes the letters where other entries have their sample."""

    def create_artists(self, legend: Any, orig_handle: Any, *box: Any) -> list[Text]:
        """Return the text; the box is that of the sample, with its type size and transform."""
        left, down, wide, _, points, transform = box
        letters = Text(wide / 2 - left, -down, orig_handle.letters, fontsize=points, ha="center")
        letters.set_transform(transform)
        return [letters]


_LOOK: dict[str, Any] = {
    "handler_map": {_Code: _CodeHandler()},
    "frameon": False,
    "fontsize": _POINTS,
    "handlelength": 2.4,
    "handletextpad": 0.7,
    "columnspacing": 1.4,
}


def sample(label: str, **look: Any) -> Line2D:
    """Return an entry of a legend that looks as matplotlib's arguments say."""
    return Line2D([], [], label=label, **look)


def code(letters: str, label: str) -> Line2D:
    """Return an entry of a legend that explains letters beside points."""
    return _Code(letters, label)


def model_handles(
    looks: Mapping[str, Look],
    labels: Mapping[str, str],
    models: Iterable[str],
    *,
    points: float,
    line: bool = False,
) -> list[Line2D]:
    """Return a legend's samples of models.

    Parameters
    ----------
    looks : mapping of str to Look
        By model.
    labels : mapping of str to str
        What the legend calls each model.
    models : iterable of str
        Those drawn, in order.
    points : float
        Size of the markers.
    line : bool
        Whether the figure draws lines between markers.
    """
    lines: dict[str, Any] = {} if line else {"linestyle": "none"}
    return [
        sample(labels[model], **(looks[model].strokes | lines), markersize=looks[model].size(points))
        for model in dict.fromkeys(models)
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
    figure: Figure, handles: Sequence[Line2D], free: Sequence[Axes], size: tuple[float, float]
) -> None:
    """Put a legend into a free panel where it fits, else under the panels.

    Parameters
    ----------
    figure : Figure
        What the legend belongs to.
    handles : sequence of Line2D
        Its samples.
    free : sequence of Axes
        The panels without data and axes.
    size : (float, float)
        The panel's width and height in inches.
    """
    widths = _widths(handles)
    if not free or max(widths) > size[0] or len(widths) * _LINE_INCHES > size[1]:
        below(figure, handles)
    else:
        free[0].legend(handles=handles, loc="center left", **_LOOK)


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
