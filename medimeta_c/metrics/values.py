"""Numbers that may be undefined, and then say why: no inf, no NaN, JSON as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Interval", "Value", "mean_value", "undefined_parts"]


@dataclass(frozen=True, slots=True)
class Value:
    """A finite number, or the reason why there is none.

    Parameters
    ----------
    value : float or None
        The number. Accuracies, errors and corruption errors are fractions (1.0 is 100 %).
    reason : str or None
        Set exactly when `value` is None.

    Raises
    ------
    ValueError
        If both or neither are given, or the number is not finite.

    Examples
    --------
    >>> Value(0.25).percent
    25.0
    >>> Value.undefined("the baseline makes no error").value is None
    True
    """

    value: float | None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("give a value or the reason for its absence, and not both")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.value} is not a value: say why it is undefined instead")

    @classmethod
    def undefined(cls, reason: str) -> Value:
        """Return the absence of a number, with its reason."""
        return cls(None, reason)

    @property
    def percent(self) -> float | None:
        """The number times 100, as tables print it; None when undefined."""
        return None if self.value is None else 100 * self.value


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval with finite ends, or the reason why there is none.

    Parameters
    ----------
    low, high : float or None
        The ends, ``low <= high``, in the unit of the number they belong to.
    reason : str or None
        Set exactly when the ends are None.

    Raises
    ------
    ValueError
        If the three do not fit together.
    """

    low: float | None
    high: float | None
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.low is None or self.high is None:
            if not (self.low is None and self.high is None and self.reason is not None):
                raise ValueError("an interval has two ends, or none and a reason")
        elif self.reason is not None or not -math.inf < self.low <= self.high < math.inf:
            raise ValueError(f"[{self.low}, {self.high}] is not an interval (reason: {self.reason})")

    @classmethod
    def undefined(cls, reason: str) -> Interval:
        """Return the absence of an interval, with its reason."""
        return cls(None, None, reason)

    def contains(self, number: float) -> bool | None:
        """Return whether `number` lies in the closed interval; None when there is no interval."""
        if self.low is None or self.high is None:
            return None
        return self.low <= number <= self.high


def mean_value(parts: Mapping[str, Value]) -> Value:
    """Return the mean of named values; undefined, naming the parts, if any of them is.

    Examples
    --------
    >>> mean_value({"a": Value(1.0), "b": Value(2.0)})
    Value(value=1.5, reason=None)
    >>> mean_value({"a": Value(1.0), "b": Value.undefined("no image")}).reason
    'undefined for b (no image)'
    """
    if not parts:
        return Value.undefined("there is nothing to take the mean of")
    numbers = [part.value for part in parts.values() if part.value is not None]
    if len(numbers) == len(parts):
        return Value(math.fsum(numbers) / len(numbers))
    return Value.undefined(undefined_parts(parts))


def undefined_parts(parts: Mapping[str, Value]) -> str:
    """Return which parts are undefined, with the reason of the first; empty when none is."""
    absent = {name: part.reason for name, part in parts.items() if part.value is None}
    return f"undefined for {', '.join(absent)} ({next(iter(absent.values()))})" if absent else ""
