"""A result and a comparison as lines and tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.text import Text

from medimeta_c.errors import printable
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table, texts
from medimeta_c.metrics.intervals import Difference
from medimeta_c.reports.tables import main_tables, number_cell, rank_text
from medimeta_c.reports.verdict import verdict
from medimeta_c.results.comparison import Comparison
from medimeta_c.results.folder import SavedResult

__all__ = ["comparison_view", "result_view"]

_MEASURES = {"mCE": "mce", "Clean accuracy": "clean_accuracy", "Average accuracy": "average_accuracy"}


def result_view(saved: SavedResult) -> Iterator[Text | Table]:
    """Yield what a result says: verdict, four numbers, and the paper's two tables."""
    said = verdict(saved.result)
    for warning in said.warnings:
        yield _line(f"! {warning}", "yellow")
    yield _line(said.sentence, "bold")
    yield said.table
    for table in main_tables(saved.result):
        # Its longer side downwards: a terminal has 80 columns.
        yield table.turned() if len(table.columns) > len(table.rows) + 1 else table


def comparison_view(comparison: Comparison) -> Iterator[Text | Table]:
    """Yield models side by side, best first, and the paired difference of each pair; ties are marked."""
    has_baseline = comparison.baseline is not None
    measures = _MEASURES if has_baseline else {k: v for k, v in _MEASURES.items() if v != "mce"}
    yield _models(comparison, measures)
    yield _pairs(comparison, measures)
    if has_baseline:
        yield _line(f"CE divides by {comparison.baseline}.", "dim")
    for note in comparison.notes:
        yield _line(f"! {note}", "yellow")


def _models(comparison: Comparison, measures: Mapping[str, str]) -> Table:
    ranked_by = next(name for name, measure in _MEASURES.items() if measure == comparison.ranked_by)
    return Table(
        name=f"On {', '.join(comparison.scope.datasets)}, best first by {ranked_by}",
        columns=(*(Column(header, "label") for header in ("", "Model", "Rank")), *map(Column, measures)),
        rows=tuple(
            (
                *texts(f"[{index}]", model.name, rank_text(model.ranks)),
                *(number_cell(getattr(model.numbers.overall, each), show=True) for each in measures.values()),
            )
            for index, model in enumerate(comparison.models, start=1)
        ),
    )


def _pairs(comparison: Comparison, measures: Mapping[str, str]) -> Table:
    """Return the differences, models by their number in the table above: two specs fill a terminal."""
    place = {model.name: index for index, model in enumerate(comparison.models, start=1)}
    return Table(
        name="Differences in points, paired image by image",
        columns=(Column("", "label"), *map(Column, measures)),
        rows=tuple(
            (
                Cell(f"[{place[first]}] minus [{place[second]}]"),
                *(_difference(getattr(suite.overall, measure)) for measure in measures.values()),
            )
            for (first, second), suite in comparison.differences.items()
        ),
    )


def _difference(found: Difference) -> Cell:
    if found.value is None:
        return Cell(UNDEFINED)
    low, high = found.low, found.high
    below = "" if low is None or high is None else f"{100 * low:+.1f} to {100 * high:+.1f}"
    return Cell(f"{100 * found.value:+.1f}{' tie' if found.tie else ''}", below=below)


def _line(said: str, style: str) -> Text:
    """Return one printable line of untrusted text."""
    return Text(printable(said), style)
