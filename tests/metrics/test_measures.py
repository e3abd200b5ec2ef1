"""Balanced accuracy and AUROC of cells on resamples, and corruption errors by them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.measures.answers import AnswerTable, answer_table
from medimeta_c.metrics.measures.robustness import (
    MeasureBootstrap,
    measure_bootstrap,
    measure_differences,
    measure_estimates,
)
from medimeta_c.metrics.measures.samples import MEASURES, measure_cells, measure_samples
from medimeta_c.metrics.registry import METRICS, Answers
from medimeta_c.metrics.resampling import Resampling, image_weights, resampled_accuracies
from medimeta_c.metrics.scores import NO_ANSWER, checked_answers

PLAN = Resampling(resamples=200)
SCOPE = Scope(corruptions={"oct": ("contrast", "pixelate"), "pbc": ("contrast",)}, severities=(1, 2))
ONE = Scope(corruptions={"oct": ("contrast", "pixelate")}, severities=(1, 2))
ALL = tuple(MEASURES)
Floats = NDArray[np.float64]
Cells = dict[SetKey, tuple[list[str], Answers]]


def labels_of(dataset: str, n: int, k: int = 3) -> NDArray[np.int64]:
    """The same for every model; classes differ in size."""
    return np.random.default_rng(len(dataset)).choice(k, size=n, p=[0.6, 0.3, 0.1]).astype(np.int64)


def cells_of(dataset: str, *, seed: int = 0, skill: float = 1.5, n: int = 60) -> Cells:
    """A model's answers, worse as severity grows; some scores are equal."""
    y = labels_of(dataset, n)
    ids = [f"{i:04d}" for i in range(n)]
    found: Cells = {}
    for place, key in enumerate(key for key in SCOPE.cells() if key.dataset == dataset):
        rng = np.random.default_rng((seed, place))
        weights = np.exp(rng.normal(size=(n, 3)) + skill * (1 - 0.3 * key.severity) * np.eye(3)[y])
        p = np.round(weights / weights.sum(axis=1, keepdims=True), 1) + 1e-3
        found[key] = (ids, checked_answers(p / p.sum(axis=1, keepdims=True), y))
    return found


def tables_of(**options: float) -> dict[str, AnswerTable]:
    return {name: answer_table(cells_of(name, **options)) for name in SCOPE.datasets}  # type: ignore[arg-type]


def rows(answers: Answers, order: NDArray[np.int64]) -> Answers:
    """The answers to these images, some of them maybe twice."""
    assert answers.probabilities is not None
    return Answers(
        labels=answers.labels[order],
        predictions=answers.predictions[order],
        probabilities=answers.probabilities[order],
        class_names=answers.class_names,
    )


@pytest.mark.parametrize("measure", ALL)
def test_on_the_images_themselves_a_measure_is_the_registered_metric(measure: str) -> None:
    """The one of scikit-learn, or computed by hand elsewhere."""
    pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")
    cells = cells_of("oct")
    for key, found in measure_cells(answer_table(cells), measure).items():
        assert found.value == pytest.approx(METRICS[measure](cells[key][1]).value, abs=1e-12)


@pytest.mark.parametrize("measure", ALL)
def test_on_a_resample_a_measure_is_that_of_the_images_drawn(measure: str) -> None:
    """An image drawn twice counts as two images; a resample without a class has no AUROC."""
    pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")
    cells = cells_of("oct", n=25)
    table = answer_table(cells)
    weights = np.concatenate(list(image_weights(table.correctness, PLAN)))
    samples = measure_samples(table, [weights[:150], weights[150:]], [measure])[measure]
    undefined = 0
    for key in list(samples)[::2]:
        for r in range(0, 200, 8):
            drawn = rows(cells[key][1], np.repeat(np.arange(25), weights[r]))
            expected = METRICS[measure](drawn).value
            undefined += expected is None
            assert samples[key][r] == pytest.approx(np.nan if expected is None else expected, nan_ok=True)
    assert (undefined > 0) == (measure == "macro_auroc")


