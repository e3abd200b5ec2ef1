"""Show numbers of a result as table cells: in percent, with intervals and reasons."""

from __future__ import annotations

from medimeta_c.io.tables.table import UNDEFINED, Cell, number, printed
from medimeta_c.metrics.registry import METRICS
from medimeta_c.metrics.values import Estimate, Number

__all__ = [
    "ZERO_WIDTH",
    "interval_text",
    "metric_cell",
    "metric_text",
    "number_cell",
    "percent",
    "rank_text",
]

ZERO_WIDTH = "zero width"
"""What stands for an interval whose ends are equal: its resamples do not vary, which is no precision."""

_DIGITS = 3
"""Of a metric that is not in percent."""


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction in percent without the sign, or a dash."""
    return UNDEFINED if value is None else printed(100 * value, digits)


def interval_text(estimate: Estimate, digits: int = 1) -> str:
    """Return an interval in percent, empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    if estimate.low == estimate.high:
        return ZERO_WIDTH
    return f"{percent(estimate.low, digits)} to {percent(estimate.high, digits)}"


def rank_text(ranks: tuple[int, int] | None) -> str:
    """Return the ranks that a model may have, or a dash."""
    return UNDEFINED if ranks is None else "\N{EN DASH}".join(map(str, dict.fromkeys(ranks)))


def number_cell(number: Number, *, show: bool = False) -> Cell:
    """Return a number's cell in percent, its interval beneath it or on demand."""
    if number.value is None:
        return Cell(UNDEFINED, note=number.reason or "")
    text, note = "", ""
    if isinstance(number, Estimate):
        text = interval_text(number)
        note = f"interval {text}" if text else number.interval_reason or ""
        note = "zero width: the same on every resample" if text == ZERO_WIDTH else note
    return Cell(percent(number.value), 100 * number.value, below=text if show else "", note=note)


def metric_cell(name: str, found: Number) -> Cell:
    """Return a metric's cell, in percent only if its numbers are: one that is not installed has no unit."""
    metric = METRICS.get(name)
    if metric is not None and metric.in_percent:
        return number_cell(found)
    return number(found.value, _DIGITS, found.reason or "")


def metric_text(name: str, found: Number) -> str:
    """Return a metric's number with its unit, for a sentence."""
    metric = METRICS.get(name)
    unit = "" if metric is None else "%" if metric.in_percent else metric.unit or ""
    text = metric_cell(name, found).text
    return f"{text} {unit}" if unit and text != UNDEFINED else text
