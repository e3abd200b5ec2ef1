"""Scores of one cell, against scikit-learn, by hand, and where they do not exist."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, MissingExtraError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics import scores
from medimeta_c.metrics.confidence.calibration import ECE_BINS, expected_calibration_error
from medimeta_c.metrics.summary import CellScore

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")


def score_cell(*arrays: Any, **more: Any) -> CellScore:
    """Score a cell of some name."""
    answers = scores.checked_answers(*arrays, **more)
    return scores.score_cell(SetKey("pbc", "test", "clean", 0), answers, predictions_sha256="0" * 64)


def cell(seed: int, n: int, k: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Random probabilities, a little better than chance, and labels in which every class occurs."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), rng.choice(k, size=n - k, p=rng.dirichlet(np.ones(k)))])
    logits = rng.normal(size=(n, k)) + np.eye(k)[labels]
    exp = np.exp(logits)
    return exp / exp.sum(axis=1, keepdims=True), labels


cells = st.builds(cell, st.integers(0, 10_000), n=st.integers(12, 80), k=st.integers(2, 8))


@settings(deadline=None, max_examples=50)
@given(cells)
def test_scores_equal_scikit_learns(data: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    """Top-1, balanced accuracy and macro one-vs-rest AUROC are what scikit-learn computes."""
    p, y = data
    score = score_cell(p, y)
    assert score.top1.value == pytest.approx(sklearn_metrics.accuracy_score(y, p.argmax(axis=1)))
    assert score.balanced_accuracy.value == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(y, p.argmax(axis=1))
    )
    reference = (
        sklearn_metrics.roc_auc_score(y, p[:, 1])
        if p.shape[1] == 2
        else sklearn_metrics.roc_auc_score(y, p, multi_class="ovr", average="macro")
    )
    assert score.macro_auroc.value == pytest.approx(reference)


@settings(deadline=None, max_examples=50)
@given(cells)
def test_calibration_error_equals_its_definition(data: tuple[NDArray[np.float64], NDArray[np.int64]]) -> None:
    """Bin by bin, written out: weight times the gap between accuracy and mean confidence."""
    p, y = data
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == y
    total = 0.0
    for b in range(ECE_BINS):
        inside = (confidence > b / ECE_BINS) & (confidence <= (b + 1) / ECE_BINS)
        if inside.any():
            total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    assert score_cell(p, y).ece.value == pytest.approx(total)


@settings(deadline=None, max_examples=50)
@given(cells, st.randoms(use_true_random=False))
def test_the_order_of_images_changes_nothing(
    data: tuple[NDArray[np.float64], NDArray[np.int64]], random: object
) -> None:
    """A permutation of the rows gives the same scores."""
    p, y = data
    order = np.array(random.sample(range(len(y)), len(y)))  # type: ignore[attr-defined]
    one, other = score_cell(p, y), score_cell(p[order], y[order])
    assert (one.n, one.correct, one.top1) == (other.n, other.correct, other.top1)
    for name in ("balanced_accuracy", "macro_auroc", "ece"):
        assert getattr(one, name).value == pytest.approx(getattr(other, name).value)


def test_a_cell_by_hand() -> None:
    """Four images, two classes: every number computed on paper."""
    score = score_cell([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]], [0, 0, 1, 1])
    assert (score.n, score.invalid, score.correct) == (4, 0, 3)
    assert score.top1.value == 0.75
    assert score.error.value == 0.25
    assert score.balanced_accuracy.value == 0.75
    # Positives score 0.3 and 0.8, negatives 0.1 and 0.4: three of four pairs in order.
    assert score.macro_auroc.value == pytest.approx(0.75)
    # Four images in four bins: |1-.9|, |1-.6|, |0-.7|, |1-.8|, averaged.
    assert score.ece.value == pytest.approx((0.1 + 0.4 + 0.7 + 0.2) / 4)


def test_calibration_bins_are_closed_above() -> None:
    """A confidence on an edge belongs to the bin below; 1.0 and 0.0 have bins too."""
    third = np.array([5 / 15, np.nextafter(5 / 15, 1)])
    # Two bins: (1 - 1/3)/2 + 1/3 /2. In one bin the gap would be |1 - 2/3|/2.
    assert expected_calibration_error(third, np.array([True, False])) == pytest.approx(0.5)
    assert expected_calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0


def test_the_first_of_equal_probabilities_is_predicted() -> None:
    """Ties go to the lower label, so that a result does not depend on the machine."""
    assert score_cell([[0.5, 0.5], [0.5, 0.5]], [0, 1]).correct == 1


def test_predictions_given_take_precedence() -> None:
    """Probabilities rounded to ties do not change what the model predicted."""
    score = score_cell([[0.5, 0.5], [0.5, 0.5]], [0, 1], predictions=[0, 1])
    assert score.top1.value == 1
    assert score.ece.value == pytest.approx(0.5)


def test_an_absent_class_leaves_auroc_undefined_by_name() -> None:
    """One-vs-rest needs both; the other scores stay, and no warning is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = score_cell(np.full((3, 3), 1 / 3), [0, 0, 1], class_names=("CNV", "DME", "DRUSEN"))
    assert score.macro_auroc.value is None
    assert "DRUSEN" in str(score.macro_auroc.reason)
    assert score.balanced_accuracy.value == 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_probabilities_invalidate_the_cell(bad: float) -> None:
    """They are counted, and every score says how many there were."""
    score = score_cell([[0.9, 0.1], [bad, 0.1], [0.1, 0.9]], [0, 0, 0])
    assert (score.n, score.invalid, score.correct) == (3, 1, 1)
    for value in (score.top1, score.error, score.balanced_accuracy, score.macro_auroc, score.ece):
        assert value.value is None
        assert "1 of 3 images" in str(value.reason)


def test_half_precision_probabilities_are_accepted() -> None:
    """Rows that miss 1 by float16 rounding are still probabilities."""
    p, y = cell(0, 50, 8)
    assert score_cell(p.astype(np.float16), y).n == 50


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        ([0.5, 0.5], [0], "two classes or more"),
        ([[1.0], [1.0]], [0, 0], "two classes or more"),
        ([[0.5, 0.5]], [0, 1], "expected one each"),
        (np.zeros((0, 2)), np.zeros(0, dtype=int), "no images"),
        ([[0.5, 0.5]], [2], "expected 0 to 1"),
        ([[0.5, 0.5]], [-1], "expected 0 to 1"),
        ([[0.5, 0.5]], [0.0], "expected integers"),
        ([[3.0, -2.0]], [0], "not probabilities"),
        ([[0.5, 0.4]], [0], "not probabilities"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(probabilities: object, labels: object, message: str) -> None:
    """One sentence says what was expected."""
    with pytest.raises(ConfigError, match=message):
        score_cell(probabilities, labels)


@pytest.mark.parametrize(
    ("predictions", "names", "message"),
    [
        ([0], None, "predictions have shape"),
        ([0, 2], None, "predictions run from"),
        (None, ("a",), "1 class names"),
    ],
)
def test_optional_arguments_are_checked_too(
    predictions: object, names: tuple[str, ...] | None, message: str
) -> None:
    """Predictions and class names must fit the probabilities."""
    with pytest.raises(ConfigError, match=message):
        score_cell([[0.5, 0.5]] * 2, [0, 1], predictions=predictions, class_names=names)


def test_without_scikit_learn_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is the pip line of the smallest extra that has it."""
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(MissingExtraError, match=r"pip install ./corruptions '\.\[leaderboard\]'"):
        score_cell([[0.9, 0.1], [0.1, 0.9]], [0, 1])
