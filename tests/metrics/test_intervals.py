"""Bootstrap intervals: coverage, pairing, reproducibility, and where there is no interval."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.suites import CORE
from medimeta_c.metrics import resampling
from medimeta_c.metrics.correctness import CorrectnessTable, correctness_tables
from medimeta_c.metrics.grid import ErrorGrid, Scope, error_grids
from medimeta_c.metrics.intervals import bootstrap, cell_estimates, difference, summary_estimates
from medimeta_c.metrics.resampling import Resampling, resampled_accuracies
from medimeta_c.metrics.robustness import summarise

SCOPE = Scope(
    corruptions={"fundus": ("contrast", "pixelate"), "oct": ("contrast", "pixelate")}, severities=(1, 2)
)
PLAN = Resampling(resamples=200)
Tables = dict[str, CorrectnessTable]


def population(seed: int, skill: float, size: int = 4000) -> Tables:
    """A model's answers to many images of two datasets; what is hard is so in every set, for every model."""
    tables: Tables = {}
    for index, dataset in enumerate(SCOPE.datasets):
        hardness = np.random.default_rng(index).normal(size=size)
        noise = np.random.default_rng((seed, index))
        keys = tuple(sorted(key for key in SCOPE.cells() if key.dataset == dataset))
        loss = np.array([0.2 * key.severity for key in keys])
        correct = skill - loss > hardness[:, None] + 0.5 * noise.normal(size=(size, len(keys)))
        tables[dataset] = CorrectnessTable(
            dataset=dataset,
            split="test",
            image_ids=tuple(f"{i:05d}" for i in range(size)),
            keys=keys,
            correct=correct,
        )
    return tables


def draw(tables: Tables, rows: NDArray[np.int64]) -> Tables:
    """The answers to a sample of the images."""
    ids = tuple(f"{i:05d}" for i in range(len(rows)))
    return {
        name: CorrectnessTable(
            dataset=name, split="test", image_ids=ids, keys=t.keys, correct=t.correct[rows]
        )
        for name, t in tables.items()
    }


def grids_of(tables: Tables) -> dict[str, ErrorGrid]:
    """Error rates of a model's tables."""
    return error_grids({key: error for table in tables.values() for key, error in table.errors().items()})


def sample(skill: float, seed: int = 1, n: int = 150) -> Tables:
    """One model's answers to the first `n` images."""
    return draw(population(seed, skill), np.arange(n))


def test_intervals_cover_the_truth_as_often_as_they_claim() -> None:
    """In 200 samples of 156 images, 95 % intervals hold the population's number about 95 % of the time.

    What is hard is so in every set and for both models: intervals that resampled the sets apart, or the
    two models apart, would miss. The band is three standard errors of 200 samples, and a point below
    for the bootstrap at 156 images.
    """
    model, other, reference = population(1, 0.6), population(2, 0.4), population(3, 0.3)
    truth = summarise(grids_of(model), grids_of(reference), SCOPE).overall
    gap = summarise(grids_of(other), grids_of(reference), SCOPE).overall
    rng = np.random.default_rng(0)
    hits: dict[str, list[bool | None]] = {}
    for seed in range(200):
        rows = rng.integers(4000, size=156)
        baseline = draw(reference, rows)
        plan = Resampling(resamples=200, seed=seed)
        drawn = bootstrap(draw(model, rows), baseline, SCOPE, plan)
        second = bootstrap(draw(other, rows), baseline, SCOPE, plan)
        intervals = summary_estimates(drawn).overall
        for name in ("clean_accuracy", "average_accuracy", "clean_error", "mce"):
            hits.setdefault(name, []).append(getattr(intervals, name).contains(getattr(truth, name).value))
        hits.setdefault("ce", []).append(intervals.ce["contrast"].contains(truth.ce["contrast"].value or 0))
        between = difference(drawn, second).overall.mce
        hits.setdefault("difference", []).append(
            between.contains((truth.mce.value or 0) - (gap.mce.value or 0))
        )
        for key, interval in cell_estimates(drawn).items():
            accuracy = 1 - model[key.dataset].errors()[key]
            hits.setdefault("cell", []).append(interval.contains(accuracy))
    for name, inside in hits.items():
        assert None not in inside
        assert 0.89 <= np.mean(np.array(inside, dtype=float)) <= 0.99, name


