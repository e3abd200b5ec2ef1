"""Verdicts: what is said of a model is what its numbers allow, whatever the model is like."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.tables.table import UNDEFINED
from medimeta_c.metrics.values import Estimate
from medimeta_c.paper.ablation import _bears
from medimeta_c.reports.headlines import headlines
from medimeta_c.reports.tables import further_tables, main_tables
from medimeta_c.results.ablation import Scored
from medimeta_c.results.assessment.judgement import CASES
from medimeta_c.results.assessment.loss import Assessment, assess
from medimeta_c.results.assessment.verdict import Verdict, verdict
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.views import result_table
from tests.results.constructed_models import (
    SCOPE,
    Probabilities,
    baseline_from,
    labels_of,
    result_of_model,
    right_on,
)

NAN = np.nan


def judged(answer: Probabilities, base: SavedResult, **changes: object) -> tuple[Assessment, Verdict]:
    saved = result_of_model(answer, against=base, **changes)  # type: ignore[arg-type]
    found = assess(saved, baseline_from(base))
    return found, verdict(found)


@pytest.fixture(scope="module")
def base() -> SavedResult:
    """A baseline that knows something, and loses some of it."""
    return result_of_model(right_on(0.8, 0.6, seed=1), spec="python:base:line")


@pytest.fixture(scope="module")
def steady() -> SavedResult:
    """A baseline that knows little more than chance, and loses nothing."""
    return result_of_model(right_on(0.65, 0.645, seed=1), spec="python:base:line")


def one_class(_: SetKey, labels: NDArray[np.int64], __: np.random.Generator) -> NDArray[np.float64]:
    return np.tile([0.7, 0.3], (len(labels), 1))


def nan_at_3(key: SetKey, labels: NDArray[np.int64], _: np.random.Generator) -> NDArray[np.float64]:
    return np.full((len(labels), 2), NAN if key.severity == 3 else 0.5)


def nan_always(_: SetKey, labels: NDArray[np.int64], __: np.random.Generator) -> NDArray[np.float64]:
    return np.full((len(labels), 2), NAN)


def test_accurate_but_fragile_is_not_called_more_robust(steady: SavedResult) -> None:
    """Fewer errors under corruption than the baseline, because it only starts more accurate."""
    found, said = judged(right_on(0.95, 0.85, seed=2), steady)
    assert found.saved.result.scores.overall.mce.value < 0.6  # type: ignore[operator]
    assert said.case == "knows more, loses more"
    assert said.judgement.startswith("More accurate than python:base:line, but loses more: ")
    assert "it makes fewer errors than python:base:line" in said.errors
    assert "counts what it knows as well as what it loses" in said.errors


def test_weak_but_stable_is_not_called_more_robust(base: SavedResult) -> None:
    _, said = judged(right_on(0.66, 0.65, seed=2), base)
    assert said.case == "loses less, knows less"
    assert said.judgement.startswith("Loses less than python:base:line, but knows less: ")


def test_a_model_that_loses_less_of_as_much_is_more_robust(base: SavedResult) -> None:
    _, said = judged(right_on(0.8, 0.77, seed=2), base)
    assert said.case == "more robust"
    assert said.judgement.startswith("More robust than python:base:line: it loses ")


def test_a_model_that_loses_more_of_as_much_is_less_robust(steady: SavedResult) -> None:
    _, said = judged(right_on(0.65, 0.5, seed=1), steady)
    assert said.case == "less robust"
    assert said.judgement.startswith("Less robust than python:base:line: it loses ")


def test_two_that_images_cannot_tell_apart_get_no_order(base: SavedResult) -> None:
    found, said = judged(right_on(0.8, 0.6, seed=3), base)
    assert said.case == "not distinguishable"
    assert found.rival is not None
    assert found.rival.difference.overall.lost.points.tie


def test_the_baseline_itself_is_not_distinguishable_from_itself(base: SavedResult) -> None:
    _, said = judged(right_on(0.8, 0.6, seed=1), base)
    assert said.case == "not distinguishable"
    assert "a difference of 0.0 points (zero width)" in said.judgement


def test_at_chance_there_is_nothing_to_lose(base: SavedResult) -> None:
    _, said = judged(right_on(0.5, 0.5, seed=2), base)
    assert said.case == "at chance"
    assert said.judgement == "No verdict on robustness: at chance, a model has nothing to lose."
    assert said.loses == "It has nothing to lose: under corruption its accuracy moves by 0.0 points."
    assert "guessing the most frequent class is right on 50.0 %" in said.knows


def test_nothing_is_more_robust_than_a_baseline_at_chance() -> None:
    weak = result_of_model(right_on(0.5, 0.5, seed=1), spec="python:base:line")
    _, said = judged(right_on(0.9, 0.9, seed=2), weak)
    assert said.case == "baseline at chance"


def test_a_perfect_model_loses_nothing_and_is_more_robust(base: SavedResult) -> None:
    found, said = judged(right_on(2, 2), base)
    assert said.case == "more robust"
    assert said.loses == "Corruption changes nothing on these images: 0.0 points are lost."
    assert found.loss.overall.lost.share_kept.value == 1
    assert "right on 100.0 % of clean images (no interval: the same on every resample)" in said.knows


def test_a_perfect_model_of_two_images_is_not_above_chance() -> None:
    """The exact interval stands in where resamples cannot differ: two coins fall on heads often enough."""
    found = assess(result_of_model(right_on(2, 2), images=2))
    assert found.loss.overall.beside_chance == 0


def test_a_model_that_gives_one_class_is_named_as_such(base: SavedResult) -> None:
    found, said = judged(one_class, base)
    assert said.case == "at chance"
    assert "It calls every image of pbc class 0." in said.knows
    assert found.loss.overall.lost.points.low is None
    assert found.loss.overall.lost.points.interval_reason == "no interval: the same on every resample"


def test_images_of_one_class_give_nothing_to_know() -> None:
    labels = {"pbc": np.zeros(50, dtype=np.int64)}
    found = assess(result_of_model(right_on(0.9, 0.7), labels=labels))
    assert found.loss.overall.lost.share_kept.reason == (
        "all images are of one class, so there is nothing to know"
    )
    assert "all images are of one class, so that says nothing" in verdict(found).knows


def test_overconfidence_is_said_with_its_size(base: SavedResult) -> None:
    found, said = judged(right_on(0.8, 0.6, confidence=0.99, seed=4), base)
    clean, corrupted = found.overconfidence.clean, found.overconfidence.corrupted
    accuracy = found.loss.overall.clean.value
    assert accuracy is not None
    assert clean.value == pytest.approx(0.99 - accuracy, abs=1e-6)
    assert said.sure.endswith(
        f"It is overconfident: its confidence lies above its accuracy by {100 * clean.value:.1f} points on "  # type: ignore[operator]
        f"clean images and {100 * corrupted.value:.1f} points under corruption."  # type: ignore[operator]
    )


@pytest.mark.parametrize("answer", [nan_at_3, nan_always])
def test_invalid_cells_get_no_verdict(answer: Probabilities, base: SavedResult) -> None:
    _, said = judged(answer, base)
    assert said.case == "marked"
    assert said.judgement == "No verdict: this result is incomplete: cells are missing or invalid."
    assert said.loses.startswith(
        "What it loses to corruption is not measured: the model has no valid pbc/test/"
    )
    assert said.errors.startswith("There is no mCE: ")


def test_phantoms_get_no_verdict(base: SavedResult) -> None:
    _, said = judged(right_on(0.8, 0.77, seed=2), base, kind="phantoms")
    assert said.judgement == "No verdict: this result is on phantoms: generated images, not medical ones."


@pytest.mark.parametrize(("kind", "shown"), [("phantoms", False), ("medimeta", True)])
def test_phantoms_have_no_errors_beside_figures_of_real_images(kind: str, shown: bool) -> None:
    """Nowhere in the report: neither as a headline nor in a table, nor in what the two lose."""
    printed = SCOPE.model_copy(update={"severities": (1, 2, 3, 4, 5)})
    saved = result_of_model(right_on(0.8, 0.77, seed=2), kind=kind, against="published", scope=printed)
    found = assess(saved)
    mce = next(one for one in headlines(found) if one.label == "mCE")
    assert (mce.value != UNDEFINED) is shown
    assert (found.rival is not None) is shown
    tables = [*main_tables(saved.result), *further_tables(saved.result), result_table(saved.result)]
    assert any("mCE" in table.headers for table in tables) is shown
    assert any("CLIP" in table.caption for table in tables) is shown
    if not shown:
        reason = "OpenAI CLIP ViT-B/16 was measured on real images, and these are phantoms"
        assert mce.note == reason
        assert verdict(found).errors == f"Its mCE would mean nothing: {reason}."


def test_where_corruptions_differ_the_worst_is_that_of_one_dataset() -> None:
    """Contrast costs most on pbc; its mean over two datasets is less than what pixelate costs on oct."""
    scope = SCOPE.model_copy(
        update={"corruptions": {"pbc": ("motion_blur", "contrast"), "oct": ("contrast", "pixelate")}}
    )
    share = {("pbc", "contrast"): 0.2, ("oct", "pixelate"): 0.5}

    def answer(key: SetKey, labels: NDArray[np.int64], _: np.random.Generator) -> NDArray[np.float64]:
        right = np.arange(len(labels)) < share.get((key.dataset, key.corruption), 0.9) * len(labels)
        return np.eye(2)[np.where(right, labels, 1 - labels)]

    said = verdict(assess(result_of_model(answer, scope=scope))).loses
    assert "It loses most to Contrast on pbc (70.0 points)" in said


def test_numbers_of_few_shot_runs_on_phantoms_are_not_divided_by_figures_of_real_images() -> None:
    """In ``ablation.json`` and ``probes.json``; results of older files, where they were, are still found."""
    printed = SCOPE.model_copy(update={"severities": (1, 2, 3, 4, 5)})
    for kind, divided in (("phantoms", False), ("medimeta", True)):
        result = result_of_model(right_on(0.8, 0.77), kind=kind, against="published", scope=printed).result
        for dataset in (None, *result.scope.datasets):
            found = Scored.of(result, dataset)
            assert (found.mce is not None, found.clean_error is not None) == (divided, divided)
            assert ("these are phantoms" in (found.why_no_mce or "")) is not divided
        old = Scored.of(result).model_copy(update={"mce": 0.9, "clean_error": 0.8, "why_no_mce": None})
        assert _bears(result, old) is not divided
        assert _bears(result, Scored.of(result))


def test_without_a_baseline_there_is_no_comparison() -> None:
    said = verdict(assess(result_of_model(right_on(0.8, 0.7))))
    assert said.case == "no baseline"
    assert said.errors == ""
    assert said.loses.startswith("It loses ")


def test_without_the_baselines_predictions_there_is_no_verdict(base: SavedResult) -> None:
    """Its numbers are known and said; but what is not paired cannot tell the two apart."""
    found = assess(result_of_model(right_on(0.8, 0.77, seed=2), against=base))
    said = verdict(found)
    assert said.case == "not paired"
    theirs = assess(base).loss.overall.lost.points.value
    assert said.judgement.endswith(f"It loses {100 * theirs:.1f} points there.")  # type: ignore[operator]


def test_every_case_is_one_that_a_test_names() -> None:
    """A case added to the table needs a model that is built for it."""
    assert [case.name for case in CASES] == [
        "marked",
        "no baseline",
        "at chance",
        "not paired",
        "baseline at chance",
        "no difference known",
        "more robust",
        "loses less, knows less",
        "knows more, loses more",
        "less robust",
        "not distinguishable",
    ]


def test_points_lost_and_share_kept_are_what_the_formulas_say(base: SavedResult) -> None:
    found = assess(base)
    top1 = {cell.key: cell.correct / cell.n for cell in base.result.scores.cells}
    clean = top1[SetKey("pbc", "test", CLEAN, 0)]
    corrupted = float(np.mean([value for key, value in top1.items() if key.corruption != CLEAN]))
    assert found.loss.overall.lost.points.value == pytest.approx(clean - corrupted)
    assert found.loss.overall.lost.share_kept.value == pytest.approx((corrupted - 0.5) / (clean - 0.5))
    assert set(found.loss.overall.severities) == set(SCOPE.severities)


def random_model(rng: np.random.Generator) -> Probabilities:
    """Any grid at all: its own accuracy in each cell, with images of their own hardness."""
    start, drop, seed, confidence = rng.uniform(0.3, 1), rng.uniform(-0.1, 0.5), rng.integers(1000), 0.8
    shared = rng.random() < 0.5

    def answer(key: SetKey, labels: NDArray[np.int64], own: np.random.Generator) -> NDArray[np.float64]:
        level = np.clip(start - drop * key.severity / 5, 0, 1)
        hardness = (np.random.default_rng(seed) if shared else own).random(len(labels))
        found = np.full((len(labels), 2), 1 - confidence)
        found[np.arange(len(labels)), np.where(hardness < level, labels, 1 - labels)] = confidence
        return found

    return answer


NUMBER = r"(-?\d+\.\d)"
INTERVAL = rf"\({NUMBER} to {NUMBER}\)"


LOST, CLEAN_PART = "lost", "clean"
CLAIMS: dict[str, tuple[tuple[str, str, int], ...]] = {
    "more robust": ((rf"it loses {NUMBER} points less to corruption {INTERVAL}", LOST, -1),),
    "less robust": ((rf"it loses {NUMBER} points more to corruption {INTERVAL}", LOST, 1),),
    "loses less, knows less": (
        (rf"{NUMBER} points less are lost to corruption {INTERVAL}", LOST, -1),
        (rf"a clean accuracy {NUMBER} points lower {INTERVAL}", CLEAN_PART, -1),
    ),
    "knows more, loses more": (
        (rf"{NUMBER} points more are lost to corruption {INTERVAL}", LOST, 1),
        (rf"a clean accuracy {NUMBER} points higher {INTERVAL}", CLEAN_PART, 1),
    ),
    "not distinguishable": ((rf"a difference of {NUMBER} points {INTERVAL}", LOST, 0),),
    "at chance": (),
    "baseline at chance": (),
    "no difference known": (),
}
"""By case: what is claimed, of which difference, and its sign; 0 of an interval that includes 0."""


def claimed(sentence: str, pattern: str) -> list[float]:
    match = re.search(pattern, sentence)
    assert match is not None, sentence
    return [float(one) / 100 for one in match.groups()]


def stated(one: Estimate, *, turned: bool = False) -> list[float]:
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    return [-one.value, -one.high, -one.low] if turned else [one.value, one.low, one.high]


@cache
def random_verdict(seed: int) -> tuple[Assessment, Verdict]:
    rng = np.random.default_rng(seed)
    images = int(rng.integers(20, 120))
    labels = {"pbc": labels_of(images, 2) if seed % 2 else (rng.random(images) < 0.3).astype(np.int64)}
    rival = result_of_model(random_model(rng), spec="python:base:line", labels=labels)
    return judged(random_model(rng), rival, labels=labels)


@pytest.mark.parametrize("seed", range(100))
def test_a_random_grid_is_described_by_its_numbers(seed: int) -> None:
    """The test reads every claim back from the sentences and compares it with the numbers."""
    found, said = random_verdict(seed)
    assert found.rival is not None
    own, theirs = found.loss.overall, found.rival.loss.overall
    differences = {
        LOST: found.rival.difference.overall.lost.points,
        CLEAN_PART: found.rival.difference.overall.clean,
    }

    for pattern, name, sign in CLAIMS[said.case]:
        parsed = claimed(said.judgement, pattern)
        assert parsed == pytest.approx(stated(differences[name], turned=sign == -1), abs=5.1e-4)
        assert min(parsed) > 0 if sign else parsed[1] <= 0 <= parsed[2]
    lost, clean = differences[LOST], differences[CLEAN_PART]
    fewer_lost = lost.high is not None and lost.high < 0
    not_worse = clean.high is not None and clean.high >= 0
    above_chance = own.beside_chance == theirs.beside_chance == 1
    assert said.judgement.startswith("More robust than ") == (fewer_lost and not_worse and above_chance)

    if said.loses.startswith("It loses"):
        amount = claimed(said.loses, rf"It loses {NUMBER} points {INTERVAL} to corruption")
        assert amount == pytest.approx(stated(own.lost.points), abs=5.1e-4)
        assert amount[1] > 0
    assert claimed(said.knows, rf"right on {NUMBER} %")[0] == pytest.approx(own.clean.value, abs=5.1e-4)
    assert claimed(said.knows, rf"class is right on {NUMBER} %")[0] == pytest.approx(own.chance, abs=5.1e-4)
    if "fewer errors" in said.errors:
        assert claimed(said.errors, rf"mCE {NUMBER} % {INTERVAL}")[2] < 1


def test_a_hundred_random_grids_meet_most_cases() -> None:
    """Or the test above would hold of next to nothing."""
    met = {random_verdict(seed)[1].case for seed in range(100)}
    assert len(met) >= 7, met


def test_sentences_read_on_from_one_to_the_next(base: SavedResult) -> None:
    _, said = judged(right_on(0.8, 0.77, seed=2), base)
    assert len(said.sentences) == 5
    for sentence in said.sentences:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "  " not in sentence
    assert all(one != other for one, other in pairwise(said.sentences))


def test_images_of_one_patient_do_not_count_as_many() -> None:
    """Ten patients of twenty images each: intervals are wider, and the sentence says what was drawn."""
    steady = result_of_model(right_on(0.8, 0.6, seed=1), images=200)
    patients = {"pbc": {f"{i:05d}": i // 20 for i in range(200)}}
    alone, grouped = assess(steady), assess(steady, groups=patients)
    assert alone.plan.grouped == ()
    assert grouped.plan.grouped == ("pbc",)
    assert "take images as independent" in verdict(alone).sure
    assert "take groups of images, such as those of one patient, as independent" in verdict(grouped).sure
    assert alone.loss.overall.lost.points.value == grouped.loss.overall.lost.points.value


def test_one_patient_cannot_show_that_a_model_is_above_chance() -> None:
    one = result_of_model(right_on(0.9, 0.6, seed=1), images=100)
    found = assess(one, groups={"pbc": {f"{i:05d}": 0 for i in range(100)}})
    assert found.loss.overall.beside_chance == 0
    assert found.loss.overall.lost.points.low is None
    assert "single group" in (found.loss.overall.lost.points.interval_reason or "")
