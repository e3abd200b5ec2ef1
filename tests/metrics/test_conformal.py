"""Conformal sets: splits that nothing but the ids decides, and the promise that they keep."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.metrics.confidence.conformal import ConformalPlan, calibrating, coverage, thresholds

PLAN = ConformalPlan()
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def ids(n: int) -> list[str]:
    return [f"{i:05d}" for i in range(n)]


def drawn(seed: int, n: int, k: int = 5, skill: float = 1.5) -> tuple[Labels, Floats]:
    """Labels, and a model's probabilities."""
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    weights = np.exp(rng.normal(size=(n, k)) + skill * np.eye(k)[y])
    return y, weights / weights.sum(axis=1, keepdims=True)


def of_label(y: Labels, p: Floats) -> Floats:
    return p[np.arange(len(y)), y]


def test_halves_depend_on_seed_dataset_and_ids_alone() -> None:
    """The order of rows does not move an image; another seed or dataset does; more splits only add."""
    names = ids(101)
    halves = calibrating("pbc", names, PLAN)
    assert halves.shape == (100, 101)
    assert (halves.sum(axis=1) == 50).all()
    order = np.random.default_rng(0).permutation(101)
    shuffled = calibrating("pbc", [names[i] for i in order], PLAN)
    np.testing.assert_array_equal(shuffled, halves[:, order])
    np.testing.assert_array_equal(calibrating("pbc", names, ConformalPlan(splits=7)), halves[:7])
    for other in (calibrating("oct", names, PLAN), calibrating("pbc", names, ConformalPlan(seed=1))):
        assert (other != halves).mean() > 0.4


def test_halves_are_as_random_as_they_should_be() -> None:
    """Every image calibrates in about half of the splits, and every pair together in about a quarter."""
    halves = calibrating("pbc", ids(200), ConformalPlan(splits=2000)).astype(float)
    assert np.abs(halves.mean(axis=0) - 0.5).max() < 0.05
    together = halves.T @ halves / 2000
    assert np.abs(together[~np.eye(200, dtype=bool)] - 0.25).max() < 0.06


