"""Accuracy over severity of several models, a panel a corruption: how fast each falls, and where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from medimeta_c.figures import style
from medimeta_c.figures.choice import display_name
from medimeta_c.figures.exhibit import Inputs, Lacking, Picture, Scalar
from medimeta_c.records import CLEAN, SetKey
from medimeta_c.results.result import Result
from medimeta_c.results.score_records import CellRecord

__all__ = ["exhibit", "severity"]

_PER_ROW = 4
_ROW_INCHES = 1.55


def exhibit(inputs: Inputs) -> Iterator[Picture]:
    """Yield the curves of every dataset scored: the paper's Fig. 8."""
    if not inputs.results:
        raise Lacking("give --results: the paper prints means over severities")
    looks = style.model_looks(inputs.models())
    scored = [entry for result in inputs.results.values() for entry in result.run.benchmark.datasets]
    for dataset in dict.fromkeys(entry.dataset for entry in scored):
        own = {name: one for name, one in inputs.results.items() if dataset in one.scope.corruptions}
        mark = " (phantoms)" if any(one.is_phantom for one in scored if one.dataset == dataset) else ""
        rows: list[tuple[Scalar, ...]] = []
        for name, result in own.items():
            for cell in result.scores.cells:
                if cell.dataset == dataset:
                    top1 = cell.top1
                    rows.append(
                        (name, cell.corruption, cell.severity, cell.n, top1.value, top1.low, top1.high)
                    )
        yield Picture(
            name=f"severity_{dataset}",
            caption=f"Top-1 accuracy on {dataset}{mark} from clean images (0) to severity 5, with 95 % "
            "intervals over images; dotted: chance.",
            figure=severity(own, dataset, looks, mark=mark),
            header=("model", "corruption", "severity", "images", "accuracy", "low", "high"),
            rows=rows,
        )


def severity(
    results: Mapping[str, Result], dataset: str, looks: Mapping[str, style.ModelLook], *, mark: str = ""
) -> Figure:
    """Draw a panel a corruption, a line a model.

    Parameters
    ----------
    results : mapping of str to Result
        By model; missing and invalid cells leave gaps.
    dataset : str
        A dataset all of them have.
    looks : mapping of str to ModelLook
        By model.
    mark : str
        Follows the dataset's name.
    """
    kinds = list(dict.fromkeys(c for one in results.values() for c in one.scope.corruptions[dataset]))
    rows = math.ceil(len(kinds) / _PER_ROW)
    first = next(iter(results.values()))
    with style.context():
        figure = Figure(
            figsize=(style.PAGE_INCHES, _ROW_INCHES * rows + 0.6),
            dpi=style.PRINT_DPI,
            facecolor="white",
            layout="constrained",
        )
        columns = min(_PER_ROW, len(kinds))
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        panels = list(grid.ravel())
        for panel in panels[len(kinds) :]:
            panel.set_axis_off()
        for index, (panel, kind) in enumerate(zip(panels, kinds, strict=False)):
            _frame(panel, kind, 1 / len(first.run.benchmark.dataset(dataset).class_names))
            panel.tick_params(labelbottom=index + columns >= len(kinds))
            for name, result in results.items():
                _draw(panel, result, SetKey(dataset, result.scope.split, kind, 1), looks[name])
        figure.suptitle(f"{dataset}{mark}", fontweight="bold", fontsize=8, x=0.01, ha="left")
        figure.supylabel("Top-1 accuracy (%)", fontsize=7.5)
        figure.supxlabel("Severity (0 is clean)", fontsize=7.5)
        handles = [
            Line2D(
                [],
                [],
                color=looks[one].colour,
                marker=looks[one].marker,
                linestyle=looks[one].line,
                markersize=looks[one].size(4),
                label=one,
            )
            for one in results
        ]
        free = panels[len(kinds) :]
        if free:
            free[0].legend(handles=handles, loc="center left", frameon=False)
        else:
            figure.legend(
                handles=handles, loc="outside lower center", ncols=min(4, len(handles)), frameon=False
            )
    return figure


def _frame(panel: Axes, kind: str, chance: float) -> None:
    panel.set_title(display_name(kind), fontweight="normal")
    panel.axhline(100 * chance, color="#888888", linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
    panel.set_ylim(0, 100)
    panel.set_yticks((0, 25, 50, 75, 100))
    panel.set_xticks((0, 1, 2, 3, 4, 5))
    panel.grid(axis="y", color="#EEEEEE", linewidth=0.5)
    panel.set_axisbelow(True)


def _draw(panel: Axes, result: Result, key: SetKey, look: style.ModelLook) -> None:
    cells = [
        cell
        for cell in result.scores.cells
        if cell.dataset == key.dataset and cell.corruption in (CLEAN, key.corruption) and not cell.invalid
    ]
    cells.sort(key=lambda cell: cell.severity)
    if not cells:
        return
    x = [cell.severity for cell in cells]
    bounds = [_bounds(cell) for cell in cells]
    panel.fill_between(
        x,
        [low for low, _ in bounds],
        [high for _, high in bounds],
        color=look.colour,
        alpha=0.13,
        linewidth=0,
    )
    panel.plot(
        x,
        [100 * (cell.top1.value or 0.0) for cell in cells],
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=look.size(3.2),
    )


def _bounds(cell: CellRecord) -> tuple[float, float]:
    """Return a cell's interval in percent, or the value itself where it has none."""
    top1 = cell.top1
    if top1.low is None or top1.high is None:
        return 100 * (top1.value or 0.0), 100 * (top1.value or 0.0)
    return 100 * top1.low, 100 * top1.high
