"""Figure of accuracy over severity for several models, one panel per corruption."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from medimeta_c.figures.drawing import style
from medimeta_c.figures.drawing.accuracies import accuracies
from medimeta_c.figures.drawing.legend import inside_or_below, model_handles
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, Scalar, file_word
from medimeta_c.format.display import display_name
from medimeta_c.format.suites import paper_order
from medimeta_c.paper import by_modality
from medimeta_c.results.result import Result
from medimeta_c.sources import collection_of

__all__ = ["exhibit", "severity"]

_PER_ROW = 4
_ROW_INCHES = 1.5
_MOST_BANDS = 3  # models; the intervals of more would cover one another


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the curves of every dataset scored."""
    if not inputs.results:
        raise Lacking
    scored: dict[tuple[str, str], dict[str, Result]] = {}
    for name, results in inputs.results.items():
        for result in results:
            for entry in result.run.benchmark.datasets:
                scored.setdefault((collection_of(entry.kind), entry.dataset), {})[name] = result
    datasets = [dataset for _, dataset in scored]
    for collection, dataset in sorted(scored, key=lambda one: paper_order(*one)):
        own = scored[collection, dataset]
        entry = next(iter(own.values())).run.benchmark.dataset(dataset)
        mark = " (phantoms)" if entry.is_phantom else ""
        where = f"_{file_word(collection)}" if datasets.count(dataset) > 1 else ""
        levels = {f"{100 * result.resampling.level:g}" for result in own.values()}
        bands = f", with {' or '.join(sorted(levels))} % intervals" if len(own) <= _MOST_BANDS else ""
        yield Picture(
            name=f"severity{where}_{dataset}",
            caption=f"Top-1 accuracy on {by_modality(entry.modality, dataset)}{mark} from clean "
            f"images (0) to the highest severity{bands}; dotted: 1 divided by the number of classes."
            f"{inputs.note}",
            figure=severity(own, dataset, inputs.model_looks(), inputs.model_labels(), mark=mark),
            header=("model", "corruption", "severity", "images", "accuracy", "low", "high"),
            rows=[row for name, result in own.items() for row in _rows(name, result, dataset)],
        )


def severity(
    results: Mapping[str, Result],
    dataset: str,
    looks: Mapping[str, Look],
    labels: Mapping[str, str],
    *,
    mark: str = "",
) -> Figure:
    """Draw a panel a corruption, a line a model.

    Parameters
    ----------
    results : mapping of str to Result
        By model; missing and invalid cells leave gaps.
    dataset : str
        A dataset all of them have.
    looks : mapping of str to Look
        By model.
    labels : mapping of str to str
        What the legend calls each model.
    mark : str
        Follows the dataset's name.
    """
    kinds = list(dict.fromkeys(c for one in results.values() for c in one.scope.corruptions[dataset]))
    levels = sorted({level for one in results.values() for level in one.scope.severities})
    columns = min(_PER_ROW, len(kinds))
    rows = math.ceil(len(kinds) / columns)
    entry = next(iter(results.values())).run.benchmark.dataset(dataset)
    uniform = 1 / len(entry.class_names)
    with style.context():
        figure, grid = style.page(
            style.PAGE_INCHES, _ROW_INCHES * rows + 0.3, rows, columns, sharex=True, sharey=True
        )
        panels = list(grid.ravel())
        free = panels[len(kinds) :]
        for panel in free:
            panel.set_axis_off()
        for index, (panel, kind) in enumerate(zip(panels, kinds, strict=False)):
            _frame(panel, kind, uniform, levels)
            if index + columns >= len(kinds):
                panel.tick_params(labelbottom=True)
            if index // columns == rows - 1:
                panel.set_xlabel("Severity (0 is clean)")
            for name, result in results.items():
                _draw(
                    panel, *accuracies(result, dataset, kind), looks[name], band=len(results) <= _MOST_BANDS
                )
        title = f"{by_modality(entry.modality, dataset)}{mark}"
        figure.suptitle(title, fontweight="bold", fontsize=8, x=0.01, ha="left")
        figure.supylabel("Top-1 accuracy (%)", fontsize=7.5)
        size = (0.85 * style.PAGE_INCHES / columns, 0.85 * _ROW_INCHES)
        inside_or_below(figure, model_handles(looks, labels, results, points=4, line=True), free, size)
    return figure


def _frame(panel: Axes, kind: str, uniform: float, levels: Sequence[int]) -> None:
    panel.set_title(display_name(kind), fontweight="normal")
    panel.axhline(100 * uniform, color="#888888", linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
    panel.set(xlim=(-0.3, levels[-1] + 0.3), xticks=(0, *levels), ylim=(0, 100), yticks=range(0, 101, 25))
    style.rules(panel, "y", "#EEEEEE")


def _draw(
    panel: Axes, x: Sequence[int], points: Iterable[NDArray[np.float64]], look: Look, *, band: bool
) -> None:
    values, low, high = (100 * one for one in points)
    if band:
        panel.fill_between(x, low, high, color=look.colour, alpha=0.13, linewidth=0)
        # An interval between two gaps has no area.
        panel.vlines(x, low, high, color=look.colour, alpha=0.3, linewidth=0.7)
    panel.plot(x, values, **look.strokes, markersize=look.size(3.2), clip_on=False, zorder=3)


def _rows(name: str, result: Result, dataset: str) -> list[tuple[Scalar, ...]]:
    """Return a model's valid cells, in percent."""
    return [
        (
            name,
            cell.corruption,
            cell.severity,
            cell.n,
            *(None if one is None else 100 * one for one in (cell.top1.value, cell.top1.low, cell.top1.high)),
        )
        for cell in result.scores.cells
        if cell.dataset == dataset and not cell.invalid
    ]
