"""A result and a comparison as tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from medimeta_c.errors import printable
from medimeta_c.metrics.intervals import Difference
from medimeta_c.metrics.values import Estimate
from medimeta_c.reports.tables import UNDEFINED, Table, main_tables, percent
from medimeta_c.reports.verdict import verdict
from medimeta_c.results.comparison import Compared, Comparison
from medimeta_c.results.folder import SavedResult

__all__ = ["comparison_view", "result_view"]

_MEASURES = {"mCE": "mce", "Clean\naccuracy": "clean_accuracy", "Average\naccuracy": "average_accuracy"}


def result_view(saved: SavedResult) -> RenderableType:
    """Return what a result says: verdict, four numbers, and the paper's two tables."""
    result = saved.result
    said = verdict(result)
    top = Grid.grid(padding=(0, 2))
    for one in said.headlines:
        top.add_row(
            Text(one.label, "bold"), Text(one.value), Text(one.interval, "dim"), Text(one.note, "dim")
        )
    return Group(
        *(_text(f"! {warning}", "yellow") for warning in said.warnings),
        _text(said.sentence, "bold"),
        top,
        *map(_grid, main_tables(result)),
    )


def comparison_view(comparison: Comparison) -> RenderableType:
    """Return models side by side, best first, and the paired difference of each pair; ties are marked."""
    has_baseline = comparison.baseline is not None
    measures = _MEASURES if has_baseline else {k: v for k, v in _MEASURES.items() if v != "mce"}
    datasets = ", ".join(comparison.scope.datasets)
    caption = f"CE divides by {comparison.baseline}." if has_baseline else ""
    return Group(
        _models(comparison.models, measures, f"On {datasets}, best first by {_name(comparison.ranked_by)}"),
        _pairs(comparison, measures),
        *(_text(line, "dim") for line in (caption,) if line),
        *(_text(f"! {note}", "yellow") for note in comparison.notes),
    )


def _models(models: Sequence[Compared], measures: Mapping[str, str], title: str) -> Grid:
    grid = Grid(title=title, title_justify="left")
    for name in ("", "Model", "Rank"):
        grid.add_column(name, overflow="fold")
    for name in measures:
        grid.add_column(name, justify="right", no_wrap=True)
    for index, model in enumerate(models, start=1):
        numbers = [_with_interval(getattr(model.numbers.overall, measure)) for measure in measures.values()]
        grid.add_row(Text(f"[{index}]"), _text(model.name), _ranks(model.ranks), *numbers)
    return grid


def _pairs(comparison: Comparison, measures: Mapping[str, str]) -> Grid:
    """Return the differences, models by their number in the table above: two specs fill a terminal."""
    number = {model.name: index for index, model in enumerate(comparison.models, start=1)}
    grid = Grid(title="Differences in points, paired image by image", title_justify="left")
    grid.add_column("")
    for name in measures:
        grid.add_column(name, justify="right")
    for (first, second), suite in comparison.differences.items():
        cells = [_difference(getattr(suite.overall, measure)) for measure in measures.values()]
        grid.add_row(Text(f"[{number[first]}] minus [{number[second]}]"), *cells)
    return grid


def _difference(found: Difference) -> Text:
    if found.value is None:
        return Text(UNDEFINED)
    text = f"{100 * found.value:+.1f}{' tie' if found.tie else ''}"
    if found.low is not None and found.high is not None:
        text += f"\n{100 * found.low:+.1f} to {100 * found.high:+.1f}"
    return Text(text, "dim" if found.tie else "")


def _with_interval(one: Estimate) -> Text:
    if one.low is None:
        return Text(percent(one.value))
    return Text(f"{percent(one.value)}\n{percent(one.low)} to {percent(one.high)}")


def _ranks(ranks: tuple[int, int] | None) -> str:
    if ranks is None:
        return UNDEFINED
    return str(ranks[0]) if ranks[0] == ranks[1] else f"{ranks[0]}-{ranks[1]}"


def _name(measure: str) -> str:
    return next(name.replace("\n", " ") for name, field in _MEASURES.items() if field == measure)


def _grid(table: Table) -> Grid:
    """Return a report's table without its intervals, its longer side downwards: a terminal has 80 columns."""
    columns, cells = list(table.columns), [list(row) for row in table.rows.values()]
    rows = list(table.rows)
    if len(columns) > len(rows):
        columns, rows, cells = rows, columns, [list(column) for column in zip(*cells, strict=True)]
    grid = Grid(title=table.title, caption=table.caption, title_justify="left", caption_justify="left")
    grid.add_column("")
    for column in columns:
        grid.add_column(_text(column), justify="right", overflow="fold", style=_weight(table, column))
    for name, row in zip(rows, cells, strict=True):
        grid.add_row(_text(name), *(cell.text for cell in row), style=_weight(table, name))
    return grid


def _weight(table: Table, name: str) -> str:
    return "bold" if name in table.strong else ""


def _text(said: str, style: str = "") -> Text:
    """Return a line in which names from outside may stand."""
    return Text(printable(said), style)
