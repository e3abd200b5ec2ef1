"""Results as tables and rows of a DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from medimeta_c.io.tables.table import Cell, Column, Table
from medimeta_c.metrics.summary import CellScore
from medimeta_c.results.cells import number_cell
from medimeta_c.results.words.views import word_numbers

if TYPE_CHECKING:
    from medimeta_c.results.result import Result

__all__ = ["ALL", "MEASURES", "cell_rows", "measures_of", "result_table"]

MEASURES = {"mCE": "mce", "Clean accuracy": "clean_accuracy", "Average accuracy": "average_accuracy"}
"""Columns of tables, and the fields of a summary that they show."""

ALL = "all"
"""Name of the row over all datasets."""


def result_table(result: Result) -> Table:
    """Return a row for each dataset, and one for all: mCE, accuracies, and the cells scored."""
    measures = measures_of(result.meaningful_baseline is not None)
    words = {
        name: word_numbers(result, result.scope.datasets if name == ALL else [name])
        for name in ((*result.scope.datasets, ALL) if result.is_in_words else ())
    }
    cells = [cell.key.dataset for cell in result.scores.cells]
    wanted = [key.dataset for key in result.scope.cells()]
    rows = {
        name: (result.scores.datasets[name], cells.count(name), wanted.count(name))
        for name in result.scope.datasets
    }
    if len(rows) > 1:
        rows[ALL] = (result.scores.overall, len(cells), len(wanted))
    return Table(
        caption=f"In percent, with {100 * result.resampling.level:g} % intervals.",
        columns=(
            Column("Dataset", "label"),
            *map(Column, (*measures, *words.get(ALL, {}), "Cells")),
        ),
        rows=tuple(
            (
                Cell(name, strong=name == ALL),
                *(number_cell(getattr(summary, measure), show=True) for measure in measures.values()),
                *map(number_cell, words.get(name, {}).values()),
                Cell(f"{done} of {every}"),
            )
            for name, (summary, done, every) in rows.items()
        ),
    )


def cell_rows(cells: Iterable[CellScore]) -> Iterator[dict[str, object]]:
    """Yield a cell's key, counts and metrics by column; None where a metric is undefined."""
    for cell in cells:
        yield {
            "dataset": cell.dataset,
            "split": cell.split,
            "corruption": cell.corruption,
            "severity": cell.severity,
            "images": cell.n,
            "invalid": cell.invalid,
            "correct": cell.correct,
            "unanswered": cell.unanswered,
            "top1_low": cell.top1.low,
            "top1_high": cell.top1.high,
            **{name: number.value for name, number in cell.scores.items()},
        }


def measures_of(has_baseline: bool) -> dict[str, str]:
    """Return the columns that a table has: without a baseline there is no mCE."""
    return {name: each for name, each in MEASURES.items() if has_baseline or each != "mce"}
