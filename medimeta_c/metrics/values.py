"""Numbers that can be undefined and then carry a reason: no infinity, no NaN, valid JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError, model_validator

from medimeta_c.errors import ConfigError
from medimeta_c.io.reading import first_problem
from medimeta_c.io.records import Record, Text

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Asked",
    "Difference",
    "Estimate",
    "Number",
    "mean_number",
    "paired",
    "percentiles",
    "undefined_parts",
]

FloatArray = NDArray[np.float64]

_ALIKE = "the models differ alike on every image: resamples cannot differ"


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


class Difference(Estimate):
    """A number of one model minus the same number of another, with its interval, paired by image.

    Attributes
    ----------
    tie : bool or None
        Whether the interval contains 0: the images cannot tell the models apart. None without interval,
        as where one model is right and the other wrong on every single image: resamples cannot differ,
        and two images would seem to prove what two thousand do.
    """

    tie: bool | None = None


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


def percentiles(
    point: Number, samples: FloatArray, level: float, *, fixed: str | None, lacking: str
) -> Estimate:
    """Return a number with the percentile interval of its resamples, or why they cannot give one.

    Parameters
    ----------
    point : Number
        On the images themselves.
    samples : ndarray of float64, shape (R,)
        On each resample; NaN where undefined.
    level : float
        Of the interval.
    fixed : str or None
        Why resamples cannot differ.
    lacking : str
        What resamples do on which it is undefined, to follow their number.
    """
    bad = int(np.count_nonzero(~np.isfinite(samples)))
    reason = point.reason or fixed
    if reason is None and bad:
        reason = f"{bad} of {len(samples)} resamples {lacking}"
    if reason is not None:
        return Estimate(value=point.value, reason=point.reason, low=None, high=None, interval_reason=reason)
    ends = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    # Equal sums added up in another order differ by 1e-16, and an end that is 0 must not seem to leave 0 out.
    low, high = np.round(ends, 12) + 0.0
    return Estimate(value=point.value, low=float(low), high=float(high))


def paired(
    one: tuple[Number, FloatArray],
    other: tuple[Number, FloatArray],
    level: float,
    *,
    fixed: str | None,
    lacking: str,
) -> Difference:
    """Return one number minus another, each with its resamples; the rest is as `percentiles` has it."""
    (first, own), (second, theirs) = one, other
    if first.value is None or second.value is None:
        return Difference.undefined(first.reason or second.reason or "")
    samples = own - theirs
    alike = _ALIKE if samples.min() == samples.max() != 0 else None
    number = Number(value=first.value - second.value)
    estimate = percentiles(number, samples, level, fixed=fixed or alike, lacking=lacking)
    return Difference(**estimate.model_dump(), tie=estimate.contains(0.0))
