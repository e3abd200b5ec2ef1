"""A point for each entry: what it loses to corruption, against its accuracy or its size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from medimeta_c.io.text import counted
from medimeta_c.leaderboard.site.drawing.axes import BOTTOM, LEFT, RIGHT, TOP, Axis, linear, logarithmic
from medimeta_c.leaderboard.site.entries import Board, Entry
from medimeta_c.leaderboard.site.parts.columns import COLUMNS, Shown

__all__ = ["GROUPS", "Dot", "Scatter", "group_of", "scatters"]

GROUPS = {
    "measured": "measured here",
    "seen": "measured here, trained on test images",
    "marked": "measured here, not ranked for another reason",
    "unverified": "predictions made elsewhere, unverified",
    "paper": "reported in the paper, not re-run",
}
"""What points are told apart by, and what the legend says."""

_COLUMN = {column.name: column for column in COLUMNS}
_MOST_LABELS = 24
_MOST_WHISKERS = 60
_LETTER = 5.6
_LONGEST = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One entry in the chart: where it is, its interval as a path, and the place of its name."""

    key: str
    group: str
    x: float
    y: float
    whiskers: str = ""
    name: str = ""
    name_x: float = 0.0
    name_y: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """A chart of points.

    Parameters
    ----------
    name, title, about : str
        Its id, heading and caption.
    x, y : Axis or None
        None where there is no point.
    dots : tuple of Dot
        From left to right.
    groups : tuple of str
        Those that occur, for the legend.
    """

    name: str
    title: str
    about: str
    x: Axis | None
    y: Axis | None
    dots: tuple[Dot, ...]
    groups: tuple[str, ...]

    @property
    def spoken(self) -> str:
        """What a screen reader says first."""
        return f"{self.title}: {counted(len(self.dots), 'model')}, as in the table."


def group_of(entry: Entry) -> str:
    """Return which of `GROUPS` an entry is in."""
    if entry.source != "measured":
        return entry.source
    if entry.training.overlap == "test":
        return "seen"
    return "marked" if entry.marks else "measured"


def scatters(board: Board) -> tuple[Scatter, Scatter]:
    """Return a board's two charts: points lost against clean accuracy, and against parameters."""
    part = _shown_dataset(board)
    where = "" if part == "" else f" on {part}"
    loss = _COLUMN["loss"]
    label = f"{loss.head}{where} (lower is more robust)"
    return (
        _scatter(
            board,
            part,
            name="accuracy",
            title="Loss against accuracy",
            about="Further right is more accurate on clean images, further down loses less to corruption.",
            labels=(f"Clean accuracy{where}, %", label),
            across=_COLUMN["clean"].of,
            axis=linear,
        ),
        _scatter(
            board,
            part,
            name="size",
            title="Loss against size",
            about="Whether larger models lose less to corruption; models of unknown size are left out.",
            labels=("Parameters, millions", label),
            across=lambda entry, _: _millions(entry),
            axis=logarithmic,
        ),
    )


def _shown_dataset(board: Board) -> str:
    """Return "" for means over all datasets, or the first that has numbers where no entry has them all."""
    if any(entry.overall for entry in board.entries):
        return ""
    names = [one.dataset for one in board.datasets]
    return next((name for name in names if any(name in entry.datasets for entry in board.entries)), "")


def _millions(entry: Entry) -> Shown:
    return Shown(text="", value=entry.parameters / 1e6 if entry.parameters else None)


def _scatter(  # noqa: PLR0913  (what the two charts differ in)
    board: Board,
    dataset: str,
    *,
    name: str,
    title: str,
    about: str,
    labels: tuple[str, str],
    across: Callable[[Entry, str], Shown],
    axis: Callable[[str, Iterable[float], float, float], Axis],
) -> Scatter:
    found = []
    for entry in board.entries:
        x, y = across(entry, dataset), _COLUMN["loss"].of(entry, dataset)
        if isinstance(x.value, (int, float)) and isinstance(y.value, (int, float)):
            found.append((float(x.value), float(y.value), x, y, entry))
    if not found:
        return Scatter(name=name, title=title, about=about, x=None, y=None, dots=(), groups=())
    found.sort(key=lambda one: one[:2])
    wide = len(found) <= _MOST_WHISKERS
    columns = axis(labels[0], [v for x, _, shown, _, _ in found for v in _ends(x, shown, wide)], LEFT, RIGHT)
    rows = linear(labels[1], [v for _, y, _, shown, _ in found for v in _ends(y, shown, wide)], BOTTOM, TOP)
    dots = [
        Dot(
            key=entry.key,
            group=group_of(entry),
            x=columns.at(x),
            y=rows.at(y),
            whiskers=_whiskers(columns, rows, (x, y), (across_, down)) if wide else "",
        )
        for x, y, across_, down, entry in found
    ]
    if len(dots) <= _MOST_LABELS:
        dots = _labelled(dots, [entry.name for *_, entry in found])
    present = {dot.group for dot in dots}
    return Scatter(
        name=name,
        title=title,
        about=about,
        x=columns,
        y=rows,
        dots=tuple(dots),
        groups=tuple(group for group in GROUPS if group in present),
    )


def _ends(value: float, shown: Shown, wide: bool) -> tuple[float, ...]:
    """Return what an axis must span: the value, and its interval where that is drawn."""
    return (shown.low, shown.high) if wide and shown.low is not None and shown.high is not None else (value,)


def _whiskers(columns: Axis, rows: Axis, at: tuple[float, float], shown: tuple[Shown, Shown]) -> str:
    (x, y), (across, down) = at, shown
    path = ""
    if across.low is not None and across.high is not None:
        path += f"M{columns.at(across.low)} {rows.at(y)}H{columns.at(across.high)}"
    if down.low is not None and down.high is not None:
        path += f"M{columns.at(x)} {rows.at(down.low)}V{rows.at(down.high)}"
    return path


def _labelled(dots: Sequence[Dot], names: Sequence[str]) -> list[Dot]:
    """Give each dot a place for its name that no dot and no other name takes, where there is one."""
    taken = [(dot.x - 5, dot.y - 5, dot.x + 5, dot.y + 5) for dot in dots]
    found = []
    for dot, whole in zip(dots, names, strict=True):
        name = whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
        width = _LETTER * len(name)
        sides = ((7.0, -6.0), (7.0, 12.0), (-7 - width, -6.0), (-7 - width, 12.0))
        for right, down in sides:
            left, base = dot.x + right, dot.y + down
            box = (left, base - 9, left + width, base + 2)
            if box[0] < LEFT or box[2] > RIGHT or any(_meet(box, other) for other in taken):
                continue
            taken.append(box)
            found.append(replace(dot, name=name, name_x=round(left, 1), name_y=round(base, 1)))
            break
        else:
            found.append(dot)
    return found


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]
