"""Intervals over groups of images: coverage, what stays as it was, and where there is no interval."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.records import dump
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope, error_grids
from medimeta_c.metrics.intervals import bootstrap, cell_estimates, difference, summary_estimates
from medimeta_c.metrics.resampling import (
    Groups,
    Resampling,
    resample_counts,
    resampled_accuracies,
    resampled_units,
)
from medimeta_c.metrics.robustness import summarise

SCOPE = Scope(corruptions={"oct": ("contrast", "pixelate")}, severities=(1, 2))
KEYS = tuple(sorted(SCOPE.cells()))
SKILL = np.array([1.0 - 0.25 * key.severity for key in KEYS])


def table(correct: NDArray[np.bool_], dataset: str = "oct") -> CorrectnessTable:
    """One model's answers; images are numbered."""
    keys = tuple(SetKey(dataset, key.split, key.corruption, key.severity) for key in KEYS)
    ids = tuple(f"{i:05d}" for i in range(len(correct)))
    return CorrectnessTable(dataset=dataset, split="test", image_ids=ids, keys=keys, correct=correct)


def grouped(numbers: NDArray[np.int64] | list[int], dataset: str = "oct") -> Groups:
    """The groups of the images of `table`."""
    return {dataset: {f"{i:05d}": int(number) for i, number in enumerate(numbers)}}


def plan_for(groups: Groups, one: CorrectnessTable, seed: int = 0) -> Resampling:
    """The plan that a result on these groups would have."""
    return Resampling(resamples=200, seed=seed).for_groups(groups, {one.dataset: one.image_ids})


def patients(rng: np.random.Generator, count: int, images: int, shared: float) -> list[NDArray[np.bool_]]:
    """Answers of a model and of a weaker one to images of patients, who differ in difficulty.

    Of the variance of difficulty, `shared` is the patient's and the rest the image's; both are so for both.
    """
    patient = np.sqrt(shared) * rng.normal(size=count).repeat(images)
    image = np.sqrt(0.9 - shared) * rng.normal(size=count * images)
    found = []
    for skill in (SKILL, SKILL - 0.5):
        rendering = np.sqrt(0.1) * rng.normal(size=(count * images, len(KEYS)))
        found.append(np.asarray((patient + image)[:, None] + rendering < skill))
    return found


@pytest.mark.parametrize(("images", "shared"), [(4, 0.6), (1, 0.0)], ids=["patients", "independent"])
def test_intervals_over_groups_cover_the_truth(images: int, shared: float) -> None:
    """Four correlated images a patient: as often as claimed over patients, and too rarely over images.

    Of 300 samples of 100 patients, against the truth from 400,000 images. mCE divides by the weaker model,
    image by image. Independent images, each its own group, have the intervals of images.
    """
    truth, weaker = (
        answers.mean(axis=0) for answers in patients(np.random.default_rng(1), 400_000, 1, shared)
    )
    model_grid, baseline_grid = (
        error_grids(dict(zip(KEYS, (1 - each).tolist(), strict=True))) for each in (truth, weaker)
    )
    expected = summarise(model_grid, baseline_grid, SCOPE).overall
    inside: dict[tuple[str, str], list[bool | None]] = {}
    rng = np.random.default_rng(0)
    for seed in range(300):
        model, baseline = map(table, patients(rng, 100, images, shared))
        groups = grouped(np.arange(100).repeat(images))
        for over, plan in (
            ("groups", plan_for(groups, model, seed=seed)),
            ("images", Resampling(resamples=200, seed=seed)),
        ):
            drawn = bootstrap({"oct": model}, {"oct": baseline}, SCOPE, plan, groups)
            for name in ("average_accuracy", "mce"):
                number = getattr(expected, name).value
                found = getattr(summary_estimates(drawn).overall, name)
                inside.setdefault((over, name), []).append(found.contains(number))
    coverage = {case: np.mean(np.array(hits, dtype=float)) for case, hits in inside.items()}
    for name in ("average_accuracy", "mce"):
        assert 0.9 <= coverage["groups", name] <= 0.98, coverage
        if images == 1:
            assert coverage["images", name] == coverage["groups", name]
        else:
            assert coverage["images", name] < coverage["groups", name] - 0.05, coverage


def test_a_resample_brings_whole_groups() -> None:
    """Accuracy is right images by images drawn, recomputed with loops; the counts are those handed out."""
    rng = np.random.default_rng(3)
    one, numbers = table(rng.random((13, len(KEYS))) < 0.6), [7, 7, 1, 7, 1, 3, 3, 3, 3, 9, 2, 2, 9]
    groups = grouped(numbers)
    plan = plan_for(groups, one)
    assert plan.grouped == ("oct",)
    units = resampled_units(one, plan, groups)
    assert units.of_image.tolist() == [0, 0, 1, 0, 1, 2, 2, 2, 2, 3, 4, 4, 3]
    counts = np.concatenate(list(resample_counts(units, plan)))
    assert counts.shape == (200, 5)
    assert set(counts.sum(axis=1)) == {5}
    (found,) = resampled_accuracies([one], plan, groups)
    weights = counts[:, units.of_image]
    for resample in range(200):
        drawn = np.repeat(one.correct, weights[resample], axis=0)
        assert found[resample] == pytest.approx(drawn.mean(axis=0), abs=1e-15)


