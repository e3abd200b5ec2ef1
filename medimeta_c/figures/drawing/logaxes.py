"""Logarithmic axes: of errors in percent, and with few, legible labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from medimeta_c.figures.drawing.ticks import LEAST_SPAN, decades

__all__ = ["error_limits", "frame_errors", "label_decades"]

_PERCENT_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MARGIN = 1.15


def error_limits(errors: Iterable[float | None]) -> tuple[float, float]:
    """Return the range of an axis of errors in percent of a baseline's: all that are not 0, and 100."""
    known = [error for error in errors if error]
    return min([*known, 50]) / _MARGIN, max([*known, 200]) * _MARGIN


def frame_errors(axis: XAxis | YAxis, limits: tuple[float, float]) -> None:
    """Make an axis one of errors in percent of a baseline's; at 100 stands a line.

    Parameters
    ----------
    axis : XAxis or YAxis
        Of a panel.
    limits : (float, float)
        What `error_limits` returns; an error of 0 is to be drawn at the lower one.
    """
    panel, name = axis.axes, axis.axis_name
    getattr(panel, f"set_{name}scale")("log")
    getattr(panel, f"set_{name}lim")(limits)
    ticks = [tick for tick in _PERCENT_TICKS if limits[0] <= tick <= limits[1]]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    (panel.axvline if name == "x" else panel.axhline)(100, color="#999999", linewidth=0.6, zorder=0)


def label_decades(axis: XAxis | YAxis, words: Callable[[float], str]) -> None:
    """Label powers of ten, and values between them where powers are too few. To be called once all is drawn.

    Parameters
    ----------
    axis : XAxis or YAxis
        Of a logarithmic scale. Where limits are less than a decade apart, the lower one is moved.
    words : callable
        What the label of a value is.
    """
    first, last = axis.get_view_interval()
    low, high = min(first, last), max(first, last)
    if high < LEAST_SPAN * low:
        low = high / LEAST_SPAN
        getattr(axis.axes, f"set_{axis.axis_name}lim")((low, high) if first <= last else (high, low))
    axis.set_major_locator(FixedLocator(decades(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))
    axis.set_minor_locator(NullLocator())
