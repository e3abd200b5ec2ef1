"""Clean error, CE, mCE, relative CE, average accuracy: by hand, by property, and where there is none."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medimeta_c.errors import ConfigError, IncompleteGridError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.suites import CORE
from medimeta_c.metrics.baselines import measured_baseline, published_baseline
from medimeta_c.metrics.grid import ErrorGrid, Scope, SeveritySum, error_grids
from medimeta_c.metrics.robustness import summarise

BLUR, NOISE = "motion_blur", "gaussian_noise"
SMALL = Scope(corruptions={"pbc": (NOISE, BLUR)}, severities=(1, 2))


def cells(
    dataset: str, clean: float, noise: tuple[float, float], blur: tuple[float, float]
) -> dict[SetKey, float]:
    """Five errors of a 2 x 2 grid and its clean cell."""
    return {
        SetKey(dataset, "test", "clean", 0): clean,
        SetKey(dataset, "test", NOISE, 1): noise[0],
        SetKey(dataset, "test", NOISE, 2): noise[1],
        SetKey(dataset, "test", BLUR, 1): blur[0],
        SetKey(dataset, "test", BLUR, 2): blur[1],
    }


MODEL = cells("pbc", 0.10, (0.20, 0.40), (0.30, 0.30))
BASELINE = cells("pbc", 0.20, (0.40, 0.80), (0.30, 0.50))

fractions = st.integers(0, 100).map(lambda k: k / 100)
grids = st.fixed_dictionaries(
    {key: fractions for dataset in ("pbc", "oct") for key in cells(dataset, 0, (0, 0), (0, 0))}
)
BOTH = Scope(corruptions={"pbc": (NOISE, BLUR), "oct": (NOISE, BLUR)}, severities=(1, 2))


def test_a_two_by_two_grid_by_hand() -> None:
    """Sums over severities first, one ratio after; means over corruptions last."""
    summary = summarise(error_grids(MODEL), error_grids(BASELINE), SMALL).datasets["pbc"]
    assert summary.clean_accuracy.value == pytest.approx(0.9)
    assert summary.average_accuracy.value == pytest.approx(1 - (0.3 + 0.3) / 2)
    assert summary.clean_error.value == pytest.approx(0.5)
    assert summary.ce[NOISE].value == pytest.approx(0.6 / 1.2)
    assert summary.ce[BLUR].value == pytest.approx(0.6 / 0.8)  # the mean of ratios would be 0.8
    assert summary.mce.value == pytest.approx((0.5 + 0.75) / 2)
    assert summary.relative_ce[NOISE].value == pytest.approx((0.6 - 0.2) / (1.2 - 0.4))
    assert summary.relative_ce[BLUR].value == pytest.approx((0.6 - 0.2) / (0.8 - 0.4))
    assert summary.relative_mce.value == pytest.approx((0.5 + 1.0) / 2)


def test_over_datasets_every_dataset_weighs_the_same() -> None:
    """The overall number is the plain mean of the datasets' numbers, not a ratio of pooled errors."""
    model = error_grids({**MODEL, **cells("oct", 0.3, (0.3, 0.3), (0.3, 0.3))})
    baseline = error_grids({**BASELINE, **cells("oct", 0.1, (0.1, 0.1), (0.1, 0.1))})
    overall = summarise(model, baseline, BOTH).overall
    assert overall.mce.value == pytest.approx((0.625 + 3.0) / 2)
    assert overall.clean_error.value == pytest.approx((0.5 + 3.0) / 2)
    assert overall.ce[BLUR].value == pytest.approx((0.75 + 3.0) / 2)
    assert overall.average_accuracy.value == pytest.approx((0.7 + 0.7) / 2)


@settings(deadline=None, max_examples=50)
@given(grids)
def test_a_model_against_itself_is_at_one(errors: dict[SetKey, float]) -> None:
    """The baseline's own clean error, CE, mCE and relative CE are 100 %, wherever they exist."""
    grid = error_grids(errors)
    summary = summarise(grid, grid, BOTH)
    for part in (*summary.datasets.values(), summary.overall):
        for value in (
            part.clean_error,
            part.mce,
            part.relative_mce,
            *part.ce.values(),
            *part.relative_ce.values(),
        ):
            assert (value.value is None) == (value.reason is not None)
            if value.value is not None:
                assert value.percent == pytest.approx(100)