def test_the_resamples_are_those_of_top1_accuracy() -> None:
    """The same images are drawn, so the numbers are of the same resamples."""
    table = answer_table(cells_of("oct"))
    weights = np.concatenate(list(image_weights(table.correctness, PLAN)))
    (accuracies,) = resampled_accuracies([table.correctness], PLAN)
    np.testing.assert_allclose(weights @ table.correctness.correct / 60, accuracies)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_rows_in_another_order_give_the_same_samples(seed: int) -> None:
    """To the last bit, also where every cell has an order of its own."""
    cells = cells_of("oct")
    rng = np.random.default_rng(seed)
    shuffled: Cells = {}
    for key, (ids, answers) in reversed(cells.items()):
        order = rng.permutation(len(ids))
        shuffled[key] = ([ids[i] for i in order], rows(answers, order))
    one, other = (answer_table(each) for each in (cells, shuffled))
    weights = list(image_weights(one.correctness, Resampling(resamples=100)))
    for measure, samples in measure_samples(one, weights).items():
        for key, numbers in measure_samples(other, weights)[measure].items():
            np.testing.assert_array_equal(numbers, samples[key])


def test_classes_in_another_order_give_the_same_samples() -> None:
    cells = cells_of("oct")
    order = np.array([2, 0, 1])
    turned = {
        key: (
            ids,
            checked_answers(
                a.probabilities[:, order],
                np.argsort(order)[a.labels],
                predictions=np.argsort(order)[a.predictions],
            ),
        )
        for key, (ids, a) in cells.items()
        if a.probabilities is not None
    }
    one, other = answer_table(cells), answer_table(turned)
    weights = list(image_weights(one.correctness, PLAN))
    for measure, samples in measure_samples(one, weights).items():
        for key, numbers in measure_samples(other, weights)[measure].items():
            np.testing.assert_allclose(numbers, samples[key], atol=1e-14)


@pytest.mark.parametrize(("p", "balanced", "auroc"), [("perfect", 1, 1), ("constant", 1 / 3, 0.5)])
def test_a_perfect_and_a_constant_model(p: str, balanced: float, auroc: float) -> None:
    """They have the same number on every resample, and so no interval."""
    y = np.arange(60) % 3
    answers = checked_answers(np.eye(3)[y] if p == "perfect" else np.tile([0.5, 0.3, 0.2], (60, 1)), y)
    keys = [key for key in SCOPE.cells() if key.dataset == "oct"]
    table = answer_table({key: ([f"{i:02d}" for i in range(60)], answers) for key in keys})
    for measure, expected in (("balanced_accuracy", balanced), ("macro_auroc", auroc)):
        found = measure_estimates(measure_bootstrap(measure, {"oct": table}, {}, ONE, PLAN))
        number = found.overall.average_accuracy
        assert number.value == pytest.approx(expected)
        assert (number.low, number.interval_reason) == (None, "the measure is the same on every resample")


def test_one_class_only() -> None:
    """Balanced accuracy is the recall of the class; AUROC has no value, and names the classes absent."""
    cells = {
        key: (
            ids,
            checked_answers(answers.probabilities, np.zeros(60, dtype=np.int64), class_names=("a", "b", "c")),
        )
        for key, (ids, answers) in cells_of("oct").items()
    }
    table = answer_table(cells)
    recall = measure_cells(table, "balanced_accuracy")
    assert {key: number.value for key, number in recall.items()} == {
        key: pytest.approx(np.mean(answers.predictions == 0)) for key, (_, answers) in cells.items()
    }
    reason = "no image has class b, c, so its one-vs-rest AUROC does not exist"
    assert {number.reason for number in measure_cells(table, "macro_auroc").values()} == {reason}
    found = measure_estimates(measure_bootstrap("macro_auroc", {"oct": table}, {"oct": table}, SCOPE, PLAN))
    assert found.datasets["oct"].mce.reason == reason


