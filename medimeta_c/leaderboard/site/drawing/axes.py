"""Axes of a chart: which values they span, where their ticks stand, and where a value lies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["BOTTOM", "HEIGHT", "LEFT", "RIGHT", "TOP", "WIDTH", "Axis", "linear", "logarithmic"]

WIDTH, HEIGHT = 480, 330
"""Of every chart, in units of its view box."""

LEFT, RIGHT, TOP, BOTTOM = 44, 470, 10, 288
"""The plot inside it. The site's charts.js has the same numbers: it draws again what a reader chooses."""

_STEPS = (1, 2, 5, 10)
_MOST_TICKS = 7
_WHOLE = 100  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis from `low` to `high` with ticks (value, text); `first` and `last` are where it ends."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    first: float
    last: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return where a value lies in the chart."""
        low, high, here = ((math.log10(each) if self.log else each) for each in (self.low, self.high, value))
        return round(self.first + (self.last - self.first) * (here - low) / (high - low), 1)


def linear(label: str, values: Iterable[float], first: float, last: float) -> Axis:
    """Return an axis that spans values with a small margin, its ends and ticks at round numbers."""
    found = list(values)
    low, high = min(found), max(found)
    margin = 0.03 * (high - low) or 1.0
    step = _step(high - low + 2 * margin)
    start, stop = math.floor((low - margin) / step), math.ceil((high + margin) / step)
    if low >= 0:
        start = max(0, start)
    if high <= _WHOLE:
        stop = min(stop, math.ceil(_WHOLE / step))
    digits = max(0, -math.floor(math.log10(step)))
    ticks = [(index * step, f"{index * step:.{digits}f}") for index in range(start, stop + 1)]
    return Axis(label=label, low=ticks[0][0], high=ticks[-1][0], ticks=ticks, first=first, last=last)


def _step(span: float) -> float:
    size: float = 10.0 ** math.floor(math.log10(span / _MOST_TICKS))
    return next(size * each for each in _STEPS if span / (size * each) <= _MOST_TICKS)


def logarithmic(label: str, values: Iterable[float], first: float, last: float) -> Axis:
    """Return a logarithmic axis in millions, whose ticks are 1, 2 and 5 times powers of ten."""
    found = list(values)
    low, high = min(found) / 1.25, max(found) * 1.25
    marks = [
        step * 10.0**power
        for power in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
        for step in _STEPS[:3]
    ]
    if sum(low <= value <= high for value in marks) < 2:
        low, high = max(v for v in marks if v <= low), min(v for v in marks if v >= high)
    inside = [value for value in marks if low <= value <= high]
    if len(inside) > _MOST_TICKS:
        inside = [value for value in inside if math.log10(value).is_integer()]
    ticks = [(value, f"{value:,.6g}") for value in inside]
    return Axis(label=label, low=low, high=high, ticks=ticks, first=first, last=last, log=True)
