"""Pieces of sentences about estimates, shared by the judgements and the other sentences of a verdict."""

from __future__ import annotations

from medimeta_c.metrics.loss import Loss
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.cells import interval_text, percent

__all__ = ["at_chance", "points", "side", "turned", "within"]


def side(one: Estimate, level: float = 0.0) -> int | None:
    """Return on which side of a number an interval lies: -1 below, 1 above, 0 around it; None without one."""
    if one.low is None or one.high is None:
        return None
    return -1 if one.high < level else 1 if one.low > level else 0


def points(value: float | None) -> str:
    """Return a fraction in percentage points."""
    shown = percent(value)
    return f"{'0.0' if shown == '-0.0' else shown} points"


def within(one: Estimate) -> str:
    """Return an interval in brackets, or why there is none."""
    return f"({interval_text(one) or one.interval_reason or one.reason})"


def at_chance(found: Loss[Estimate]) -> bool:
    """Return whether clean accuracy is known, and not above chance."""
    return found.beside_chance in (-1, 0)


def turned(one: Estimate) -> str:
    """Return the interval of a number said with the other sign."""
    low, high = (None if end is None else -end for end in (one.high, one.low))
    return within(one.model_copy(update={"low": low, "high": high}))