def test_answers_in_words_have_balanced_accuracy_alone() -> None:
    """No answer is wrong; of a baseline that answered in words the ratios say so."""
    y = labels_of("oct", 60)
    said = np.where(np.arange(60) % 5, y, NO_ANSWER)
    answers = checked_answers(None, y, predictions=said, class_names=("a", "b", "c"))
    keys = [key for key in SCOPE.cells() if key.dataset == "oct"]
    words = answer_table({key: ([f"{i:04d}" for i in range(60)], answers) for key in keys})
    balanced = measure_cells(words, "balanced_accuracy")[keys[0]].value
    assert balanced == pytest.approx(METRICS["balanced_accuracy"](answers).value)
    drawn = measure_bootstrap("macro_auroc", {"oct": words}, {}, SCOPE, PLAN).point.datasets["oct"]
    assert drawn.clean_accuracy.reason == "the model answered in words, without probabilities"
    own = {"oct": answer_table(cells_of("oct"))}
    point = measure_bootstrap("macro_auroc", own, {"oct": words}, SCOPE, PLAN).point.datasets["oct"]
    assert point.clean_accuracy.value is not None
    assert point.mce.reason == "the baseline: the model answered in words, without probabilities"


@pytest.mark.parametrize("measure", ALL)
def test_corruption_errors_by_hand(measure: str) -> None:
    """Per corruption the sum of errors over that of the baseline, then the mean, then over datasets."""
    own, theirs = tables_of(), tables_of(seed=9, skill=0.7)
    values, divisors = (
        {
            key: number.value or 0
            for table in each.values()
            for key, number in measure_cells(table, measure).items()
        }
        for each in (own, theirs)
    )

    def ce(dataset: str, corruption: str) -> float:
        keys = [key for key in values if (key.dataset, key.corruption) == (dataset, corruption)]
        return sum(1 - values[key] for key in keys) / sum(1 - divisors[key] for key in keys)

    means = [np.mean([ce(dataset, c) for c in names]) for dataset, names in SCOPE.corruptions.items()]
    point = measure_bootstrap(measure, own, theirs, SCOPE, PLAN).point
    assert point.overall.mce.value == pytest.approx(np.mean(means))
    assert point.datasets["oct"].mce.value == pytest.approx(means[0])
    assert point.datasets["pbc"].clean_accuracy.value == values[SetKey("pbc", "test", "clean", 0)]


@pytest.mark.parametrize("measure", ALL)
def test_pairs(measure: str) -> None:
    """A model paired with itself is at 1 on every resample; a difference mirrors, and ties with itself."""
    base = tables_of(seed=9, skill=0.7, n=120)
    strong, weak = tables_of(seed=1, skill=3.0, n=120), tables_of(seed=2, skill=0.2, n=120)

    def drawn(tables: Mapping[str, AnswerTable]) -> MeasureBootstrap:
        return measure_bootstrap(measure, tables, base, SCOPE, PLAN)

    itself = measure_estimates(drawn(base)).overall.mce
    assert (itself.low, itself.high) == (1, 1)
    found = measure_differences(drawn(strong), drawn(weak)).overall.mce
    mirrored = measure_differences(drawn(weak), drawn(strong)).overall.mce
    assert found.value is not None and found.high is not None
    assert found.value < found.high < 0
    assert found.tie is False
    assert mirrored.low == pytest.approx(-found.high)
    assert measure_differences(drawn(weak), drawn(weak)).overall.mce.tie is True


def population(seed: int, skill: float, size: int) -> Cells:
    """A model's answers to many images; what is hard is so in every cell, for every model."""
    y = np.random.default_rng(0).choice(3, size=size, p=[0.5, 0.3, 0.2]).astype(np.int64)
    shared = np.random.default_rng(1).normal(size=(size, 3))
    found: Cells = {}
    for place, key in enumerate(ONE.cells()):
        own = np.random.default_rng((seed, place)).normal(size=(size, 3))
        weights = np.exp(shared + 0.7 * own + skill * (1 - 0.2 * key.severity) * np.eye(3)[y])
        p = weights / weights.sum(axis=1, keepdims=True)
        found[key] = ([f"{i:05d}" for i in range(size)], checked_answers(p, y))
    return found


