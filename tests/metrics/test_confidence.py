"""NLL, Brier score, AURC and the bins of ECE: by hand, against scikit-learn, and whatever the order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from medimeta_c.metrics.confidence.calibration import ECE_BINS, expected_calibration_error, reliability
from medimeta_c.metrics.confidence.scoring_rules import LEAST_PROBABILITY, MOST_NLL
from medimeta_c.metrics.confidence.selection import area_under_risk_coverage
from medimeta_c.metrics.registry import METRICS
from medimeta_c.metrics.scores import checked_answers

NAMES = ("nll", "brier", "aurc")
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def value(name: str, p: object, y: object) -> float:
    found = METRICS[name](checked_answers(p, y)).value  # type: ignore[arg-type]
    assert found is not None
    return found


def made_up(seed: int, n: int = 60, k: int = 4, digits: int = 2) -> tuple[Floats, Labels]:
    """Probabilities, some of them equal, that favour the label."""
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    logits = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[y]
    p = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), digits) + 1e-3
    return p / p.sum(axis=1, keepdims=True), y


@pytest.mark.parametrize(
    ("name", "perfect", "chance", "worst"),
    [
        ("nll", 0, math.log(3), MOST_NLL),
        ("brier", 0, 2 / 3, 2),
        ("aurc", 0, 1 / 3, 1),
    ],
)
def test_perfect_at_chance_and_always_wrong(name: str, perfect: float, chance: float, worst: float) -> None:
    """All probability on the label; the same on every class, right by the first; all on a wrong class."""
    y = np.array([0, 1, 2] * 4)
    assert value(name, np.eye(3)[y], y) == perfect
    assert value(name, np.full((12, 3), 1 / 3), y) == pytest.approx(1 - chance if name == "aurc" else chance)
    assert value(name, np.eye(3)[(y + 1) % 3], y) == pytest.approx(worst)


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 1000))
def test_rows_in_another_order_give_the_same_number(name: str, seed: int) -> None:
    """To the last bit."""
    p, y = made_up(seed)
    rows = np.random.default_rng(seed + 1).permutation(len(y))
    assert value(name, p[rows], y[rows]) == value(name, p, y)


@pytest.mark.parametrize("name", NAMES)
def test_classes_in_another_order_give_the_same_number(name: str) -> None:
    """The names of classes mean nothing."""
    p, y = made_up(0, digits=9)
    order = np.array([2, 0, 3, 1])
    assert value(name, p[:, order], np.argsort(order)[y]) == pytest.approx(value(name, p, y), abs=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_images_of_one_class_only_have_a_number(name: str) -> None:
    """None of the three needs an image of every class."""
    p, y = made_up(1)
    assert value(name, p, np.zeros_like(y)) > value(name, p, y)


def test_a_stored_zero_is_a_loss_with_an_end() -> None:
    """A model that gave 0 did not say that the label is impossible: its softmax had no smaller numbers."""
    zero = value("nll", [[1.0, 0.0]], [1])
    assert zero == value("nll", [[1 - LEAST_PROBABILITY, LEAST_PROBABILITY]], [1]) == MOST_NLL
    small = value("nll", [[1 - 1e-30, 1e-30]], [1])
    assert small == pytest.approx(-math.log(1e-30))
    assert small < zero


def test_rows_that_miss_one_by_rounding_stay_in_range() -> None:
    """As half precision leaves them."""
    assert value("brier", [[0.0, 1.0, 0.008]], [0]) == 2


@pytest.mark.parametrize("k", [2, 5])
def test_scikit_learn_agrees(k: int) -> None:
    """Its log loss, and its Brier score over all classes."""
    metrics = pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")
    p, y = made_up(2, n=300, k=k)
    assert value("nll", p, y) == pytest.approx(metrics.log_loss(y, p, labels=range(k)), abs=1e-12)
    squares = np.mean([metrics.brier_score_loss(y == c, p[:, c], pos_label=True) for c in range(k)])
    assert value("brier", p, y) == pytest.approx(k * squares, abs=1e-12)


def test_aurc_by_hand() -> None:
    """Right, wrong, right by falling confidence: error rates 0, 1/2, 1/3 on the first one, two and three."""
    found = area_under_risk_coverage(np.array([0.5, 0.9, 0.7]), np.array([True, True, False]))
    assert found == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)


def test_equal_confidences_count_as_the_mean_over_their_orders() -> None:
    """Every order of the images, sorted by confidence only, taken once."""
    confidences = np.array([0.9, 0.6, 0.6, 0.6, 0.2, 0.2])
    correct = np.array([True, False, True, False, False, True])
    areas = []
    for order in itertools.permutations(range(6)):
        if (np.diff(confidences[list(order)]) <= 0).all():
            errors = np.cumsum(~correct[list(order)])
            areas.append(np.mean(errors / np.arange(1, 7)))
    assert len(areas) == 12
    assert area_under_risk_coverage(confidences, correct) == pytest.approx(np.mean(areas))


def test_a_model_of_one_confidence_has_its_error_rate_as_aurc() -> None:
    """Abstaining cannot help it."""
    correct = np.arange(40) % 4 > 0
    assert area_under_risk_coverage(np.full(40, 0.7), correct) == pytest.approx(0.25)


@pytest.mark.parametrize("order", [sorted, lambda part: sorted(part, reverse=True)])
def test_sure_where_it_is_right_is_best(order: Callable[[object], list[bool]]) -> None:
    """No other confidences give a lower area than those that put all errors last, or a higher one."""
    correct = np.array(order([True] * 6 + [False] * 3))
    end = area_under_risk_coverage(np.arange(9.0), correct)
    others = [
        area_under_risk_coverage(np.arange(9.0), np.random.default_rng(i).permutation(correct))
        for i in range(50)
    ]
    best = not correct[0]
    assert all(end <= other if best else end >= other for other in others)


def test_the_bins_are_those_of_ece() -> None:
    """Counts, means and accuracies say what ECE sums; an upper edge is its bin's, an empty bin is NaN."""
    rng = np.random.default_rng(0)
    confidences = np.concatenate([rng.uniform(0.3, 1, 200), [0.2, 1.0, 1 / 15]])
    correct = rng.random(203) < confidences
    found = reliability(confidences, correct)
    assert found.counts.sum() == 203
    assert (found.counts[0], found.counts[2], found.counts[1]) == (1, 1, 0)
    assert np.isnan(found.accuracies[1])
    inside = (confidences > 9 / ECE_BINS) & (confidences <= 10 / ECE_BINS)
    assert found.accuracies[9] == pytest.approx(correct[inside].mean())
    assert found.confidences[9] == pytest.approx(confidences[inside].mean())
    assert found.error == pytest.approx(expected_calibration_error(confidences, correct))
