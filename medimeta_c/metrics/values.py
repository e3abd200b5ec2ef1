"""Numbers that can be undefined and then carry a reason: no infinity, no NaN, valid JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError, model_validator

from medimeta_c.errors import ConfigError
from medimeta_c.io.reading import first_problem
from medimeta_c.io.records import Record, Text

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Asked", "Estimate", "Number", "mean_number", "undefined_parts"]


class Asked(Record):
    """A record that users of the library also create; invalid values raise a ConfigError."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(first_problem(error)) from error

    # Within a file it is checked like any other record, so that the message says where it stands.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]


class Number(Record):
    """A number, or the reason why there is none. Accuracies, errors and CE are fractions (1.0 is 100 %).

    Raises
    ------
    ValueError
        If both or neither are given, or the number is not finite.

    Examples
    --------
    >>> Number(value=0.25).percent
    25.0
    >>> Number.undefined("the baseline makes no error").value is None
    True
    """

    value: float | None
    reason: Text | None = None

    @model_validator(mode="after")
    def _value_or_reason(self) -> Number:
        if (self.value is None) == (self.reason is None):
            raise ValueError("give a value or the reason for its absence, and not both")
        return self

    @classmethod
    def undefined(cls, reason: str) -> Self:
        """Return the absence of a number, with its reason."""
        return cls(value=None, reason=reason)

    @property
    def percent(self) -> float | None:
        """The number times 100, as tables print it; None when undefined."""
        return None if self.value is None else 100 * self.value


class Estimate(Number):
    """A number with its confidence interval, ``low <= high``, or the reason why it has none."""

    low: float | None
    high: float | None
    interval_reason: Text | None = None

    @model_validator(mode="after")
    def _interval_or_reason(self) -> Estimate:
        if self.low is None or self.high is None:
            if not (self.low is None and self.high is None and self.interval_reason is not None):
                raise ValueError("an interval needs both ends, or neither and a reason")
        elif self.interval_reason is not None or self.low > self.high:
            raise ValueError(f"[{self.low}, {self.high}] is not an interval (reason: {self.interval_reason})")
        return self

    @classmethod
    def undefined(cls, reason: str) -> Self:
        """Return the absence of a number and of its interval, with the reason of both."""
        return cls(value=None, reason=reason, low=None, high=None, interval_reason=reason)

    def contains(self, number: float) -> bool | None:
        """Return whether `number` lies in the closed interval; None when there is no interval."""
        if self.low is None or self.high is None:
            return None
        return self.low <= number <= self.high


def mean_number(parts: Mapping[str, Number]) -> Number:
    """Return the mean of named numbers; undefined, naming the parts, if any of them is.

    Examples
    --------
    >>> mean_number({"a": Number(value=1.0), "b": Number(value=2.0)}).value
    1.5
    >>> mean_number({"a": Number(value=1.0), "b": Number.undefined("no image")}).reason
    'undefined for b (no image)'
    """
    if not parts:
        return Number.undefined("there is nothing to take the mean of")
    numbers = [part.value for part in parts.values() if part.value is not None]
    if len(numbers) == len(parts):
        return Number(value=math.fsum(numbers) / len(numbers))
    return Number.undefined(undefined_parts(parts))


def undefined_parts(parts: Mapping[str, Number]) -> str:
    """Return which parts are undefined, with the reason of the first; empty when none is."""
    absent = {name: part.reason for name, part in parts.items() if part.value is None}
    return f"undefined for {', '.join(absent)} ({next(iter(absent.values()))})" if absent else ""
