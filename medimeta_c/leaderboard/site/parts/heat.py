"""The heat map of an entry on one dataset: accuracy by corruption and severity."""

from __future__ import annotations

from markupsafe import Markup

from medimeta_c.format.display import display_name
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table
from medimeta_c.leaderboard.site.entries import Board, CellShown, Entry
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.cells import percent

__all__ = ["heat"]

_CORRUPTION = Markup('<span class="out">Corruption</span>')


def heat(entry: Entry, board: Board, dataset: str) -> Table:
    """Return the accuracies of one dataset, a row for each corruption, with its mean and CE."""
    summary = entry.datasets[dataset]
    cells = entry.cells.get(dataset, {})
    severities = board.severities if cells else ()
    headers = (*map(str, severities), "Mean", "CE")
    return Table(
        columns=(Column(_CORRUPTION + (" Severity" if severities else ""), "label"), *map(Column, headers)),
        rows=tuple(
            (
                Cell(display_name(name)),
                *(_heat_cell(cells.get(name, {}).get(severity)) for severity in severities),
                _mean_cell(summary, name),
                Cell(percent(summary.ce[name].value) if name in summary.ce else UNDEFINED),
            )
            for name in board.corruptions
            if name in cells or name in summary.accuracy
        ),
    )


def _heat_cell(cell: CellShown | None) -> Cell:
    if cell is None:
        return Cell(UNDEFINED)
    notes = []
    if cell.low is not None and cell.high is not None:
        notes.append(f"95 % interval {percent(cell.low)} to {percent(cell.high)}")
    if cell.images:
        notes.append(f"{cell.images} images")
    return Cell(percent(cell.top1), 100 * cell.top1, note=", ".join(notes), shade=cell.top1)


def _mean_cell(summary: Summary[Estimate], name: str) -> Cell:
    value = summary.accuracy[name].value if name in summary.accuracy else None
    return Cell(percent(value), shade=value)
