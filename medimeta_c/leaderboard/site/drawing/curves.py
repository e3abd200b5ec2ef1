"""Accuracy from clean images to the highest severity, a line for each corruption or model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN
from medimeta_c.leaderboard.site.drawing.axes import BOTTOM, LEFT, RIGHT, TOP, Axis
from medimeta_c.leaderboard.site.entries import Board, CellShown, Entry

__all__ = ["FIRST", "Curves", "Line", "by_corruption", "by_model", "mean_curve"]

FIRST = 4
"""Models whose curves are drawn before a reader chooses."""

_TICKS = (0, 20, 40, 60, 80, 100)
_INSET = 14

Rows = Mapping[str, Mapping[int, CellShown]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One curve: its name, look (0 to 7) and points in the chart."""

    name: str
    look: int
    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        """The points as SVG writes them."""
        return " ".join(f"{x},{y}" for x, y in self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """A chart of lines over severity.

    Parameters
    ----------
    x, y : Axis
        Severity from 0 (clean), and top-1 accuracy in percent from 0 to 100.
    lines : tuple of Line
        In the legend's order.
    stops : tuple of (float, float, str)
        Where a reader can ask for the numbers of one severity: left end, width, and the numbers as text.
    spoken : str
        What a screen reader says first.
    """

    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    stops: tuple[tuple[float, float, str], ...]
    spoken: str


def by_corruption(entry: Entry, board: Board, dataset: str) -> Curves | None:
    """Return the curves of one model on one dataset, a line for each corruption; None without cells."""
    rows = entry.cells.get(dataset, {})
    names = [name for name in board.corruptions if name in rows]
    if CLEAN not in rows or 0 not in rows[CLEAN] or not names:
        return None
    series = {
        display_name(name): [rows[CLEAN][0].top1, *(rows[name][s].top1 for s in sorted(rows[name]))]
        for name in names
        if tuple(sorted(rows[name])) == board.severities
    }
    spoken = f"Top-1 accuracy on {dataset} by severity, a line a corruption; the numbers are in the table."
    return _curves(series, board.severities, spoken) if series else None


def by_model(entries: Sequence[Entry], board: Board) -> Curves | None:
    """Return the mean curves of some models over all datasets; None where none has all of them."""
    names = [entry.name for entry in entries]
    means = {
        entry.name if names.count(entry.name) == 1 else f"{entry.name} ({entry.organisation})": mean_curve(
            entry, board
        )
        for entry in entries
    }
    series = {name: values for name, values in means.items() if values}
    spoken = f"Top-1 accuracy by severity of {', '.join(series)}; the numbers are on the models' pages."
    return _curves(series, board.severities, spoken) if series else None


def mean_curve(entry: Entry, board: Board) -> list[float]:
    """Return the mean over datasets and corruptions of the accuracy at each severity, 0 first, or nothing."""
    sums = [0.0] * (1 + len(board.severities))
    parts = 0
    for one in board.datasets:
        rows = entry.cells.get(one.dataset)
        if rows is None or 0 not in rows.get(CLEAN, {}):
            return []
        own = [rows[name] for name in board.corruptions if name in rows]
        if not own or any(tuple(sorted(row)) != board.severities for row in own):
            return []
        levels = [[rows[CLEAN][0].top1], *([row[s].top1 for row in own] for s in board.severities)]
        sums = [total + sum(level) / len(level) for total, level in zip(sums, levels, strict=True)]
        parts += 1
    return [total / parts for total in sums] if parts else []


def _curves(series: Mapping[str, Sequence[float]], severities: Sequence[int], spoken: str) -> Curves:
    texts = ["clean", *map(str, severities)]
    last = len(texts) - 1
    x = Axis(
        label="Severity",
        low=0,
        high=last,
        ticks=list(enumerate(texts)),
        first=LEFT + _INSET,
        last=RIGHT - _INSET,
    )
    y = Axis(
        label="Top-1 accuracy, %",
        low=0,
        high=100,
        ticks=[(tick, str(tick)) for tick in _TICKS],
        first=BOTTOM,
        last=TOP,
    )
    lines = tuple(
        Line(
            name=name,
            look=index % 8,
            points=tuple((x.at(place), y.at(100 * value)) for place, value in enumerate(values)),
        )
        for index, (name, values) in enumerate(series.items())
    )
    half = (x.at(1) - x.at(0)) / 2 if last else _INSET
    stops = tuple(
        (round(x.at(place) - half, 1), round(2 * half, 1), _numbers(series, place, text))
        for place, text in enumerate(texts)
    )
    return Curves(x=x, y=y, lines=lines, stops=stops, spoken=spoken)


def _numbers(series: Mapping[str, Sequence[float]], place: int, text: str) -> str:
    rows = sorted(((values[place], name) for name, values in series.items()), key=lambda row: -row[0])
    head = "Clean" if place == 0 else f"Severity {text}"
    return "\n".join([head, *(f"{100 * value:.1f}  {name}" for value, name in rows)])
