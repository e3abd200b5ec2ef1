"""Accuracy over severity as SVG, one small panel per corruption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.accuracies import accuracies
from medimeta_c.figures.svg import elements as svg
from medimeta_c.format.display import display_name
from medimeta_c.metrics.grid import ErrorGrid
from medimeta_c.results.result import Result

__all__ = ["severity_curves"]

_PER_ROW = 7
_WIDTH_INCHES = 10.4
_ROW_INCHES = 1.62
_LEFT, _RIGHT, _GAP = 0.36, 0.06, 0.2  # inches
_TOP, _BOTTOM = 0.26, 0.3


def severity_curves(result: Result, dataset: str) -> Figure:
    """Draw a model's accuracy on one dataset from clean (severity 0) to the highest severity.

    Parameters
    ----------
    result : Result
        Its cells; missing and invalid ones leave gaps.
    dataset : str
        The dataset.

    Returns
    -------
    Figure
        The model as a line with its intervals as a band, the baseline dashed (a level where only its mean
        over severities is known), chance dotted. In the colours of `medimeta_c.figures.svg.elements`.
    """
    corruptions = result.scope.corruptions[dataset]
    chance = 1 / len(result.run.benchmark.dataset(dataset).class_names)
    baseline = None if result.baseline is None else result.baseline.grids.get(dataset)
    with svg.context():
        figure, panels = _panels(len(corruptions))
        for panel, corruption in zip(panels, corruptions, strict=True):
            _frame(panel, corruption, result.scope.severities)
            panel.axhline(chance, color=svg.MUTED, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
            if baseline is not None:
                _draw_baseline(panel, baseline, corruption)
            _draw_model(panel, *accuracies(result, dataset, corruption))
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """Return panels at fixed places, seven a row, with one common axis of accuracy."""
    rows = -(-count // _PER_ROW)
    high = rows * _ROW_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, high))
    pitch = (_WIDTH_INCHES - _LEFT - _RIGHT + _GAP) / _PER_ROW
    panels = []
    for index in range(count):
        row, column = divmod(index, _PER_ROW)
        left, bottom = _LEFT + column * pitch, high - (row + 1) * _ROW_INCHES + _BOTTOM
        panel = style.place(figure, left, bottom, pitch - _GAP, _ROW_INCHES - _TOP - _BOTTOM)
        panel.tick_params(labelleft=column == 0)
        panels.append(panel)
    return figure, panels


def _frame(panel: Axes, corruption: str, severities: Sequence[int]) -> None:
    panel.set_title(svg.label(display_name(corruption)), color=svg.INK, pad=5)
    panel.set(ylim=(0, 1), yticks=(0, 0.5, 1), yticklabels=("0", "50", "100 %"))
    panel.set(xlim=(-0.4, max(severities) + 0.25), xticks=(0, *severities))
    panel.set_xticklabels(("clean", *map(str, severities)))
    panel.tick_params(length=0, pad=3)
    style.rules(panel, "y", svg.RULE, 0.6)
    panel.spines["left"].set_visible(False)


def _draw_model(panel: Axes, x: Sequence[int], points: Iterable[NDArray[np.float64]]) -> None:
    y, low, high = points
    panel.fill_between(x, low, high, color=svg.ACCENT, alpha=0.18, linewidth=0, zorder=2)
    # Where all answers are right there is no interval; one between two such points has no area.
    panel.vlines(x, low, high, color=svg.ACCENT, alpha=0.3, linewidth=0.8, zorder=2)
    line: dict[str, Any] = {"color": svg.ACCENT, "zorder": 4, "clip_on": False}
    panel.plot(x, y, linewidth=1.6, **line)
    panel.plot(x, y, linestyle="none", marker="o", markersize=2.6, **line)


def _draw_baseline(panel: Axes, grid: ErrorGrid, corruption: str) -> None:
    line: dict[str, Any] = {"color": svg.MUTED, "linewidth": 1.0, "linestyle": (0, (4, 2)), "zorder": 3}
    row = grid.corrupted.get(corruption)
    if row is None:
        return
    if row.errors is not None:
        start = [] if grid.clean is None else [(0, 1 - grid.clean)]
        points = [*start, *((s, 1 - e) for s, e in zip(row.severities, row.errors, strict=True))]
        panel.plot(*zip(*points, strict=True), **line)
        return
    mean = 1 - row.total / len(row.severities)
    panel.plot((row.severities[0], row.severities[-1]), (mean, mean), **line)
    if grid.clean is not None:
        panel.plot((0,), (1 - grid.clean,), color=svg.MUTED, marker="_", markersize=6, zorder=3)
