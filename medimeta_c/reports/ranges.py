"""Numbers with their intervals along one scale, a row each, for a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.results.cells import interval_text, percent

__all__ = ["Range", "Ranges", "ranges"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A row: texts, and places along the scale in percent of its width, None where there is no number."""

    name: str
    value: str
    interval: str
    at: float | None
    start: float | None
    end: float | None
    other: float | None
    strong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """Rows on one scale.

    Parameters
    ----------
    name, about, label : str
        The heading, how to read it, and what the line across the rows is.
    rows : tuple of Range
        The rows.
    line : float
        Where that line is, in percent of the width.
    """

    name: str
    about: str
    label: str
    rows: tuple[Range, ...]
    line: float


def ranges(
    name: str,
    about: str,
    numbers: Mapping[str, Estimate],
    *,
    line: tuple[float, str],
    others: Mapping[str, Number] | None = None,
) -> Ranges:
    """Lay numbers out on one scale that holds all their intervals, 0 and the line.

    Parameters
    ----------
    name, about : str
        The heading, and how to read it.
    numbers : mapping of str to Estimate
        By row; of several the first is set apart.
    line : tuple of float and str
        A value to compare with, and what it is.
    others : mapping of str to Number, optional
        By row, another model's number.
    """
    value, label = line
    beside = {row: one.value for row, one in (others or {}).items()}
    found = [end for one in numbers.values() for end in (one.low, one.value, one.high)]
    known = [end for end in (*found, *beside.values(), 0.0, value) if end is not None]
    place = _scale(min(known), max(known))
    return Ranges(
        name=name,
        about=about,
        label=label,
        rows=tuple(
            Range(
                name=row,
                value=percent(one.value),
                interval=interval_text(one),
                at=place(one.value),
                start=place(one.low),
                end=place(one.high),
                other=place(beside.get(row)),
                strong=row == next(iter(numbers)) and len(numbers) > 1,
            )
            for row, one in numbers.items()
        ),
        line=place(value) or 0.0,
    )


def _scale(low: float, high: float) -> Callable[[float | None], float | None]:
    """Return a function from numbers to percent of a width, with room at the ends that are not 0."""
    room = 0.04 * (high - low or 1)
    low, high = (low - room if low < 0 else low), high + room

    def place(value: float | None) -> float | None:
        return None if value is None else 100 * (value - low) / (high - low)

    return place
