"""Numbers that may be undefined: exactly one of number and reason, never inf or NaN."""

from __future__ import annotations

import json
import math

import pytest

from medimeta_c.metrics.values import Estimate, Number, mean_number


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_value_is_finite(number: float) -> None:
    """NaN and infinities are refused, not stored."""
    with pytest.raises(ValueError, match="finite number"):
        Number(value=number)


@pytest.mark.parametrize(("number", "reason"), [(None, None), (0.5, "but why")])
def test_a_value_is_a_number_or_a_reason(number: float | None, reason: str | None) -> None:
    """Neither both nor none."""
    with pytest.raises(ValueError, match="not both"):
        Number(value=number, reason=reason)


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [
        (0.5, 0.4, None),
        (0.1, None, None),
        (None, None, None),
        (0.1, 0.2, "why"),
        (math.nan, 1.0, None),
        (0.0, math.inf, None),
    ],
)
def test_an_interval_is_two_ordered_finite_ends_or_a_reason(
    low: float | None, high: float | None, reason: str | None
) -> None:
    """Half an interval, a reversed one, or an infinite one is refused."""
    with pytest.raises(ValueError, match=r"interval|finite number"):
        Estimate(value=0.5, low=low, high=high, interval_reason=reason)


def test_values_are_json() -> None:
    """A record's dictionary is strict JSON, undefined included."""
    numbers = (Number(value=0.5), Number.undefined("no image"))
    written = json.dumps([one.model_dump() for one in numbers], allow_nan=False)
    assert json.loads(written) == [{"value": 0.5, "reason": None}, {"value": None, "reason": "no image"}]


def test_containing_is_closed_and_unknown_without_an_interval() -> None:
    """The ends belong to the interval; an absent interval answers neither yes nor no."""
    assert Estimate(value=0.5, low=0.0, high=1.0).contains(0.0) is True
    assert Estimate(value=0.5, low=0.1, high=1.0).contains(0.0) is False
    assert Estimate.undefined("why").contains(0.0) is None


def test_a_mean_over_nothing_is_undefined() -> None:
    """No parts, no mean."""
    assert mean_number({}).value is None
