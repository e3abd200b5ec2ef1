"""Confusion matrices as SVG, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from medimeta_c.figures.drawing import style
from medimeta_c.figures.svg import elements as svg

__all__ = ["confusion", "confusion_counts"]

_MOST_NUMBERED = 14  # classes; beyond, numbers would not fit their squares
_CELL_INCHES = 0.3
_LETTER_INCHES = 0.062  # of a class name, on average
_TITLE_INCHES = 1.75  # so much a title needs
_GAP_INCHES, _TOP_INCHES, _BOTTOM_INCHES = 0.4, 0.5, 0.06


def confusion_counts(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return how many images of class i (row) were taken for class j (column), shape (K, K).

    Images without a prediction (negative) are left out.
    """
    known = predictions >= 0
    flat = np.bincount(labels[known] * classes + predictions[known], minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def confusion(matrices: Mapping[str, NDArray[np.int64]], class_names: Sequence[str]) -> Figure:
    """Draw confusion matrices of one dataset, each row as shares of its class.

    Parameters
    ----------
    matrices : mapping of str to ndarray of int64, shape (K, K)
        By title: true classes in rows, predicted ones in columns.
    class_names : sequence of str
        K names. Columns bear the numbers of the rows.

    Returns
    -------
    Figure
        In the colours of `medimeta_c.figures.svg.elements`; a class without images leaves its row empty.
    """
    k = len(class_names)
    cell = min(_CELL_INCHES, 3.4 / k) if k > _MOST_NUMBERED else _CELL_INCHES
    side = cell * k
    margin = 0.4 + _LETTER_INCHES * max(len(svg.label(name)) for name in class_names)
    pitch = max(side, _TITLE_INCHES) + _GAP_INCHES
    wide = margin + len(matrices) * pitch - _GAP_INCHES
    high = _TOP_INCHES + side + _BOTTOM_INCHES
    with svg.context():
        figure = Figure(figsize=(wide, high))
        for index, (title, counts) in enumerate(matrices.items()):
            panel = style.place(figure, margin + index * pitch, _BOTTOM_INCHES, side, side)
            _draw(panel, counts)
            _label(panel, title, class_names, first=index == 0)
    return figure


def _draw(panel: Axes, counts: NDArray[np.int64]) -> None:
    k = len(counts)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    for row in range(k):
        for column in range(k):
            share = float(shares[row, column])
            square = Rectangle((column + 0.03, row + 0.03), 0.94, 0.94, linewidth=0)
            square.set_facecolor(svg.ACCENT if share else svg.RULE)
            square.set_alpha(0.12 + 0.88 * share if share else 0.35)
            panel.add_patch(square)
            if share and k <= _MOST_NUMBERED:
                panel.text(
                    column + 0.5,
                    row + 0.53,
                    f"{100 * share:.0f}",
                    ha="center",
                    va="center",
                    fontsize=6.6,
                    color=svg.ON_ACCENT if share > 0.5 else svg.INK,
                    fontweight="bold" if row == column else "normal",
                )


def _label(panel: Axes, title: str, class_names: Sequence[str], *, first: bool) -> None:
    k = len(class_names)
    numbers = [str(index + 1) for index in range(k)]
    names = [f"{svg.label(name)}   {number}" for name, number in zip(class_names, numbers, strict=True)]
    panel.set(xlim=(0, k), ylim=(k, 0))
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False, pad=2)
    panel.tick_params(axis="y", labelcolor=svg.INK)
    panel.set_xticks(np.arange(k) + 0.5, numbers)
    panel.set_yticks(np.arange(k) + 0.5, names if first else [])
    panel.set_title(svg.label(title, 60), color=svg.INK, pad=6)