def test_groups_of_one_image_change_nothing() -> None:
    """Neither the record, which names no group, nor any number, to the last bit."""
    one = table(np.random.default_rng(0).random((50, len(KEYS))) < 0.6)
    alone = grouped(np.random.default_rng(1).permutation(50))
    plan = plan_for(alone, one)
    assert dump(plan) == dump(Resampling(resamples=200))
    assert "grouped" not in dump(plan)
    forced = plan.model_copy(update={"grouped": ("oct",)})
    np.testing.assert_array_equal(
        resampled_accuracies([one], forced, alone)[0], resampled_accuracies([one], plan)[0]
    )


def test_how_groups_are_numbered_changes_nothing() -> None:
    """Only who belongs together matters, so two copies of a benchmark give the same intervals."""
    one = table(np.random.default_rng(0).random((12, len(KEYS))) < 0.6)
    first, second = grouped([0, 0, 1, 1, 2, 2] * 2), grouped([8, 8, 3, 3, 5, 5] * 2)
    plan = plan_for(first, one)
    (ours,), (theirs,) = (resampled_accuracies([one], plan, groups) for groups in (first, second))
    np.testing.assert_array_equal(ours, theirs)


def test_only_datasets_with_groups_are_resampled_by_groups() -> None:
    """The others draw images, in the same result, and have the numbers they have without groups."""
    rng = np.random.default_rng(0)
    tables = {name: table(rng.random((40, len(KEYS))) < 0.6, name) for name in ("oct", "pbc")}
    scope = Scope(corruptions=dict.fromkeys(tables, SCOPE.corruptions["oct"]), severities=(1, 2))
    groups = grouped(np.arange(40) // 4)
    plan = Resampling(resamples=200).for_groups(groups, {name: t.image_ids for name, t in tables.items()})
    assert plan.grouped == ("oct",)
    with_groups = summary_estimates(bootstrap(tables, {}, scope, plan, groups))
    without = summary_estimates(bootstrap(tables, {}, scope, Resampling(resamples=200)))
    assert with_groups.datasets["pbc"] == without.datasets["pbc"]
    assert with_groups.datasets["oct"].average_accuracy != without.datasets["oct"].average_accuracy
    assert plan.assumption(["oct", "pbc"]).endswith(
        "such as those of one patient, as independent in oct, and single images in the other datasets."
    )


def test_one_group_has_no_interval() -> None:
    """All images of one patient say nothing of other patients: nor does a mean that they are part of."""
    rng = np.random.default_rng(0)
    tables = {name: table(rng.random((40, len(KEYS))) < 0.6, name) for name in ("oct", "pbc")}
    scope = Scope(corruptions=dict.fromkeys(tables, SCOPE.corruptions["oct"]), severities=(1, 2))
    groups = grouped(np.zeros(40, dtype=np.int64))
    plan = plan_for(groups, tables["oct"])
    drawn = bootstrap(tables, {}, scope, plan, groups)
    found = summary_estimates(drawn)
    reason = "all images of oct belong to one group: resamples cannot differ"
    assert found.overall.average_accuracy.interval_reason == reason
    assert found.datasets["oct"].clean_accuracy.interval_reason == reason
    assert found.datasets["pbc"].clean_accuracy.interval_reason is None
    assert {each.interval_reason for key, each in cell_estimates(drawn).items() if key.dataset == "oct"} == {
        reason
    }
    compared = difference(drawn, drawn).overall.average_accuracy
    assert (compared.value, compared.tie, compared.interval_reason) == (0, None, reason)


def test_groups_that_do_not_differ_have_no_interval() -> None:
    """Half of each patient's images right: no resample differs, and that is no certainty."""
    one = table(np.tile([[True], [False]], (10, len(KEYS))))
    groups = grouped(np.arange(20) // 2)
    found = summary_estimates(bootstrap({"oct": one}, {}, SCOPE, plan_for(groups, one), groups))
    assert found.overall.average_accuracy.value == 0.5
    assert "as often in every group" in str(found.overall.average_accuracy.interval_reason)


def test_models_are_paired_on_the_same_groups() -> None:
    """Two models of one benchmark meet the same resamples; groups that differ are refused."""
    rng = np.random.default_rng(0)
    tables = [table(rng.random((40, len(KEYS))) < 0.6) for _ in range(2)]
    groups = grouped(np.arange(40) // 4)
    plan = plan_for(groups, tables[0])
    same, other = (bootstrap({"oct": one}, {}, SCOPE, plan, groups) for one in tables)
    assert difference(same, same).overall.average_accuracy.tie is True
    assert difference(same, other).overall.average_accuracy.interval_reason is None
    regrouped = bootstrap({"oct": tables[1]}, {}, SCOPE, plan, grouped(np.arange(40) // 5))
    with pytest.raises(ConfigError, match="same images of oct"):
        difference(same, regrouped)


def test_an_image_without_a_group_is_named() -> None:
    """A plan over groups cannot be followed with other groups, or with none."""
    one = table(np.ones((4, len(KEYS)), dtype=bool))
    plan = plan_for(grouped([0, 0, 1, 1]), one)
    for groups in (None, {}, grouped([0, 0, 1])):
        with pytest.raises(ConfigError, match=r"the group of the image '0000[03]' of oct is not known"):
            resampled_accuracies([one], plan, groups)