def test_a_group_is_on_one_side() -> None:
    """Half of the groups calibrate; their running numbers do not matter."""
    names = ids(60)
    groups = {name: index // 4 for index, name in enumerate(names)}
    halves = calibrating("pbc", names, PLAN, groups)
    assert (halves.reshape(100, 15, 4).any(axis=2) == halves.reshape(100, 15, 4).all(axis=2)).all()
    assert (halves.sum(axis=1) == 28).all()
    renumbered = {name: 100 - group for name, group in groups.items()}
    np.testing.assert_array_equal(calibrating("pbc", names, PLAN, renumbered), halves)


@pytest.mark.parametrize(
    ("n", "rank"), [(9, 9), (10, 10), (19, 18), (29, 27), (69, 63), (99, 90), (100, 91), (189, 171)]
)
def test_the_quantile_is_that_of_finite_samples(n: int, rank: int) -> None:
    """⌈(n + 1) · 0.9⌉, without the rounding of 0.9; from nine images on there is one."""
    assert PLAN.rank(np.array([n])).tolist() == [rank]
    assert PLAN.fewest == 9
    scores = np.random.default_rng(n).permutation(np.arange(1.0, n + 3))
    calibrates = (np.arange(n + 2) < n)[None, :]
    assert thresholds(scores, calibrates, PLAN).tolist() == [np.sort(scores[:n])[::-1][rank - 1]]


@pytest.mark.parametrize("skill", [0.0, 1.5, 5.0])
def test_sets_keep_their_promise_where_images_are_drawn_alike(skill: float) -> None:
    """Over 200 samples of 100 images, whatever the model's skill: 90 % and at most 1/(n+1) above it.

    One sample's coverage varies by what it was calibrated on; the mean of 200 is within four standard
    errors, and half a binomial one is left for the measured images.
    """
    plan = ConformalPlan(splits=20)
    means = []
    for seed in range(200):
        y, p = drawn(seed, 100, skill=skill)
        halves = calibrating("pbc", ids(100), ConformalPlan(splits=20, seed=seed))
        means.append(coverage(y, p, thresholds(of_label(y, p), halves, plan), halves).shares.mean())
    error = np.std(means) / np.sqrt(200)
    assert 0.9 - 4 * error <= np.mean(means) <= 0.9 + 1 / 51 + 4 * error


def test_a_model_that_loses_its_skill_loses_coverage() -> None:
    """It stays as sure as it was: sets calibrated on clean images hold fewer labels."""
    y, clean = drawn(0, 400, skill=4.0)
    corrupted = np.roll(clean, 1, axis=0)  # the right probabilities, of other images
    halves = calibrating("pbc", ids(400), PLAN)
    least = thresholds(of_label(y, clean), halves, PLAN)
    kept, lost = coverage(y, clean, least, halves), coverage(y, corrupted, least, halves)
    assert kept.shares.mean() == pytest.approx(0.9, abs=0.03)
    assert lost.shares.mean() < 0.5
    assert lost.sizes.mean() == pytest.approx(kept.sizes.mean(), abs=0.02)


def test_a_perfect_model_has_sets_of_one_and_a_constant_one_of_all() -> None:
    """Both cover everything; only the size tells them apart."""
    y, _ = drawn(0, 80, k=4)
    halves = calibrating("pbc", ids(80), PLAN)
    for p, size in ((np.eye(4)[y], 1.0), (np.full((80, 4), 0.25), 4.0)):
        found = coverage(y, p, thresholds(of_label(y, p), halves, PLAN), halves)
        assert (found.shares == 1).all()
        assert (found.sizes == size).all()


def test_rows_and_classes_in_another_order_change_nothing() -> None:
    y, p = drawn(3, 90)
    names, order, classes = ids(90), np.random.default_rng(0).permutation(90), np.array([3, 1, 0, 4, 2])
    halves = calibrating("pbc", names, PLAN)
    plain = coverage(y, p, thresholds(of_label(y, p), halves, PLAN), halves)
    y2, p2 = np.argsort(classes)[y][order], p[order][:, classes]
    halves2 = calibrating("pbc", [names[i] for i in order], PLAN)
    turned = coverage(y2, p2, thresholds(of_label(y2, p2), halves2, PLAN), halves2)
    np.testing.assert_array_equal(turned.shares, plain.shares)
    np.testing.assert_array_equal(turned.sizes, plain.sizes)


@pytest.mark.parametrize("change", [{"level": 0.4}, {"level": 1.0}, {"splits": 1}])
def test_what_is_no_plan_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ConformalPlan(**change)


class Answering:
    """A fitted classifier, as MAPIE takes it, whose images are their own probabilities."""

    def __init__(self, k: int) -> None:
        self.classes_ = np.arange(k)

    def fit(self, images: Floats, labels: Labels) -> Answering:
        return self

    def predict_proba(self, images: Floats) -> Floats:
        return images

    def predict(self, images: Floats) -> Labels:
        return np.asarray(images.argmax(axis=1))

    def __sklearn_is_fitted__(self) -> bool:
        return True


@pytest.mark.filterwarnings("ignore")
def test_mapie_makes_the_same_sets() -> None:
    """Its split conformal classifier with the LAC score, on five of our splits: coverage and mean size."""
    mapie: Any = pytest.importorskip("mapie.classification", reason="needs tests/oracles.txt")
    from sklearn.base import BaseEstimator, ClassifierMixin

    estimator = type("Estimator", (Answering, ClassifierMixin, BaseEstimator), {})
    y, p = drawn(5, 240)
    _, corrupted = drawn(5, 240, skill=0.5)
    halves = calibrating("pbc", ids(240), ConformalPlan(splits=5))
    least = thresholds(of_label(y, p), halves, PLAN)
    for cell in (p, corrupted):
        ours = coverage(y, cell, least, halves)
        for split, chosen in enumerate(halves):
            theirs = mapie.SplitConformalClassifier(
                estimator(5), confidence_level=0.9, conformity_score="lac", prefit=True
            )
            theirs.conformalize(p[chosen], y[chosen])
            sets = theirs.predict_set(cell[~chosen])[1][:, :, 0]
            measured = y[~chosen]
            assert ours.shares[split] == sets[np.arange(len(measured)), measured].mean()
            assert ours.sizes[split] == pytest.approx(sets.sum(axis=1).mean())
