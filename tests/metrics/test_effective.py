"""Effective robustness: a model's distance from the line through the others."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medimeta_c.metrics.effective import FEWEST_MODELS, ModelPoint, effective_robustness, fitted_line
from medimeta_c.metrics.values import Number


def point(model: str, clean: float, corrupted: float) -> ModelPoint:
    return ModelPoint(model=model, clean=Number(value=clean), corrupted=Number(value=corrupted))


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def on_a_line(n: int, slope: float = 0.8, intercept: float = -0.4) -> dict[str, ModelPoint]:
    """Models of different clean accuracy, exactly on a line."""
    return {
        f"m{i}": point(f"m{i}", logistic(x), logistic(slope * x + intercept))
        for i, x in enumerate(np.linspace(-1, 2, n))
    }


def test_models_on_the_line_have_none_and_one_above_it_has_its_distance() -> None:
    """On the logit axis, and in points of accuracy; the model does not bend its own line."""
    accuracy = logistic(0.8 * math.log(1.5) - 0.4 + 0.7)
    points = {**on_a_line(8), "robust": point("robust", 0.6, accuracy)}
    found = effective_robustness(points)["robust"]
    assert found.line is not None
    assert (found.line.slope, found.line.intercept, found.line.models) == pytest.approx((0.8, -0.4, 8))
    assert found.residual.value == pytest.approx(0.7)
    expected = logistic(0.8 * math.log(1.5) - 0.4)
    assert found.points.value == pytest.approx(accuracy - expected)
    assert not found.extrapolated
    others = effective_robustness(on_a_line(9))
    assert all(each.residual.value == pytest.approx(0) for each in others.values())
    assert [each.extrapolated for each in others.values()] == [True, *[False] * 7, True]


@given(seed=st.integers(0, 1000), n=st.integers(FEWEST_MODELS, 20))
def test_the_line_is_that_of_least_squares(seed: int, n: int) -> None:
    """NumPy's, in whatever order the models come."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, n))
    points = [point(f"m{i:02d}", logistic(a), logistic(b)) for i, (a, b) in enumerate(zip(x, y, strict=True))]
    line = fitted_line(points)
    assert not isinstance(line, str)
    assert (line.slope, line.intercept) == pytest.approx(tuple(np.polyfit(x, y, 1)), abs=1e-8)
    assert fitted_line(reversed(points)) == line


def test_below_eight_other_models_there_is_none() -> None:
    """The number there are is said; two results of one model are one model."""
    found = effective_robustness(on_a_line(8))["m0"]
    reason = "a line needs 8 other models measured on these images, and there are 7"
    assert (found.residual.reason, found.points.reason, found.line) == (reason, reason, None)
    twice = {**on_a_line(8), "again": point("m7", 0.7, 0.5)}
    assert effective_robustness(twice)["m0"].residual.reason == reason


def test_results_of_one_model_are_left_out_together() -> None:
    """Both have the line through the eight others, in which neither takes part."""
    points = on_a_line(8)
    points |= {name: point("swept", 0.6, corrupted) for name, corrupted in (("a", 0.2), ("b", 0.9))}
    found = effective_robustness(points)
    assert found["a"].line == found["b"].line
    assert found["a"].line is not None
    assert found["a"].line.slope == pytest.approx(0.8)


@pytest.mark.parametrize(("clean", "corrupted"), [(1.0, 0.8), (0.9, 1.0), (0.2, 0.0), (0.0, 0.0)])
def test_an_accuracy_of_0_or_1_has_no_place(clean: float, corrupted: float) -> None:
    """The model has no number, and is in no other model's line."""
    points = {**on_a_line(9), "end": point("end", clean, corrupted)}
    found = effective_robustness(points)
    assert found["end"].residual.reason == "an accuracy of 0 or 1 has no logit"
    assert found["m4"].line is not None
    assert found["m4"].line.models == 8


def test_an_undefined_accuracy_keeps_its_reason() -> None:
    nothing = Number.undefined("not scored")
    points = {**on_a_line(8), "nan": ModelPoint(model="nan", clean=nothing, corrupted=nothing)}
    assert effective_robustness(points)["nan"].residual.reason == "not scored"


def test_a_line_may_be_as_steep_as_it_is() -> None:
    """Clean accuracies a hair apart: far below them the line expects no image to be right."""
    points = {f"m{i}": point(f"m{i}", 0.7 + 1e-7 * i, 0.3 + 0.05 * i) for i in range(8)}
    found = effective_robustness({**points, "low": point("low", 0.1, 0.5)})["low"]
    assert found.points.value == pytest.approx(0.5)
    assert found.extrapolated


def test_equal_clean_accuracies_leave_no_line() -> None:
    points = {f"m{i}": point(f"m{i}", 0.7, 0.3 + 0.02 * i) for i in range(9)}
    reason = "the other models have all the same clean accuracy, which leaves no line"
    assert {each.residual.reason for each in effective_robustness(points).values()} == {reason}
