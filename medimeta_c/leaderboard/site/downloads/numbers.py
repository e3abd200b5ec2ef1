"""Every number of an entry, found in its fields, so that a number added later is downloaded too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from medimeta_c.leaderboard.site.entries import CellShown, Entry
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate, Number

__all__ = ["Quantity", "quantities"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One number of an entry.

    Parameters
    ----------
    dataset : str
        Its id; empty for the mean over the board's datasets.
    name : str
        What it is of, e.g. ``"mce"``.
    corruption : str
        Empty where it is over all of them.
    severity : int or None
        None where it is over all of them.
    value, low, high : float or None
        Fractions: 1.0 is 100 %. The interval's ends are None where there is no interval.
    reason : str
        Why there is no value.
    """

    dataset: str
    name: str
    corruption: str = ""
    severity: int | None = None
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def quantities(entry: Entry) -> Iterator[Quantity]:
    """Yield every number of an entry: means over the datasets, numbers by dataset, cells."""
    for field in fields(entry):
        held = getattr(entry, field.name)
        parts: Mapping[str, Any] = held if isinstance(held, Mapping) else {"": held}
        for dataset, part in parts.items():
            if isinstance(part, Summary):
                yield from _of_summary(dataset, part)
            elif is_dataclass(part) and not isinstance(part, type):
                yield from _of_fields(dataset, part)
    for dataset, rows in entry.cells.items():
        for corruption, row in rows.items():
            yield from (_of_cell(dataset, corruption, severity, cell) for severity, cell in row.items())


def _of_summary(dataset: str, part: Summary[Estimate]) -> Iterator[Quantity]:
    for (_, name, corruption), number in part.numbers().items():
        yield _quantity(dataset, name, corruption, number)
    for corruption, accuracy in part.accuracy.items():
        yield _quantity(dataset, "accuracy", corruption, accuracy)


def _of_fields(dataset: str, part: Any) -> Iterator[Quantity]:
    for field in fields(part):
        number = getattr(part, field.name)
        if isinstance(number, Number):
            yield _quantity(dataset, field.name, "", number)


def _of_cell(dataset: str, corruption: str, severity: int, cell: CellShown) -> Quantity:
    return Quantity(
        dataset=dataset,
        name="top1",
        corruption=corruption,
        severity=severity,
        value=cell.top1,
        low=cell.low,
        high=cell.high,
    )


def _quantity(dataset: str, name: str, corruption: str, number: Number) -> Quantity:
    low, high = (number.low, number.high) if isinstance(number, Estimate) else (None, None)
    return Quantity(
        dataset=dataset,
        name=name,
        corruption=corruption,
        value=number.value,
        low=low,
        high=high,
        reason=number.reason or "",
    )
