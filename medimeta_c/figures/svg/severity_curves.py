"""Accuracy over severity as SVG, one small chart per corruption."""

from __future__ import annotations

import math

from markupsafe import Markup

from medimeta_c.figures.drawing.accuracies import accuracies
from medimeta_c.figures.svg.panel import Panel, Point
from medimeta_c.format.display import display_name
from medimeta_c.metrics.grid import ErrorGrid
from medimeta_c.results.cells import percent
from medimeta_c.results.result import Result

__all__ = ["severity_curves"]

_WIDTH, _HEIGHT = 164, 112  # px


def severity_curves(result: Result, dataset: str, chance: float) -> dict[str, Markup]:
    """Draw a model's accuracy on one dataset from clean (severity 0) to the highest severity.

    Parameters
    ----------
    result : Result
        Its cells; missing and invalid ones leave gaps.
    dataset : str
        The dataset.
    chance : float
        What a model scores that knows nothing.

    Returns
    -------
    dict of str to Markup
        By corruption. Classes: ``model`` (a line, and dots), ``band`` (its intervals), ``base`` (the
        baseline, a level where only its mean over severities is known), ``chance``.
    """
    divisor = result.meaningful_baseline
    baseline = None if divisor is None else divisor.grids.get(dataset)
    drawn = {}
    for corruption in result.scope.corruptions[dataset]:
        severities = result.scope.severities
        panel = Panel((-0.3, max(severities) + 0.2), (0, 1), width=_WIDTH, height=_HEIGHT)
        panel.levels(((0, "0"), (0.5, "50"), (1, "100")))
        panel.ticks(((0, "clean"), *((severity, str(severity)) for severity in severities)))
        panel.line([(-0.3, chance), (max(severities) + 0.2, chance)], "chance")
        if baseline is not None:
            panel.line(_baseline(baseline, corruption), "base")
        _model(panel, result, dataset, corruption)
        said = f"Accuracy on {dataset} under {display_name(corruption)} by severity"
        drawn[corruption] = panel.svg(said)
    return drawn


def _model(panel: Panel, result: Result, dataset: str, corruption: str) -> None:
    at, (y, low, high) = accuracies(result, dataset, corruption)
    panel.band(at, low.tolist(), high.tolist(), "band")
    points = list(zip(map(float, at), y.tolist(), strict=True))
    panel.line(points, "model")
    for severity, point, bottom, top in zip(at, points, low.tolist(), high.tolist(), strict=True):
        where = f"severity {severity}" if severity else "clean"
        span = "" if math.isnan(bottom) else f" ({percent(bottom)} to {percent(top)})"
        panel.dot(point, 2.3, "model", f"{where}: {percent(point[1])} %{span}")


def _baseline(grid: ErrorGrid, corruption: str) -> list[Point]:
    """Return the baseline's accuracies; where only their mean is known, a level after its clean accuracy."""
    clean = math.nan if grid.clean is None else 1 - grid.clean
    row = grid.corrupted.get(corruption)
    if row is None:
        return []
    if row.errors is not None:
        return [(0, clean), *((s, 1 - error) for s, error in zip(row.severities, row.errors, strict=True))]
    mean = 1 - row.total / len(row.severities)
    first, last = row.severities[0], row.severities[-1]
    return [(-0.2, clean), (0.2, clean), (math.nan, math.nan), (first, mean), (last, mean)]
