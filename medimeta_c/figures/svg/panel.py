"""A small chart as SVG, drawn without a library: two scales, and marks between them.

The page's style sheet says how marks look, by their classes, so that a chart is right in light, in dark and
in print, and its letters are the page's. Charts of one row are separate elements, which a narrow page breaks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from medimeta_c.io.templating import visible

__all__ = ["Panel", "Point"]

Point = tuple[float, float]
"""In the units of the scales; a part that is NaN leaves a gap."""


class Panel:
    """A chart under construction.

    Parameters
    ----------
    x, y : tuple of float
        The ends of the scales: left and right, bottom and top.
    width, height : int
        Of the whole in px, at which letters have their size.
    margins : tuple of int
        What is left for labels, in px: left, top, right, bottom.
    """

    def __init__(
        self,
        x: Point,
        y: Point,
        *,
        width: int,
        height: int,
        margins: tuple[int, int, int, int] = (24, 7, 7, 18),
    ) -> None:
        self._x, self._y = x, y
        self._size = width, height
        left, top, right, bottom = margins
        self._left, self._right = left, width - right
        self._top, self._bottom = top, height - bottom
        self._parts: list[Markup] = []

    def place(self, x: float, y: float) -> Point:
        """Return where a point of the scales lies, in px from the top left."""
        return (
            _between(x, self._x, (self._left, self._right)),
            _between(y, self._y, (self._bottom, self._top)),
        )

    def levels(self, labels: Iterable[tuple[float, str]]) -> None:
        """Draw a line across at each value of y, and its label on the left."""
        for value, label in labels:
            _, at = self.place(self._x[0], value)
            self._add('<path class="rule" d="M{} {}H{}"/>', self._left, at, self._right)
            self._add('<text class="tick end" x="{}" y="{}">{}</text>', self._left - 4, at + 3.5, label)

    def ticks(self, labels: Iterable[tuple[float, str]]) -> None:
        """Write labels under values of x."""
        for value, label in labels:
            at, _ = self.place(value, self._y[0])
            self._add('<text class="tick middle" x="{}" y="{}">{}</text>', at, self._bottom + 14, label)

    def line(self, points: Sequence[Point], css: str) -> None:
        """Draw a line through points, broken where one is NaN."""
        path = ""
        pen = "M"
        for point in points:
            if any(map(math.isnan, point)):
                pen = "M"
                continue
            path += f"{pen}{_pair(self.place(*point))}"
            pen = "L"
        if path:
            self._add('<path class="{}" d="{}"/>', css, path)

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float], css: str) -> None:
        """Fill between two lines over the same x, in parts where an end is NaN; a part alone is a stroke."""
        part: list[tuple[float, float, float]] = []
        for one in [*zip(x, low, high, strict=True), (math.nan,) * 3]:
            if not any(map(math.isnan, one)):
                part.append(one)
                continue
            if part:
                above = [self.place(at, top) for at, _, top in part]
                below = [self.place(at, bottom) for at, bottom, _ in reversed(part)]
                self._add('<path class="{}" d="M{}Z"/>', css, "L".join(map(_pair, [*above, *below])))
            part = []

    def dot(self, point: Point, radius: float, css: str, said: str = "") -> None:
        """Draw a circle, with what a pointer resting on it reads; a point that is NaN has none."""
        if any(map(math.isnan, point)):
            return
        x, y = self.place(*point)
        title = Markup("<title>{}</title>").format(visible(said)) if said else ""
        self._add('<circle class="{}" cx="{}" cy="{}" r="{}">{}</circle>', css, x, y, radius, title)

    def svg(self, title: str) -> Markup:
        """Return the chart as one element; `title` is what a screen reader says."""
        return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
            *self._size, visible(title), Markup("").join(self._parts)
        )

    def _add(self, pattern: str, *values: object) -> None:
        shown = (_short(value) if isinstance(value, float) else value for value in values)
        self._parts.append(Markup(pattern).format(*shown))  # every value is escaped


def _between(value: float, ends: Point, px: tuple[float, float]) -> float:
    return px[0] + (value - ends[0]) / (ends[1] - ends[0]) * (px[1] - px[0])


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _pair(point: Point) -> str:
    return " ".join(map(_short, point))