def test_a_large_samples_interval_is_the_normal_one() -> None:
    """Independent images: the interval of an accuracy is the textbook's, p ± 1.96 √(p(1-p)/N)."""
    n = 4000
    correct = np.random.default_rng(0).random(n) < 0.7
    key = SetKey("oct", "test", "clean", 0)
    tables = correctness_tables({key: ([str(i) for i in range(n)], correct)})
    scope = Scope(corruptions={"oct": ("contrast",)}, severities=(1,))
    interval = cell_estimates(bootstrap(tables, {}, scope, Resampling(resamples=4000)))[key]
    p = correct.mean()
    half = 1.96 * np.sqrt(p * (1 - p) / n)
    assert (interval.low, interval.high) == pytest.approx((p - half, p + half), abs=0.1 * half)


def test_a_baseline_paired_with_itself_is_certainly_at_one() -> None:
    """Resampled together, every ratio is 1 on every resample; against constants it is not."""
    tables = sample(0.5)
    paired = summary_estimates(bootstrap(tables, tables, SCOPE, PLAN)).overall
    assert (paired.mce.low, paired.mce.high) == pytest.approx((1, 1))
    fixed = summary_estimates(bootstrap(tables, grids_of(tables), SCOPE, PLAN)).overall
    assert fixed.mce.low is not None and fixed.mce.high is not None
    assert fixed.mce.low < 0.95
    assert fixed.mce.high > 1.05


def test_pairing_narrows_a_difference() -> None:
    """Images hard for both models cancel: the paired interval is narrower than the two models' own."""
    drawn = [bootstrap(sample(0.5, seed), grids_of(sample(0.3, 9)), SCOPE, PLAN) for seed in (1, 2)]
    own = [summary_estimates(each).overall.mce for each in drawn]
    between = difference(*drawn).overall.mce
    widths = [(i.high or 0) - (i.low or 0) for i in (*own, between)]
    assert widths[2] < 0.8 * np.hypot(widths[0], widths[1])


def test_equal_models_tie_and_unequal_ones_do_not() -> None:
    """A tie is an interval that contains 0; the sign says who has the smaller error."""
    baseline = grids_of(sample(0.3, 9))
    strong, same, weak = (
        bootstrap(sample(skill, seed), baseline, SCOPE, PLAN)
        for skill, seed in ((1.0, 1), (1.0, 2), (0.0, 3))
    )
    assert difference(strong, strong).overall.mce.tie is True
    assert difference(strong, same).overall.mce.tie is True
    apart = difference(strong, weak).overall.mce
    assert apart.tie is False
    assert apart.value is not None and apart.value < 0
    mirrored = difference(weak, strong).overall.mce
    assert (mirrored.low, mirrored.high) == pytest.approx((-(apart.high or 0), -(apart.low or 0)))


def test_sums_in_another_order_do_not_undo_a_tie() -> None:
    """Right as often on every image but one, in other cells: the interval ends at 0, not just below it."""
    scope = Scope.of_suite(CORE, ["oct"])
    keys = tuple(sorted(scope.cells()))
    corrupted = [index for index, key in enumerate(keys) if key.severity]
    for n in range(10, 40):
        correct = np.random.default_rng(n).random((n, len(keys))) < 0.6
        turned = correct.copy()
        turned[:, corrupted] = correct[:, corrupted[::-1]]
        turned[0] = True
        one, other = (
            CorrectnessTable(
                dataset="oct",
                split="test",
                image_ids=tuple(f"{i:02d}" for i in range(n)),
                keys=keys,
                correct=each,
            )
            for each in (correct, turned)
        )
        drawn = [bootstrap({"oct": table}, {}, scope, PLAN) for table in (one, other)]
        found = difference(*drawn).overall.average_accuracy
        assert (found.high, found.tie) == (0, True)


