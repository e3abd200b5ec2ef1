"""Ticks of logarithmic axes and their labels: few and legible, but at least two."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["LEAST_SPAN", "decades", "plain", "power_of_ten"]

LEAST_SPAN = 10
"""How many times the lower limit the upper one is at least."""

_MOST_LABELS = 6
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def decades(low: float, high: float) -> list[float]:
    """Return powers of ten between two limits, and values between them where powers are too few.

    Examples
    --------
    >>> decades(0.5, 200)
    [1.0, 10.0, 100.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    inside = [power for power in powers if low <= 10.0**power <= high]
    step = math.ceil(len(inside) / _MOST_LABELS)
    ticks = [10.0**power for power in inside if power % step == 0]
    return ticks if len(ticks) > 1 else [digit * 10.0**power for power in powers for digit in (1, 2, 5)]


def plain(value: float) -> str:
    """Return a number without an exponent.

    Examples
    --------
    >>> plain(1e-05), plain(1000.0)
    ('0.00001', '1000')
    """
    return np.format_float_positional(value, precision=10, trim="-")


def power_of_ten(value: float) -> str:
    """Return the nearest power of ten.

    Examples
    --------
    >>> power_of_ten(1e-05), power_of_ten(10.0)
    ('10⁻⁵', '10¹')
    """
    return "10" + str(round(math.log10(value))).translate(_RAISED)
