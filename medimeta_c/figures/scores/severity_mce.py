"""Figure of mCE over severity: a panel a dataset, clean images at severity 0."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.legend import inside_or_below, model_handles
from medimeta_c.figures.drawing.logaxes import error_limits, frame_errors
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.wrapping import by_inches
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, grouped, paged
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.suites import paper_order
from medimeta_c.paper import by_modality
from medimeta_c.results.result import Result
from medimeta_c.sources import collection_of

__all__ = ["SeverityError", "exhibit", "severity_errors", "severity_mce"]

_ACROSS = 3
_PANEL_INCHES = 1.75
_MOST_ROWS = 4  # a page
_TITLE_POINTS = 7.5
_MEAN = "Mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityError:
    """A point of the figure.

    Parameters
    ----------
    collection, modality, dataset, model : str
        Which model, on what; a mean over datasets has no modality.
    severity : int
        1 to 5; 0 is clean.
    error : float or None
        Of clean images the clean error, else the mean over corruptions of the error divided by the
        baseline's at this severity, in percent; None where a cell is missing or the baseline makes no error.
    """

    collection: str
    modality: str
    dataset: str
    model: str
    severity: int
    error: float | None


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield mCE by severity, a panel a dataset: the paper's Fig. 8."""
    points = _points(inputs.results)
    if all(one.error is None for one in points):
        if not inputs.results:
            raise Lacking
        raise Lacking(
            "give results that have one baseline, scored on the same images: what the paper prints of its "
            "baseline are means over severities"
        )
    panels = list(grouped(points, lambda one: f"{one.collection}/{one.dataset}").values())
    for page, shown in paged(panels, _MOST_ROWS, _ACROSS):
        rows = [one for panel in shown for one in panel]
        yield Picture(
            name=f"severity_mce{page}",
            caption="mCE by severity, in percent of the baseline's errors, lower is better: at 0 the clean "
            "error, from 1 on the mean over corruptions of the error at this severity divided by the "
            f"baseline's. Means are of the models scored on every dataset of a collection.{inputs.note}",
            figure=severity_mce(shown, inputs.model_looks(), inputs.model_labels()),
            header=("collection", "modality", "dataset", "model", "severity", "error"),
            rows=[
                (one.collection, one.modality, one.dataset, one.model, one.severity, one.error)
                for one in rows
            ],
        )


def severity_errors(result: Result, dataset: str) -> dict[int, float | None]:
    """Return the clean error (at 0) and the mCE at each severity of one dataset, in percent.

    None where a cell is missing or invalid, or the baseline's error is 0 or was not measured by severity.
    """
    baseline = result.meaningful_baseline
    scope = result.scope if baseline is None else baseline.mce_scope(result.scope)
    found: dict[int, float | None] = {0: _ratio(result, dataset, CLEAN, 0)}
    for severity in scope.severities:
        ratios = [_ratio(result, dataset, kind, severity) for kind in scope.corruptions[dataset]]
        known = [one for one in ratios if one is not None]
        found[severity] = statistics.fmean(known) if len(known) == len(ratios) else None
    return found