def test_the_order_of_rows_and_datasets_changes_nothing() -> None:
    """Shuffled rows and another order of datasets give the same resamples, to the last bit."""
    tables = sample(0.5)
    rng = np.random.default_rng(0)
    cells: dict[SetKey, tuple[list[str], NDArray[np.bool_]]] = {}
    for table in reversed(tables.values()):
        for j, key in enumerate(table.keys):
            order = rng.permutation(len(table.image_ids))
            cells[key] = ([table.image_ids[i] for i in order], table.correct[order, j])
    shuffled = bootstrap(correctness_tables(cells), {}, SCOPE, PLAN)
    straight = bootstrap(tables, {}, SCOPE, PLAN)
    for key, numbers in straight.accuracies.items():
        np.testing.assert_array_equal(shuffled.accuracies[key], numbers)


def test_a_dataset_alone_has_the_intervals_it_has_among_others() -> None:
    """Leaving a dataset out moves no other dataset's interval; another seed does."""
    tables, one = sample(0.5), Scope(corruptions={"oct": SCOPE.corruptions["oct"]}, severities=(1, 2))

    def interval(scope: Scope, seed: int) -> object:
        drawn = bootstrap(tables, {}, scope, Resampling(resamples=200, seed=seed))
        return summary_estimates(drawn).datasets["oct"].average_accuracy

    assert interval(SCOPE, 0) == interval(one, 0) != interval(one, 1)