@settings(deadline=None, max_examples=50)
@given(grids, grids, st.randoms(use_true_random=False))
def test_the_order_of_cells_changes_nothing(
    model: dict[SetKey, float], baseline: dict[SetKey, float], random: object
) -> None:
    """Cells may finish in any order: the numbers are equal to the last bit."""
    shuffled = list(model.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    reference = error_grids(baseline)
    assert summarise(error_grids(dict(shuffled)), reference, BOTH) == summarise(
        error_grids(model), reference, BOTH
    )


@settings(deadline=None, max_examples=50)
@given(grids, grids)
def test_a_published_mean_divides_like_the_severities_behind_it(
    model: dict[SetKey, float], baseline: dict[SetKey, float]
) -> None:
    """A baseline known by its mean over severities gives the CE of one known cell by cell."""
    full = error_grids(baseline)
    means = {
        name: ErrorGrid(
            split="test",
            clean=grid.clean,
            corrupted={c: SeveritySum.from_mean(row.total / 2, (1, 2)) for c, row in grid.corrupted.items()},
        )
        for name, grid in full.items()
    }
    one, other = (summarise(error_grids(model), reference, BOTH) for reference in (full, means))
    for name in BOTH.datasets:
        for c in (NOISE, BLUR):
            assert one.datasets[name].ce[c].value == pytest.approx(other.datasets[name].ce[c].value)


@settings(deadline=None, max_examples=50)
@given(grids, grids)
def test_summaries_are_json_without_nan(model: dict[SetKey, float], baseline: dict[SetKey, float]) -> None:
    """Whatever the errors, zeros included, every number is finite or has its reason."""
    json.dumps(summarise(error_grids(model), error_grids(baseline), BOTH).model_dump(), allow_nan=False)


def test_mce_is_refused_on_an_incomplete_grid() -> None:
    """The missing cells are named, those of a missing dataset too."""
    errors = {key: error for key, error in MODEL.items() if key.severity != 2}
    with pytest.raises(IncompleteGridError, match="7 of 10 are missing") as caught:
        summarise(error_grids(errors), error_grids(BASELINE), BOTH)
    assert caught.value.missing == (
        "pbc/test/gaussian_noise/severity-2",
        "pbc/test/motion_blur/severity-2",
        *(str(key) for key in BOTH.cells() if key.dataset == "oct"),
    )
    for name in caught.value.missing:
        assert name in str(caught.value)


def test_a_long_list_of_missing_cells_is_cut_and_counted() -> None:
    """180 missing cells do not make a message of 180 names; the attribute keeps them, pickled too."""
    with pytest.raises(IncompleteGridError, match=r"180 of 180 .* and 168 more") as caught:
        summarise({}, {}, Scope.of_suite(CORE, CORE.headline["medimeta"]))
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.missing, str(copy)) == (caught.value.missing, str(caught.value))
    assert len(copy.missing) == 180


def test_a_partial_result_says_what_is_missing() -> None:
    """Asked for, the numbers that can be had are given; mCE is not, naming the cell."""
    errors = {key: error for key, error in MODEL.items() if (key.corruption, key.severity) != (BLUR, 2)}
    summary = summarise(error_grids(errors), error_grids(BASELINE), SMALL, partial=True)
    part = summary.datasets["pbc"]
    assert part.ce[NOISE].value == pytest.approx(0.5)
    assert part.clean_error.value == pytest.approx(0.5)
    for value in (part.ce[BLUR], part.mce, part.average_accuracy, part.relative_mce, summary.overall.mce):
        assert value.value is None
        assert "pbc/test/motion_blur/severity-2" in str(value.reason)


def test_a_flawless_baseline_leaves_ce_undefined() -> None:
    """Zero errors cannot divide: CE and mCE say so, accuracies stay."""
    flawless = cells("pbc", 0.0, (0.5, 0.5), (0.0, 0.0))
    part = summarise(error_grids(MODEL), error_grids(flawless), SMALL).datasets["pbc"]
    assert part.ce[BLUR].reason == "the baseline makes no error on pbc under motion_blur"
    assert part.clean_error.reason == "the baseline makes no error on clean pbc"
    assert part.mce.reason == f"undefined for motion_blur ({part.ce[BLUR].reason})"
    assert part.average_accuracy.value == pytest.approx(0.7)


@pytest.mark.parametrize("blur", [(0.03, 0.03), (0.01, 0.02), (0.01, 0.05)], ids=["none", "gain", "rounding"])
def test_a_baseline_that_loses_nothing_leaves_relative_ce_undefined(blur: tuple[float, float]) -> None:
    """No loss or a gain cannot divide, nor can the 1e-17 that floating point leaves of no loss."""
    reference = cells("pbc", 0.03, (0.4, 0.8), blur)
    part = summarise(error_grids(MODEL), error_grids(reference), SMALL).datasets["pbc"]
    assert part.relative_ce[BLUR].reason == "the baseline loses no accuracy on pbc under motion_blur"
    assert part.relative_ce[NOISE].value is not None
    assert "motion_blur" in str(part.relative_mce.reason)


