"""Columns of the ranking: what each is called, how it is computed, and in which direction it is better."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from medimeta_c.format.display import display_name
from medimeta_c.io.tables.table import UNDEFINED, printed
from medimeta_c.leaderboard.site.content.assessed import worst_corruption
from medimeta_c.leaderboard.site.entries import Assessment, Board, Entry
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.cells import ZERO_WIDTH, interval_text, percent

__all__ = ["COLUMNS", "Column", "Shown", "columns_of", "parameters_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What stands in one cell of the ranking.

    Parameters
    ----------
    text : str
        The number or the words.
    value : float or str or None
        What the column is sorted by; None comes last. Percent where the text is.
    low, high : float or None
        The 95 % interval, in the same unit.
    note : str
        The interval, or why there is no number.
    """

    text: str
    value: float | str | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def range(self) -> str:
        """The interval as the tables print it; empty where there is none."""
        if self.low is None or self.high is None:
            return ""
        if self.low == self.high:
            return ZERO_WIDTH
        between = "\N{EN DASH}" if self.low >= 0 else " to "
        return f"{printed(self.low, 1)}{between}{printed(self.high, 1)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the ranking.

    Parameters
    ----------
    name : str
        For style sheet, script and addresses.
    head : str
        What stands above it.
    about : str
        What it means, in a line.
    better : {"low", "high", ""}
        Which values come first when a reader sorts by it.
    of : callable
        Returns what an entry shows on a dataset; on "" the mean over all datasets of the board.
    chosen : bool
        Whether the page's script can compute it again for chosen datasets and corruptions.
    """

    name: str
    head: str
    about: str
    better: Literal["low", "high", ""]
    of: Callable[[Entry, str], Shown]
    chosen: bool = False


def columns_of(board: Board) -> tuple[Column, ...]:
    """Return the columns that a board has numbers for."""
    parts = ("", *(one.dataset for one in board.datasets))

    def known(column: Column) -> bool:
        return any(column.of(entry, part).value is not None for entry in board.entries for part in parts)

    return tuple(column for column in COLUMNS if known(column))


def parameters_text(count: int) -> str:
    """Return a number of parameters with three digits, e.g. ``"151 M"``."""
    if count < 1_000_000:
        return f"{count:,}"
    scale, unit = (1e6, "M") if count < 999_500_000 else (1e9, "B")
    return f"{count / scale:.3g}\N{NO-BREAK SPACE}{unit}"


def _summary(entry: Entry, dataset: str) -> Summary[Estimate] | None:
    return entry.datasets.get(dataset) if dataset else entry.overall


def _of_summary(field: str) -> Callable[[Entry, str], Shown]:
    def shown(entry: Entry, dataset: str) -> Shown:
        summary = _summary(entry, dataset)
        return _estimate(None if summary is None else getattr(summary, field))

    return shown


def _of_assessment(pick: Callable[[Assessment], Estimate]) -> Callable[[Entry, str], Shown]:
    def shown(entry: Entry, dataset: str) -> Shown:
        found: Mapping[str, Assessment] = entry.assessed
        return _estimate(pick(found[dataset]) if dataset in found else None)

    return shown


def _estimate(one: Estimate | None) -> Shown:
    if one is None:
        return Shown(text=UNDEFINED)
    if one.value is None:
        return Shown(text=UNDEFINED, note=one.reason or "")
    if one.low is None or one.high is None:
        return Shown(text=percent(one.value), value=100 * one.value, note=one.interval_reason or "")
    return Shown(
        text=percent(one.value),
        value=100 * one.value,
        low=100 * one.low,
        high=100 * one.high,
        note=f"95 % interval {interval_text(one)}",
    )


def _worst(entry: Entry, dataset: str) -> Shown:
    summary = _summary(entry, dataset)
    found = None if summary is None else worst_corruption(summary)
    if found is None:
        return Shown(text=UNDEFINED)
    name, lost = found
    return Shown(text=f"{display_name(name)} {percent(lost)}", value=100 * lost)


def _parameters(entry: Entry, _dataset: str) -> Shown:
    if not entry.parameters:
        return Shown(text=UNDEFINED)
    return Shown(text=parameters_text(entry.parameters), value=entry.parameters, note=f"{entry.parameters:,}")


def _date(entry: Entry, _dataset: str) -> Shown:
    return Shown(text=entry.date or UNDEFINED, value=entry.date)


COLUMNS = (
    Column(
        name="loss",
        head="Points lost",
        about="Clean accuracy minus average accuracy under corruption, in percentage points",
        better="low",
        of=_of_assessment(lambda one: one.points_lost),
        chosen=True,
    ),
    Column(
        name="kept",
        head="Share kept",
        about="Share of the accuracy above chance that is left under corruption, in percent",
        better="high",
        of=_of_assessment(lambda one: one.share_kept),
    ),
    Column(
        name="mce",
        head="mCE",
        about="Mean corruption error: errors under corruption in percent of the baseline's",
        better="low",
        of=_of_summary("mce"),
        chosen=True,
    ),
    Column(
        name="average",
        head="Average accuracy",
        about="Top-1 accuracy under corruption, in percent",
        better="high",
        of=_of_summary("average_accuracy"),
        chosen=True,
    ),
    Column(
        name="clean",
        head="Clean accuracy",
        about="Top-1 accuracy on clean images, in percent",
        better="high",
        of=_of_summary("clean_accuracy"),
        chosen=True,
    ),
    Column(
        name="worst",
        head="Worst corruption",
        about="The corruption that costs most, and the percentage points it costs",
        better="low",
        of=_worst,
        chosen=True,
    ),
    Column(
        name="gap",
        head="Coverage gap",
        about="Coverage of conformal sets under corruption minus the level they promise, in points",
        better="high",
        of=_of_assessment(lambda one: one.coverage_gap),
    ),
    Column(
        name="parameters",
        head="Parameters",
        about="Parameters of the model",
        better="low",
        of=_parameters,
    ),
    Column(name="date", head="Date", about="The day of the evaluation", better="high", of=_date),
)
"""Every column beside rank and name, in the order of the table."""