def severity_mce(
    panels: Sequence[Sequence[SeverityError]], looks: Mapping[str, Look], labels: Mapping[str, str]
) -> Figure:
    """Draw a panel a dataset, a line a model; all panels have one range.

    Parameters
    ----------
    panels : sequence of sequence of SeverityError
        Points of a dataset each.
    looks : mapping of str to Look
        By model.
    labels : mapping of str to str
        What the legend calls each model.
    """
    every = [one for points in panels for one in points]
    limits = error_limits(one.error for one in every)
    collections = len({one.collection for one in every}) > 1
    across = min(_ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    wide = style.COLUMN_INCHES if across == 1 else style.PAGE_INCHES
    levels = sorted({one.severity for one in every})
    with style.context():
        figure, grid = style.page(wide, _PANEL_INCHES * down + 0.2, down, across, sharex=True, sharey=True)
        places = list(grid.ravel())
        for panel in places[len(panels) :]:
            panel.set_axis_off()
        for index, (panel, points) in enumerate(zip(places, panels, strict=False)):
            frame_errors(panel.yaxis, limits)
            style.rules(panel, "y", "#EEEEEE")
            title = by_modality(points[0].modality, points[0].dataset)
            title = f"{points[0].collection}: {title}" if collections else title
            panel.set_title(by_inches(title, 0.85 * wide / across, _TITLE_POINTS, "bold"))
            panel.set(xlim=(-0.3, levels[-1] + 0.3), xticks=levels)
            panel.set_xticklabels([f"S{level}" for level in levels])
            if index + across >= len(panels):
                panel.tick_params(labelbottom=True)
                panel.set_xlabel("Severity (S0 is clean)")
            for model, own in grouped(points, lambda one: one.model).items():
                look = looks[model]
                heights = [math.nan if one.error is None else max(one.error, limits[0]) for one in own]
                panel.plot(
                    [one.severity for one in own],
                    heights,
                    **look.strokes,
                    markersize=look.size(3.2),
                    clip_on=False,
                    zorder=3,
                )
        figure.supylabel("mCE (%)", fontsize=7.5)
        size = (0.85 * wide / across, 0.85 * _PANEL_INCHES)
        models = dict.fromkeys(one.model for one in every)
        handles = model_handles(looks, labels, models, points=4, line=True)
        inside_or_below(figure, handles, places[len(panels) :], size)
    return figure


def _ratio(result: Result, dataset: str, corruption: str, severity: int) -> float | None:
    """Return the error of one cell in percent of the baseline's."""
    cell = result.cell(SetKey(dataset, result.scope.split, corruption, severity))
    baseline = result.meaningful_baseline
    if cell is None or cell.invalid or cell.top1.value is None or baseline is None:
        return None
    grid = result.scope.grid(baseline.grids, dataset)
    if corruption == CLEAN:
        error = grid.clean
    else:
        row = grid.corrupted.get(corruption)
        error = None if row is None else row.over((severity,))
    return 100 * (1 - cell.top1.value) / error if error else None


def _points(results: Mapping[str, Sequence[Result]]) -> list[SeverityError]:
    """Return the points of every dataset in the paper's order, and after a collection's their means.

    Results without a baseline, and datasets whose results are divided by different ones, have none.
    """
    scored = [
        (model, result, baseline.model, entry)
        for model, each in results.items()
        for result in each
        if (baseline := result.meaningful_baseline) is not None
        for entry in result.run.benchmark.datasets
    ]
    divisors: dict[tuple[str, str], set[str]] = {}
    for _, _, divisor, entry in scored:
        divisors.setdefault((entry.kind, entry.dataset), set()).add(divisor)
    found = [
        SeverityError(
            collection=collection_of(entry.kind),
            modality=entry.modality,
            dataset=entry.dataset,
            model=model,
            severity=severity,
            error=error,
        )
        for model, result, _, entry in scored
        if len(divisors[entry.kind, entry.dataset]) == 1
        for severity, error in severity_errors(result, entry.dataset).items()
    ]
    found.sort(key=lambda one: paper_order(one.collection, one.dataset))
    collections = grouped(found, lambda one: one.collection).items()
    return [one for name, own in collections for one in (*own, *_means(name, own))]


def _means(collection: str, points: Sequence[SeverityError]) -> Iterator[SeverityError]:
    """Yield the means over a collection's datasets, if it has several."""
    datasets = {one.dataset for one in points}
    if len(datasets) < 2:
        return
    for model, own in grouped(points, lambda one: one.model).items():
        for severity in sorted({one.severity for one in own}):
            known = [one.error for one in own if one.severity == severity and one.error is not None]
            mean = statistics.fmean(known) if len(known) == len(datasets) else None
            yield SeverityError(
                collection=collection, modality="", dataset=_MEAN, model=model, severity=severity, error=mean
            )
