"""Ranks: three nested resamplings, Holm's correction, tests of paired differences, Borda counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.intervals import Bootstrap, bootstrap
from medimeta_c.metrics.ranks.borda import borda
from medimeta_c.metrics.ranks.nested import NestedSamples, RankedBy, nested_ranks, nested_samples
from medimeta_c.metrics.ranks.ties import holm, paired_tests
from medimeta_c.metrics.resampling import Resampling

CORRUPTIONS = ("contrast", "pixelate", "zoom_blur")
SCOPE = Scope(corruptions={"fundus": CORRUPTIONS, "oct": CORRUPTIONS}, severities=(1, 2))
PLAN = Resampling(resamples=200)


def drawn(skill: dict[str, float], seed: int = 0, images: int = 150, scope: Scope = SCOPE) -> Bootstrap:
    """A model that is right as often as its skill in a dataset or under a corruption says, on average 0.6."""
    tables: dict[str, CorrectnessTable] = {}
    weak: dict[str, CorrectnessTable] = {}
    for index, dataset in enumerate(scope.datasets):
        keys = tuple(sorted(key for key in scope.cells() if key.dataset == dataset))
        p = np.array([0.6 + skill.get(dataset, 0) + skill.get(key.corruption, 0) for key in keys])
        hard = np.random.default_rng(index).random(images)[:, None]
        own = np.random.default_rng((seed, index)).random((images, len(keys)))
        ids = tuple(f"{i:04d}" for i in range(images))
        for found, threshold in ((tables, p), (weak, np.full(len(keys), 0.3))):
            found[dataset] = CorrectnessTable(
                dataset=dataset,
                split="test",
                image_ids=ids,
                keys=keys,
                correct=0.5 * hard + 0.5 * own < threshold,
            )
    return bootstrap(tables, weak, scope, PLAN)


@pytest.mark.parametrize(
    ("p", "expected"),
    [  # statsmodels.stats.multitest.multipletests(p, method="holm"), statsmodels 0.15.0
        ([0.01, 0.04, 0.03, 0.005, 0.2], [0.04, 0.09, 0.09, 0.025, 0.2]),
        ([0.5, 0.5, 0.001, 0.0004, 0.02, 0.02, 0.9], [1.0, 1.0, 0.006, 0.0028, 0.1, 0.1, 1.0]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holm_is_that_of_statsmodels(p: list[float], expected: list[float]) -> None:
    """In any order, with equal p-values, and with so many that products exceed 1."""
    assert holm(p) == pytest.approx(expected, abs=1e-15)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_raises_p_and_keeps_the_order(p: list[float]) -> None:
    """No test becomes surer by being one of several, and none overtakes another."""
    adjusted = holm(p)
    assert all(0 <= one <= each <= 1 for one, each in zip(p, adjusted, strict=True))
    assert [adjusted[i] for i in np.argsort(p, kind="stable")] == sorted(adjusted)


def test_tests_are_with_the_leader_and_between_neighbours() -> None:
    """Each pair once; p is the normal one of the difference by its standard error."""
    rng = np.random.default_rng(0)
    points = {"a": 0.1, "b": 0.15, "c": 0.4, "d": 0.41}
    samples = {name: point + 0.02 * rng.normal(size=500) for name, point in points.items()}
    found = paired_tests(tuple(points), points, samples)
    assert [(one.first + one.second) for one in found] == ["ab", "ac", "ad", "bc", "cd"]
    for one in found:
        error = np.std(samples[one.first] - samples[one.second], ddof=1)
        assert one.standard_error == pytest.approx(error)
        assert one.p == pytest.approx(2 * norm.sf(abs(points[one.first] - points[one.second]) / error))
    assert [one.adjusted for one in found] == pytest.approx(holm([one.p or 0.0 for one in found]))
    assert [one.tie(0.95) for one in found] == [True, False, False, False, True]


def test_without_variation_there_is_no_test() -> None:
    """Equal on every resample is a tie; the same difference on every resample is named, and not tested."""
    shared = np.random.default_rng(0).normal(size=100)
    samples = {"a": shared, "same": shared, "shifted": shared + 0.1, "unknown": np.full(100, np.nan)}
    points = {"a": 0.0, "same": 0.0, "shifted": 0.1, "unknown": 0.2}
    first, second, third, *_ = paired_tests(tuple(samples), points, samples)
    assert (first.p, first.standard_error, first.tie(0.95)) == (1.0, 0.0, True)
    assert (second.p, second.tie(0.95)) == (None, None)
    assert second.reason == "the difference is the same on every resample"
    assert third.reason == "the difference is undefined on some resamples"
    assert paired_tests(("a",), points, samples) == ()
    assert paired_tests((), points, samples) == ()


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 999))
def test_borda_is_the_sum_of_ranks(models: int, cells: int, seed: int) -> None:
    """Models minus rank in each cell, added up; tied models share, and all points are given out."""
    table = np.random.default_rng(seed).integers(4, size=(models, cells)) / 3
    errors = {f"m{m}": dict(enumerate(row)) for m, row in enumerate(table.tolist())}
    expected = (models - rankdata(table, axis=0)).sum(axis=1)
    found = borda(errors)
    assert list(found.values()) == pytest.approx(expected.tolist())
    assert sum(found.values()) == pytest.approx(cells * models * (models - 1) / 2)


@pytest.mark.parametrize("ranked_by", ["mce", "average_accuracy"])
def test_each_level_is_recomputed_with_loops(ranked_by: RankedBy) -> None:
    """Draws of datasets and corruptions, found out by their weights, give the number of every resample."""
    one = drawn({})
    samples = nested_samples(one, ranked_by)
    np.testing.assert_array_equal(samples.images, one.samples["", ranked_by, ""])
    parts = {dataset: one.samples[dataset, ranked_by, ""] for dataset in SCOPE.datasets}
    assert samples.datasets is not None
    for resample in range(PLAN.resamples):
        a, b = (parts[dataset][resample] for dataset in SCOPE.datasets)
        assert np.isclose(samples.datasets[resample], [a, b, (a + b) / 2]).any()
    assert samples.corruptions is not None
    assert np.std(samples.corruptions) > np.std(samples.images)


def test_a_rank_is_less_certain_the_more_is_drawn_again() -> None:
    """Best by one dataset, last but for one corruption: sure for these, open for others like them."""
    models = {
        "even": drawn({}, 1),
        "one dataset": drawn({"fundus": 0.4, "oct": -0.05}, 2),
        "one corruption": drawn({"contrast": 0.4, "pixelate": -0.2, "zoom_blur": -0.2}, 3),
    }
    found = nested_ranks(
        {name: nested_samples(each, "average_accuracy") for name, each in models.items()},
        lower_is_better=False,
    )
    assert found["one dataset"].images == (1, 1)
    assert found["one dataset"].datasets == (1, 2)
    assert found["one corruption"].images == found["one corruption"].datasets == (3, 3)
    assert found["one corruption"].corruptions == (1, 3)
    for each in found.values():
        assert each.images is not None
        assert each.datasets is not None
        assert np.ptp(each.images) <= np.ptp(each.datasets)


def test_rank_intervals_are_percentiles_of_ranks() -> None:
    """Of the best and the worst rank that equal numbers share, against scipy's on every resample."""
    rng = np.random.default_rng(0)
    numbers: dict[str, NDArray[np.float64]] = {
        name: np.round(point + 0.1 * rng.normal(size=400), 1)
        for name, point in zip("abc", (0, 0.1, 0.5), strict=True)
    }
    found = nested_ranks(
        {name: NestedSamples(images=each, datasets=None, corruptions=None) for name, each in numbers.items()},
        lower_is_better=True,
    )
    table = np.stack(list(numbers.values()))
    best, worst = (np.sort(rankdata(table, method=how, axis=0), axis=1) for how in ("min", "max"))
    for index, name in enumerate(numbers):
        expected = (int(best[index, 9]), int(worst[index, math.ceil(0.975 * 400) - 1]))
        assert found[name].images == expected
        assert (found[name].datasets, found[name].corruptions) == (None, None)


def test_models_without_a_number_take_nobodys_rank() -> None:
    """Undefined on a resample, a model has no rank interval, and the others are ranked among themselves."""
    nothing = NestedSamples(images=np.full(200, np.nan), datasets=None, corruptions=None)
    samples = {"a": nested_samples(drawn({}), "mce"), "unknown": nothing}
    found = nested_ranks(samples, lower_is_better=True)
    assert (found["a"].images, found["unknown"].images) == ((1, 1), None)


def test_one_dataset_or_one_corruption_is_not_drawn_again() -> None:
    """A level of which there is a single one says nothing of others; the next level is still stated."""
    one = Scope(corruptions={"oct": CORRUPTIONS}, severities=(1,))
    single = Scope(corruptions={"oct": ("contrast",)}, severities=(1,))
    whole, least = (nested_samples(drawn({}, scope=scope), "mce") for scope in (one, single))
    assert whole.datasets is None
    assert whole.corruptions is not None
    assert (least.datasets, least.corruptions) == (None, None)
