"""A panel of radial DCT profiles: axes, bands, lines, and the lines' names beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from medimeta_c.figures.drawing.canvas import Canvas, Line, Words
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.sizes import TITLE_POINTS
from medimeta_c.figures.drawing.ticks import LEAST_SPAN, decades, power_of_ten
from medimeta_c.format.spectrum import BANDS, PROFILE_BINS

__all__ = ["CENTRES", "LABEL_POINTS", "LABEL_START", "Panel", "Profile", "limits_of", "spread_apart"]

CENTRES = (np.arange(PROFILE_BINS) + 0.5) / PROFILE_BINS
"""Radial frequency of each bin."""
LABEL_START = 1.15
"""Where the names of lines start, in widths of the panel."""
LABEL_POINTS = 6.8

_MARGIN = 0.05  # of the axis, above and below the lines
_LABEL_SPACING = 0.085  # of the panel's height, between two labels
_LEADER = (1.025, 1.05)  # where it bends, and where the sample of the line starts
_SAMPLE_END = 1.13
_TICK_POINTS = 3.5  # also from a tick to its label
_TICK_LABEL_POINTS = 7
_MIDDLE = 0.36  # from the baseline to the middle of a figure, in sizes of the type
_ASCENT = 0.76
_BAND_POINTS = 6.5
_AXIS, _BAND, _EDGE = "#444444", "#777777", "#DDDDDD"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """A line of a panel.

    Parameters
    ----------
    name : str
        What it is called beside the panel.
    heights : ndarray of float64, shape (PROFILE_BINS,)
        Mean power of each bin; NaN where there is none, which leaves a gap.
    look : Look
        Its colour and dashes.
    width : float
        In points.
    """

    name: str
    heights: NDArray[np.float64]
    look: Look
    width: float


def limits_of(profiles: Sequence[Profile]) -> tuple[float, float]:
    """Return the range of a logarithmic axis for these profiles: at least a decade."""
    known = [float(height) for one in profiles for height in one.heights[np.isfinite(one.heights)]]
    low, high = math.log10(min(known, default=0.1)), math.log10(max(known, default=1.0))
    margin = _MARGIN * (high - low)
    least, most = 10 ** (low - margin), 10 ** (high + margin)
    return min(least, most / LEAST_SPAN), most


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A place on a canvas with radial frequency across, 0 to 1, and power upwards on a logarithmic axis.

    Parameters
    ----------
    canvas : Canvas
        What is drawn on.
    left, top, wide, high : float
        The place, in pixels.
    limits : (float, float)
        Of the power.
    """

    canvas: Canvas
    left: float
    top: float
    wide: float
    high: float
    limits: tuple[float, float]

    def draw_axes(self, *, across: bool, up: bool) -> None:
        """Draw both axes and the bands; label the ticks of those asked for."""
        for edge in range(1, len(BANDS)):
            share = edge / len(BANDS)
            self._line([(share, 0.0), (share, 1.0)], _EDGE, 0.6)
        for index, band in enumerate(BANDS):
            x, y = self._place((index + 0.5) / len(BANDS), 0.985)
            below = y + self.canvas.px(_ASCENT * _BAND_POINTS)
            self.canvas.add(
                Words(x=x, y=below, text=band, points=_BAND_POINTS, across="center", colour=_BAND)
            )
        self._line([(0.0, 0.0), (0.0, 1.0)], _AXIS, 0.6)
        self._line([(0.0, 0.0), (1.0, 0.0)], _AXIS, 0.6)
        write = partial(Words, points=_TICK_LABEL_POINTS, colour=_AXIS)
        tick, type_size = self.canvas.px(_TICK_POINTS), self.canvas.px(_TICK_LABEL_POINTS)
        for tenths in range(0, 11, 2):
            x, y = self._place(tenths / 10, 0.0)
            self._mark([(x, y), (x, y + tick)], _AXIS, 0.6)
            if across:
                baseline = y + 2 * tick + _ASCENT * type_size
                label = write(x=x, y=baseline, text=f"{tenths / 10:.1f}", across="center")
                self.canvas.add(label)
        for power in self.ticks():
            x, y = self._place(0.0, self._share(power))
            self._mark([(x - tick, y), (x, y)], _AXIS, 0.6)
            if up:
                baseline = y + _MIDDLE * type_size
                label = write(x=x - 2 * tick, y=baseline, text=power_of_ten(power), across="right")
                self.canvas.add(label)

    def ticks(self) -> list[float]:
        """Return the powers that have a tick."""
        low, high = self.limits
        return [power for power in decades(low, high) if low <= power <= high]

    def draw_title(self, first: str, second: str) -> None:
        """Write two lines above the panel."""
        high, low = (self.top - self.canvas.px(points) for points in (14, 5))
        self.canvas.add(
            Words(x=self.left, y=high, text=first, points=TITLE_POINTS, bold=True),
            Words(x=self.left, y=low, text=second, points=LABEL_POINTS),
        )

    def draw_line(self, profile: Profile) -> None:
        """Draw a profile, with gaps where it is NaN."""
        for known, bins in groupby(range(PROFILE_BINS), lambda index: math.isfinite(profile.heights[index])):
            points = [(float(CENTRES[index]), self._share(profile.heights[index])) for index in bins if known]
            if len(points) > 1:
                look = profile.look
                self._line(points, look.colour, profile.width, look.dash, profile.name)

    def label_lines(self, profiles: Sequence[Profile]) -> None:
        """Name each line at its right end, labels kept apart and tied to their lines by a leader."""
        ends = []
        for profile in profiles:
            known = np.flatnonzero(np.isfinite(profile.heights))
            if known.size:
                last = known[-1]
                ends.append((self._share(profile.heights[last]), float(CENTRES[last]), profile))
        ends.sort(key=lambda end: end[0])
        for (y, x, profile), spread in zip(ends, spread_apart([end[0] for end in ends]), strict=True):
            look, (bend, start) = profile.look, _LEADER
            self._line([(x, y), (bend, spread), (start, spread)], look.colour, 0.4)
            self._line([(start, spread), (_SAMPLE_END, spread)], look.colour, profile.width, look.dash)
            left, middle = self._place(LABEL_START, spread)
            baseline = middle + self.canvas.px(_MIDDLE * LABEL_POINTS)
            self.canvas.add(Words(x=left, y=baseline, text=profile.name, points=LABEL_POINTS))

    def _share(self, power: float) -> float:
        """Return how high a power is, in heights of the panel."""
        low, high = map(math.log, self.limits)
        return (math.log(power) - low) / (high - low)

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.wide, self.top + (1 - y) * self.high

    def _line(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        width: float,
        dash: tuple[float, ...] = (),
        name: str = "",
    ) -> None:
        self._mark([self._place(*point) for point in points], colour, width, dash, name)

    def _mark(
        self,
        places: Sequence[tuple[float, float]],
        colour: str,
        width: float,
        dash: tuple[float, ...] = (),
        name: str = "",
    ) -> None:
        line = Line(points=tuple(places), colour=colour, width=width, dash=dash, name=name)
        self.canvas.add(line)


def spread_apart(places: Sequence[float]) -> list[float]:
    """Move sorted places apart to at least the label spacing, as little as a pass up and one down can."""
    spread = list(places)
    for index in range(1, len(spread)):
        spread[index] = max(spread[index], spread[index - 1] + _LABEL_SPACING)
    ceiling = max(1.0, (len(spread) - 1) * _LABEL_SPACING)
    for index in reversed(range(len(spread))):
        spread[index] = min(spread[index], ceiling)
        ceiling = spread[index] - _LABEL_SPACING
    return spread