@pytest.mark.parametrize(
    ("baseline", "reason"),
    [
        ({}, "the baseline has no pbc/test/clean/severity-0"),
        (
            error_grids({SetKey("pbc", "val", "clean", 0): 0.5}),
            "the baseline has no pbc/test/clean/severity-0",
        ),
        (
            {
                "pbc": ErrorGrid(
                    split="test",
                    clean=0.2,
                    corrupted={NOISE: SeveritySum.from_mean(0.5, (1, 2, 3))},
                )
            },
            "at severities (1, 2) alone: only a mean is known",
        ),
    ],
    ids=["other datasets", "other split", "mean over other severities"],
)
def test_a_baseline_that_does_not_fit_leaves_ce_undefined(
    baseline: dict[str, ErrorGrid], reason: str
) -> None:
    """Accuracies need no baseline; what does is undefined, saying what the baseline lacks."""
    part = summarise(error_grids(MODEL), baseline, SMALL).datasets["pbc"]
    assert part.average_accuracy.value == pytest.approx(0.7)
    assert reason in " ".join(str(v.reason) for v in (part.clean_error, *part.ce.values()))
    assert part.mce.value is None


def test_measured_severities_can_be_summed_over_fewer() -> None:
    """A scope of one severity takes that one from a baseline measured at two."""
    scope = Scope(corruptions={"pbc": (NOISE,)}, severities=(2,))
    summary = summarise(error_grids(MODEL), error_grids(BASELINE), scope)
    assert summary.overall.mce.value == pytest.approx(0.4 / 0.8)


def test_a_scope_can_be_narrowed_to_what_a_baseline_has() -> None:
    """The official MedMNIST-C has corruptions of its own: only the common ones enter, where there are any."""
    own = {"bloodmnist": ("stain_deposit", "pixelate"), "octmnist": ("speckle_noise",)}
    scope = Scope(corruptions=own, severities=(1, 2, 3, 4, 5))
    narrowed = scope.shared_with(published_baseline().grids)
    assert narrowed.corruptions == {"bloodmnist": ("pixelate",), "octmnist": ("speckle_noise",)}


def test_only_published_figures_leave_corruptions_out() -> None:
    """What a table does not print was never measured; what a measured baseline lacks is missing."""
    scope = Scope(corruptions={"bloodmnist": ("bubble", "pixelate")}, severities=(1, 2, 3, 4, 5))
    assert published_baseline().lacks(scope) == {"bloodmnist": ("bubble",)}
    measured = measured_baseline("mine", "CLIP", "results/mine", {})
    assert measured.lacks(scope) == {}
    assert measured.mce_scope(scope) == scope


def test_the_core_suite_has_36_cells_a_dataset() -> None:
    """One clean cell and 7 x 5 corrupted ones, dataset by dataset."""
    keys = Scope.of_suite(CORE, CORE.headline["medimeta"]).cells()
    assert len(keys) == len(set(keys)) == 5 * 36
    assert str(keys[0]) == "pbc/test/clean/severity-0"


def test_a_baseline_for_other_datasets_is_refused_by_name() -> None:
    """The message names what is lacking, what there is, and what to do."""
    baseline = measured_baseline("mine", "some model", "results/mine", BASELINE)
    assert baseline.measured_on_these_shards
    baseline.require(["pbc"])
    with pytest.raises(ConfigError, match=r"'mine' has no oct .*it has: pbc"):
        baseline.require(["pbc", "oct"])


@pytest.mark.parametrize("error", [-0.1, 1.5, 17.81, float("nan")])
def test_what_is_no_error_rate_is_refused(error: float) -> None:
    """Percent, negative numbers and NaN are caught at the door."""
    with pytest.raises(ConfigError, match="expected 0 to 1"):
        error_grids({SetKey("pbc", "test", "clean", 0): error})
    with pytest.raises(ConfigError, match="expected 0 to 1"):
        ErrorGrid(split="test", clean=error, corrupted={})
    with pytest.raises(ConfigError, match="expected 0 to 1"):
        SeveritySum.from_mean(error, (1, 2, 3, 4, 5))


def test_two_splits_of_a_dataset_are_refused() -> None:
    """Validation and test images never enter one number."""
    with pytest.raises(ConfigError, match="one split at a time"):
        error_grids({SetKey("pbc", "test", "clean", 0): 0.1, SetKey("pbc", "val", "clean", 0): 0.1})


@pytest.mark.parametrize("severities", [(), (2, 1), (1, 1)])
def test_severities_are_ascending_and_distinct(severities: tuple[int, ...]) -> None:
    """A sum over nothing, or over one severity twice, is no row."""
    with pytest.raises(ConfigError, match="ascending"):
        SeveritySum(total=0.0, severities=severities)


@pytest.mark.parametrize(
    ("corruptions", "severities"), [({}, (1,)), ({"pbc": ()}, (1,)), ({"pbc": (BLUR,)}, ())]
)
def test_a_scope_is_not_empty(corruptions: dict[str, tuple[str, ...]], severities: tuple[int, ...]) -> None:
    """A mean over nothing is refused when it is described, not when it is taken."""
    with pytest.raises(ConfigError, match="at least one"):
        Scope(corruptions=corruptions, severities=severities)
