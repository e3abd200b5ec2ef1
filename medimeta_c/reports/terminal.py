"""A result and a comparison as lines and tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from medimeta_c.errors import printable
from medimeta_c.io.tables.table import Table
from medimeta_c.reports.tables import main_tables
from medimeta_c.reports.verdict import verdict
from medimeta_c.results.comparison import Comparison
from medimeta_c.results.comparison.views import comparison_notes, comparison_tables
from medimeta_c.results.folder import SavedResult
from medimeta_c.results.paraphrases.views import prompts_sentence, prompts_tables, readable_sweep

__all__ = ["comparison_view", "result_view"]


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
    if sweep := readable_sweep(saved.path, saved.result):
        yield _line(prompts_sentence(sweep, saved.result), "bold")
        spreads, *others = prompts_tables(sweep, saved.result)
        yield from (spreads.only(*spreads.headers[:-1]), *others)  # the wordings are too long for it


def comparison_view(comparison: Comparison) -> Iterator[Text | Table]:
    """Yield models side by side, best first, their paired differences, ranks and tests."""
    yield from comparison_tables(comparison)
    for line in comparison_notes(comparison):
        yield _line(line, "dim")
    for note in comparison.notes:
        yield _line(f"! {note}", "yellow")


def _line(said: str, style: str) -> Text:
    """Return one printable line of untrusted text."""
    return Text(printable(said), style)