@pytest.mark.parametrize("measure", ALL)
def test_intervals_cover_the_truth_about_as_often_as_they_claim(measure: str) -> None:
    """In 100 samples of 156 images, nominal 95 %; below 87 is three standard errors and a point away."""
    model, other, reference = (
        population(seed, skill, 3000) for seed, skill in ((1, 1.5), (2, 1.2), (3, 1.0))
    )

    def drawn(cells: Cells, order: NDArray[np.int64], seed: int) -> MeasureBootstrap:
        def part(each: Cells) -> dict[str, AnswerTable]:
            ids = [f"{i:05d}" for i in range(len(order))]
            return {"oct": answer_table({key: (ids, rows(a, order)) for key, (_, a) in each.items()})}

        plan = Resampling(resamples=150, seed=seed)
        return measure_bootstrap(measure, part(cells), part(reference), ONE, plan)

    truth, second = (drawn(cells, np.arange(3000), 0).point.overall for cells in (model, other))
    gap = (truth.mce.value or 0) - (second.mce.value or 0)
    rng = np.random.default_rng(0)
    hits: dict[str, list[bool | None]] = {}
    for seed in range(100):
        order = rng.integers(3000, size=156)
        one, two = drawn(model, order, seed), drawn(other, order, seed)
        found = measure_estimates(one).overall
        for name in ("clean_accuracy", "average_accuracy", "mce"):
            hits.setdefault(name, []).append(getattr(found, name).contains(getattr(truth, name).value))
        hits.setdefault("difference", []).append(measure_differences(one, two).overall.mce.contains(gap))
    for name, inside in hits.items():
        assert None not in inside
        assert np.mean(np.array(inside, dtype=float)) >= 0.87, name


def test_a_missing_cell_leaves_undefined_what_depends_on_it() -> None:
    """An invalid cell is left out of a table: mCE names it, the other corruption has its CE."""
    cells = cells_of("oct")
    lost = SetKey("oct", "test", "contrast", 2)
    del cells[lost]
    base = {"oct": answer_table(cells_of("oct", seed=3))}
    drawn = measure_bootstrap("balanced_accuracy", {"oct": answer_table(cells)}, base, SCOPE, PLAN)
    summary = measure_estimates(drawn).datasets["oct"]
    assert summary.mce.value is None
    assert str(lost) in str(summary.mce.reason)
    assert summary.ce["pixelate"].low is not None


@pytest.mark.parametrize("fault", ["other labels", "other images", "only some probabilities", "other split"])
def test_what_cannot_be_aligned_is_refused(fault: str) -> None:
    cells = cells_of("oct")
    key = SetKey("oct", "test", "pixelate", 2)
    ids, answers = cells.pop(key)
    if fault == "other labels":
        cells[key] = (ids, checked_answers(answers.probabilities, (answers.labels + 1) % 3))
    elif fault == "other images":
        cells[key] = ([f"x{name}" for name in ids], answers)
    elif fault == "only some probabilities":
        words = checked_answers(None, answers.labels, predictions=answers.labels, class_names=("a", "b", "c"))
        cells[key] = (ids, words)
    else:
        cells[SetKey("oct", "val", "pixelate", 2)] = (ids, answers)
    with pytest.raises(ConfigError, match="oct"):
        answer_table(cells)


def test_unlike_terms_are_refused() -> None:
    """An unknown measure, a baseline of other images, a difference of other terms."""
    own = tables_of()
    with pytest.raises(ConfigError, match=r"unknown measure 'auroc'.*known: balanced_accuracy, macro_auroc"):
        measure_bootstrap("auroc", own, own, SCOPE, PLAN)
    with pytest.raises(ConfigError, match="same images of oct"):
        measure_bootstrap("macro_auroc", own, tables_of(n=50), SCOPE, PLAN)
    drawn = [measure_bootstrap(measure, own, own, SCOPE, PLAN) for measure in ALL]
    with pytest.raises(ConfigError, match="differ in measure"):
        measure_differences(*drawn)
