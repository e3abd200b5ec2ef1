"""Colours, dashes and markers of corruptions: no two corruptions in a figure look alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Literal

from medimeta_c.figures.drawing.sizes import CLEAN_COLOUR
from medimeta_c.format.keys import CLEAN
from medimeta_corruptions import CORRUPTIONS

__all__ = ["DASHED", "DASH_DOTTED", "DOTTED", "SOLID", "Dash", "Look", "corruption_looks"]

Dash = tuple[float, ...]

SOLID: Dash = ()
DASHED: Dash = (3.7, 1.6)
DOTTED: Dash = (1.0, 1.65)
DASH_DOTTED: Dash = (6.4, 1.6, 1.0, 1.6)

_MARKER_SCALE = {"*": 1.45, "D": 0.8, "s": 0.9, "X": 1.1}
# For corruptions that bring none. Paul Tol's hues that the registered ones leave.
_SPARE_COLOURS = (
    *("#332288", "#999933", "#44AA99", "#AA4499"),
    *("#661100", "#6699CC", "#117733", "#CC6677"),
)
# Points have no dashes: the marker says the same.
_SPARE_SHAPES: tuple[tuple[Dash, str], ...] = (
    (DASH_DOTTED, "s"),
    (SOLID, "o"),
    (DASHED, "^"),
    (DOTTED, "v"),
    ((8.0, 2.0), "D"),
    ((6.4, 1.6, 1.0, 1.6, 1.0, 1.6), "P"),
    ((10.0, 1.6, 3.7, 1.6), "d"),
    ((2.0, 1.0), "<"),
    ((5.0, 5.0), ">"),
    ((10.0, 1.6, 1.0, 1.6), "p"),
    ((2.0, 4.0), "h"),
    ((10.0, 5.0), "8"),
    ((3.7, 1.6, 1.0, 1.6), "*"),
    ((5.0, 1.6, 1.0, 1.6, 1.0, 1.6, 1.0, 1.6), "X"),
    ((10.0, 1.6, 3.7, 1.6, 3.7, 1.6), "H"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """How something is drawn.

    Parameters
    ----------
    colour : str
        As ``#RRGGBB``.
    dash : tuple of float
        Lengths of dashes and gaps in turn, in widths of the line; empty for a solid one.
    marker : str
        As matplotlib names it.
    """

    colour: str
    dash: Dash
    marker: str

    @property
    def line(self) -> Literal["-"] | tuple[float, Dash]:
        """The dashes as matplotlib takes them."""
        return (0.0, self.dash) if self.dash else "-"

    @property
    def strokes(self) -> dict[str, Any]:
        """The look of lines with markers, as matplotlib's arguments."""
        return {"color": self.colour, "linestyle": self.line, "marker": self.marker}

    def size(self, points: float) -> float:
        """Return the marker size that looks as large as a disc of so many points across."""
        return points * _MARKER_SCALE.get(self.marker, 1.0)


_CLEAN_LOOK = Look(CLEAN_COLOUR, SOLID, "o")


def corruption_looks(names: Iterable[str]) -> dict[str, Look]:
    """Return how each corruption of a figure is drawn, and clean images: no two of them alike.

    Registered corruptions look the same in every figure. Others, such as imported ones, get the next looks
    that are free, in the order of their names.

    Parameters
    ----------
    names : iterable of str
        All corruptions drawn, in any order.

    Examples
    --------
    >>> looks = corruption_looks(["stain_deposit", "contrast"])
    >>> looks["contrast"].colour, looks["stain_deposit"].colour
    ('#882255', '#6699CC')
    """
    looks = {CLEAN: _CLEAN_LOOK}
    taken = cache(lambda: set(map(_own_look, CORRUPTIONS)))
    free = (look for look in _spares() if look not in taken() and look not in looks.values())
    drawn = {CLEAN, *names}
    for name in _until_all(drawn - {CLEAN}):
        mine = _own_look(name)
        looks[name] = next(free) if mine is None or mine in looks.values() else mine
    return {name: look for name, look in looks.items() if name in drawn}


def _until_all(names: Set[str]) -> Iterator[str]:
    """Yield registered corruptions in order up to the last one named, then the other names."""
    rest = set(names)
    for name in CORRUPTIONS:
        if not rest:
            return
        rest.discard(name)
        yield name
    yield from sorted(rest)


def _own_look(name: str) -> Look | None:
    """Return the look that a registered corruption brings with it."""
    one = CORRUPTIONS.get(name)
    if one is None or one.colour is None or one.dash is None or one.marker is None:
        return None
    return Look(one.colour, one.dash, one.marker)


def _spares() -> Iterator[Look]:
    """Yield looks without end: first all pairs of colours and shapes, then again with longer dashes."""
    colours, shapes = len(_SPARE_COLOURS), len(_SPARE_SHAPES)
    for stretch in count(1):
        for place in range(colours * shapes):
            cycle, index = divmod(place, colours)
            dash, marker = _SPARE_SHAPES[(index + cycle) % shapes]
            yield Look(_SPARE_COLOURS[index], tuple(stretch * length for length in dash), marker)