def test_datasets_are_resampled_apart() -> None:
    """Two datasets of one size do not meet the same resamples."""
    tables = sample(0.5)
    counts = CorrectnessTable(
        dataset="oct",
        split="test",
        image_ids=tables["oct"].image_ids,
        keys=tables["fundus"].keys,
        correct=tables["fundus"].correct,
    )
    (one,), (other,) = (resampled_accuracies([table], PLAN) for table in (tables["fundus"], counts))
    assert abs(np.corrcoef(one[:, 0], other[:, 0])[0, 1]) < 0.3


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by drawing in chunks; the numbers do not know."""
    table = sample(0.5)["oct"]
    (whole,) = resampled_accuracies([table], PLAN)
    monkeypatch.setattr(resampling, "_CHUNK_ELEMENTS", 7 * 150)
    (chunked,) = resampled_accuracies([table], PLAN)
    np.testing.assert_array_equal(chunked, whole)


def test_all_right_or_all_wrong_has_no_interval() -> None:
    """Zero width would claim certainty: the interval is undefined and says why; the number stays."""
    tables = sample(0.5)
    perfect = {
        name: CorrectnessTable(
            dataset=name, split="test", image_ids=t.image_ids, keys=t.keys, correct=np.ones_like(t.correct)
        )
        for name, t in tables.items()
    }
    drawn = bootstrap(perfect, tables, SCOPE, PLAN)
    assert drawn.point.overall.average_accuracy.value == 1
    intervals = summary_estimates(drawn)
    for interval in (
        intervals.overall.mce,
        intervals.datasets["oct"].clean_error,
        *cell_estimates(drawn).values(),
    ):
        assert "right on all images" in str(interval.interval_reason)


def test_a_difference_that_is_the_same_on_every_image_is_no_certainty() -> None:
    """Two images, one model right on both and the other wrong: neither a tie nor a proof."""
    keys = tuple(sorted(SCOPE.cells()))
    right, wrong = (
        bootstrap(
            correctness_tables({key: (["a", "b"], np.full(2, correct)) for key in keys}), {}, SCOPE, PLAN
        )
        for correct in (True, False)
    )
    apart = difference(right, wrong).overall.average_accuracy
    assert apart.value == 1
    assert (apart.low, apart.tie) == (None, None)
    assert "on every image" in str(apart.interval_reason)
    same = difference(right, right).overall.average_accuracy
    assert (same.low, same.high, same.tie) == (0, 0, True)


def test_a_baseline_without_errors_on_a_resample_leaves_no_interval() -> None:
    """A single error of the baseline is missed by a third of the resamples: CE has a value, no interval."""
    tables = sample(0.5)
    rare = {
        name: CorrectnessTable(
            dataset=name,
            split="test",
            image_ids=t.image_ids,
            keys=t.keys,
            correct=np.arange(len(t.image_ids))[:, None] > np.zeros(len(t.keys)),
        )
        for name, t in tables.items()
    }
    drawn = bootstrap(tables, rare, SCOPE, PLAN)
    assert drawn.point.datasets["oct"].mce.value is not None
    assert "nothing to divide by" in str(summary_estimates(drawn).datasets["oct"].mce.interval_reason)


def test_what_has_no_value_has_no_interval() -> None:
    """Missing cells and an unfit baseline carry their reason into the interval and the difference."""
    tables = sample(0.5)
    drawn = bootstrap({"oct": tables["oct"]}, {}, SCOPE, PLAN)
    intervals = summary_estimates(drawn)
    assert "the model has no valid fundus/test/contrast/severity-1" in repr(
        intervals.overall.mce.model_dump()
    )
    assert "the baseline has no oct/test/contrast/severity-1" in repr(
        intervals.datasets["oct"].mce.model_dump()
    )
    assert summary_estimates(drawn).datasets["oct"].average_accuracy.interval_reason is None
    compared = difference(drawn, drawn).datasets["oct"]
    assert compared.mce.tie is None and compared.mce.reason
    assert compared.average_accuracy.tie is True


@pytest.mark.parametrize(
    "compare",
    [
        lambda t, drawn: bootstrap(t, draw(t, np.arange(99)), SCOPE, PLAN),
        lambda t, drawn: difference(drawn, bootstrap(draw(t, np.arange(99)), {}, SCOPE, PLAN)),
        lambda t, drawn: difference(drawn, bootstrap(t, {}, SCOPE, Resampling(resamples=200, seed=1))),
        lambda t, drawn: difference(drawn, bootstrap(t, grids_of(t), SCOPE, PLAN)),
    ],
    ids=["baseline on other images", "models on other images", "other seed", "other baseline"],
)
def test_what_cannot_be_paired_is_refused(compare: Callable[..., object]) -> None:
    """Other images, resamples or baselines make no paired interval."""
    tables = sample(0.5)
    with pytest.raises(ConfigError, match="same"):
        compare(tables, bootstrap(tables, {}, SCOPE, PLAN))


def test_cells_over_different_images_are_refused() -> None:
    """An id in one set only is named: the sets are not renderings of the same images."""
    clean, noisy = SetKey("oct", "test", "clean", 0), SetKey("oct", "test", "contrast", 1)
    right = np.ones(2, dtype=bool)
    with pytest.raises(ConfigError, match=r"2 ids are in one only \(first: 'b'\)"):
        correctness_tables({clean: (["a", "b"], right), noisy: (["a", "c"], right)})


@pytest.mark.parametrize(
    ("ids", "correct", "message"),
    [
        (["a", "a"], [True, False], "duplicate"),
        (["a"], [True, False], "one boolean each"),
        (["a", "b"], [1, 0], "one boolean each"),
        ([], [], "at least one"),
    ],
)
def test_correctness_is_one_boolean_per_distinct_id(
    ids: list[str], correct: list[object], message: str
) -> None:
    """Duplicate ids, other lengths and other types are refused."""
    with pytest.raises(ConfigError, match=message):
        correctness_tables({SetKey("oct", "test", "clean", 0): (ids, correct)})


def test_two_splits_in_one_table_are_refused() -> None:
    """Validation and test images are not resampled together."""
    cells = {SetKey("oct", split, "clean", 0): (["a"], [True]) for split in ("test", "val")}
    with pytest.raises(ConfigError, match="one split at a time"):
        correctness_tables(cells)


@pytest.mark.parametrize(("resamples", "level"), [(99, 0.95), (1000, 0.4), (1000, 1.0), (1000, 95.0)])
def test_a_plan_is_checked(resamples: int, level: float) -> None:
    """Too few resamples and levels in percent are refused."""
    with pytest.raises(ConfigError, match="use"):
        Resampling(resamples=resamples, level=level)


def test_the_largest_test_split_takes_about_a_second() -> None:
    """3,419 images, 36 cells, a paired baseline, 1000 resamples: 0.2 s on an idle core, 3 s allowed."""
    scope = Scope.of_suite(CORE, ["pbc"])
    ids = [f"{i:06d}" for i in range(3419)]
    rng = np.random.default_rng(0)
    model, baseline = (
        correctness_tables({key: (ids, rng.random(3419) < 0.5) for key in scope.cells()}) for _ in range(2)
    )
    start = time.perf_counter()
    summary_estimates(bootstrap(model, baseline, scope))
    assert time.perf_counter() - start < 3
