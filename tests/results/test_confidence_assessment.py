"""Confidence of a result from its predictions: what is computed, what is undefined and why, the tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import PLAN, answers, evaluated, result_of
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.metrics.confidence.conformal import ConformalPlan
from medimeta_c.metrics.measures.robustness import measure_differences, measure_estimates
from medimeta_c.metrics.registry import METRICS
from medimeta_c.metrics.scores import checked_answers
from medimeta_c.results.assessment.confidence import assess_confidence
from medimeta_c.results.assessment.confidence_numbers import SCORES, Confidence
from medimeta_c.results.assessment.confidence_tables import confidence_tables
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.predictions import CellPredictions

SMALL = ConformalPlan(splits=20, level=0.5)
"""For a dataset of a dozen images: half of them are enough for sets of 50 %."""

OLD = Path(__file__).parents[1] / "golden" / "schema1" / "results" / "python-golden-model-model"
Cells = dict[SetKey, CellPredictions]


def saved_of(saved: SavedResult, cells: Cells) -> SavedResult:
    """The result with other predictions; nothing but its terms is read of what it says."""
    return replace(saved, predictions=cells)


def with_probabilities(
    cells: Cells, change: Callable[[NDArray[np.int64], NDArray[np.float32]], NDArray[np.floating]]
) -> Cells:
    """The same images with other probabilities."""
    return {
        key: CellPredictions.of(key, cell.image_ids, cell.labels, change(cell.labels, cell.probabilities))
        for key, cell in cells.items()
        if cell.probabilities is not None
    }


def test_numbers_are_those_of_the_registered_metrics(saved: SavedResult) -> None:
    """Clean as the cell has them, under corruption the mean over all cells; an old result gains them."""
    assert not saved.result.scores.cells[0].metrics
    found = assess_confidence(saved, conformal=SMALL)
    for dataset, each in found.datasets.items():
        names = saved.result.run.benchmark.dataset(dataset).class_names
        values: dict[str, list[float | None]] = {name: [] for name in SCORES}
        for key, cell in saved.predictions.items():
            if key.dataset == dataset:
                given = checked_answers(cell.probabilities, cell.labels, class_names=names)
                numbers = {name: METRICS[name](given).value for name in SCORES}
                assert {name: one.value for name, one in found.cells[key].scores.items()} == numbers
                if key.corruption == CLEAN:
                    assert {name: one.value for name, one in each.clean.scores.items()} == numbers
                else:
                    for name, number in numbers.items():
                        values[name].append(number)
        for name in SCORES:
            assert each.corrupted.scores[name].value == pytest.approx(np.mean(np.array(values[name], float)))
    mean = np.mean([each.clean.scores["nll"].value or 0 for each in found.datasets.values()])
    assert found.overall.clean.scores["nll"].value == pytest.approx(mean)


def test_a_result_of_the_first_version_gains_them() -> None:
    """Its files have none of these numbers, and its predictions are enough."""
    found = assess_confidence(read_saved(OLD), conformal=SMALL)
    for each in (found.overall.clean, found.overall.corrupted):
        assert all(number.value is not None for number in (*each.scores.values(), each.gap))


def test_ece_is_that_of_result_json_and_of_the_bins(saved: SavedResult) -> None:
    """Of one clean cell the diagram's bars sum to the number in the file; corrupted cells are pooled."""
    found = assess_confidence(saved, conformal=SMALL)
    for cell in saved.result.scores.cells:
        assert found.cells[cell.key].scores["ece"].value == cell.ece.value
        if cell.corruption == CLEAN:
            clean, corrupted = (
                part.bins
                for part in (found.datasets[cell.dataset].clean, found.datasets[cell.dataset].corrupted)
            )
            assert clean is not None and corrupted is not None
            assert clean.error == pytest.approx(cell.ece.value)
            corruptions = saved.result.scope.corruptions[cell.dataset]
            assert corrupted.counts.sum() == cell.n * 5 * len(corruptions) == clean.counts.sum() * 35


def test_conformal_sets(saved: SavedResult) -> None:
    """The gap is coverage minus the level; a mean over cells is taken split by split."""
    found = assess_confidence(saved, conformal=SMALL)
    one = found.datasets["cells"].corrupted
    cells = [
        each.coverage.samples
        for key, each in found.cells.items()
        if key.dataset == "cells" and key.corruption != CLEAN
    ]
    samples = np.mean(cells, axis=0)  # type: ignore[arg-type]
    assert samples.shape == (20,)
    assert one.coverage.mean.value == pytest.approx(samples.mean())
    assert one.coverage.deviation == pytest.approx(samples.std(ddof=1))
    assert one.gap.value == pytest.approx(samples.mean() - 0.5)


def test_too_few_images_have_no_conformal_sets(saved: SavedResult) -> None:
    """With fewer than nine, only sets of all classes keep 90 %."""
    found = assess_confidence(saved)
    reason = "half of the images are only 6, and sets of 90 % need at least 9 to be calibrated on"
    for part in (found.datasets["cells"].clean, found.datasets["cells"].corrupted):
        assert (part.coverage.mean.reason, part.coverage.deviation, part.gap.reason) == (reason, None, reason)
        assert part.scores["nll"].value is not None


def test_groups_move_the_halves(saved: SavedResult) -> None:
    """Two images a group, as in a patient's both eyes; a group that is not known is refused."""
    groups = {
        dataset: {name: index // 2 for index, name in enumerate(sorted(ids))}
        for dataset, ids in {key.dataset: cell.image_ids for key, cell in saved.predictions.items()}.items()
    }
    plain, grouped = (assess_confidence(saved, groups=each, conformal=SMALL) for each in (None, groups))
    assert (plain.grouped, grouped.grouped) == ((), ("cells", "rays"))
    assert plain.overall.clean.coverage.mean != grouped.overall.clean.coverage.mean
    assert "Images of one group" in confidence_tables(grouped)[1].caption
    groups["cells"].popitem()
    with pytest.raises(ConfigError, match=r"the group of the image .* of cells is not known"):
        assess_confidence(saved, groups=groups, conformal=SMALL)


def test_an_invalid_cell_leaves_undefined_what_depends_on_it(
    saved: SavedResult, benchmark: Benchmark
) -> None:
    """NaN in a corrupted cell: the clean numbers stand; in the clean cell: nothing can be calibrated."""
    nan = SetKey("cells", "test", "contrast", 3)

    def assessed(key: SetKey) -> Confidence:
        cells = answers(benchmark, datasets=["cells"])
        broken = cells[key].probabilities
        assert broken is not None
        broken = broken.copy()
        broken[1] = np.nan
        cells[key] = CellPredictions.of(key, cells[key].image_ids, cells[key].labels, broken)
        made = replace(saved, result=result_of(benchmark, cells, datasets=["cells"]), predictions=cells)
        return assess_confidence(made, conformal=SMALL)

    found = assessed(nan)
    assert found.datasets["cells"].clean.coverage.mean.value is not None
    for number in (*found.datasets["cells"].corrupted.scores.values(), found.datasets["cells"].corrupted.gap):
        assert number.value is None
        assert f"{nan} (the model gave NaN or infinite probabilities for 1 of 12 images)" in str(
            number.reason
        )
    found = assessed(SetKey("cells", "test", "clean", 0))
    assert found.datasets["cells"].corrupted.scores["nll"].value is not None
    reason = "sets are calibrated on clean images, and the clean cell is missing or invalid"
    assert found.datasets["cells"].corrupted.coverage.mean.reason == reason


def test_answers_in_words_have_no_confidence(saved: SavedResult) -> None:
    """Every number says so; balanced accuracy needs no probabilities."""
    cells = {
        key: CellPredictions.of(key, cell.image_ids, cell.labels, None, predictions=cell.predictions)
        for key, cell in saved.predictions.items()
    }
    found = assess_confidence(saved_of(saved, cells), conformal=SMALL)
    reason = "the model answered in words, without probabilities"
    for part in (found.datasets["rays"].clean, found.datasets["rays"].corrupted):
        assert {number.reason for number in (*part.scores.values(), part.coverage.mean, part.gap)} == {reason}
        assert part.bins is None
    point = {measure: drawn.point.overall.average_accuracy for measure, drawn in found.measures.items()}
    assert point["balanced_accuracy"].value is not None
    assert reason in str(point["macro_auroc"].reason)


def test_perfect_and_constant_models(saved: SavedResult) -> None:
    """Perfect: no loss, sets of one class that hold every label. Constant: at chance, sets of all classes."""
    cells = {**saved.predictions}
    perfect = with_probabilities(cells, lambda y, p: np.eye(p.shape[1])[y])
    constant = with_probabilities(cells, lambda y, p: np.full(p.shape, 1 / p.shape[1]))
    found = assess_confidence(saved_of(saved, perfect), conformal=SMALL).datasets["cells"].corrupted
    assert {name: number.value for name, number in found.scores.items()} == dict.fromkeys(SCORES, 0.0)
    assert (found.coverage.mean.value, found.coverage.deviation, found.size.mean.value) == (1, 0, 1)
    found = assess_confidence(saved_of(saved, constant), conformal=SMALL).datasets["cells"].corrupted
    assert found.scores["nll"].value == pytest.approx(np.log(3))
    assert (found.coverage.mean.value, found.size.mean.value) == (1, 3)


def test_mce_by_other_measures(saved: SavedResult, base: SavedResult) -> None:
    """Against the baseline's predictions, on the result's own resamples; the baseline itself is at 100 %."""
    found = assess_confidence(saved, baseline=base, conformal=SMALL)
    itself = assess_confidence(base, baseline=base, conformal=SMALL)
    for measure, drawn in found.measures.items():
        assert drawn.plan == PLAN
        mce = measure_estimates(drawn).overall.mce
        assert mce.value is not None
        assert mce.value < 1
        assert measure_estimates(itself.measures[measure]).overall.mce.value == pytest.approx(1)
        between = measure_differences(drawn, itself.measures[measure]).overall.mce
        assert between.value == pytest.approx(mce.value - 1)
    undefined = assess_confidence(saved, conformal=SMALL).measures["macro_auroc"].point.overall.mce
    assert "the baseline has no" in str(undefined.reason)


def test_loss_by_other_measures(saved: SavedResult, base: SavedResult) -> None:
    """Points lost follow from the cells' own metrics; the difference is that of two such losses."""
    found, theirs = assess_confidence(saved, baseline=base), assess_confidence(base)
    for measure, losses in found.losses.items():
        for dataset, one in losses.datasets.items():
            cells: dict[bool, list[float]] = {True: [], False: []}
            for cell in saved.result.scores.cells:
                if cell.dataset == dataset:
                    cells[cell.corruption == "clean"].append(cell.scores[measure].value or 0.0)
            lost = np.mean(cells[True]) - np.mean(cells[False])
            assert one.lost.points.value == pytest.approx(lost)
            other = theirs.losses[measure].datasets[dataset].lost.points.value
            paired = found.loss_differences[measure].datasets[dataset].lost.points
            assert other is not None
            assert paired.value == pytest.approx(lost - other)
    assert theirs.loss_differences == {}


def test_a_baseline_on_other_images_is_refused(saved: SavedResult, base: SavedResult) -> None:
    entries = base.result.run.benchmark.datasets
    other = tuple(entry.model_copy(update={"fingerprint": "0" * 64}) for entry in entries)
    record = base.result.run.benchmark.model_copy(update={"datasets": other})
    run = base.result.run.model_copy(update={"benchmark": record})
    moved = replace(base, result=base.result.model_copy(update={"run": run}))
    with pytest.raises(ConfigError, match="was measured on other images of cells"):
        assess_confidence(saved, baseline=moved, conformal=SMALL)


def test_tables(saved: SavedResult, base: SavedResult) -> None:
    """A row each for clean and corrupted images of each dataset and of all; reasons in place of numbers."""
    paired = assess_confidence(saved, baseline=base, conformal=SMALL)
    scores, sets, losses, errors = confidence_tables(paired)
    assert losses.headers[1:4] == tuple(
        f"Balanced accuracy: {each}" for each in ("points lost", "share kept", "difference")
    )
    assert scores.headers == ("Dataset", "Images", "NLL", "Brier score", "ECE", "AURC")
    labels = [[cell.text for cell in row[:2]] for row in scores.rows]
    names = ("cells", "rays", "all")
    assert labels == [[name, kind] for name in names for kind in ("clean", "corrupted")]
    assert [row[0].text for row in errors.rows] == [*names]
    assert errors.headers[1:] == ("mCE by balanced accuracy", "mCE by macro AUROC")
    found = assess_confidence(saved, conformal=SMALL)
    nll = found.datasets["cells"].clean.scores["nll"].value
    assert scores.rows[0][2].text == f"{nll:.3f}"
    assert "±" in sets.rows[0][2].text
    assert sets.rows[0][3].text[0] in "+-0\N{MINUS SIGN}"
    assert all("| cells |" in markdown(table) for table in (scores, sets, errors))
    assert len(confidence_tables(found)) == 3
    undefined = confidence_tables(assess_confidence(saved))[1]
    assert (
        undefined.reasons[0]
        == "half of the images are only 6, and sets of 90 % need at least 9 to be calibrated on"
    )


def test_rows_in_another_order_give_the_same_numbers(saved: SavedResult) -> None:
    """Shuffled rows in every cell; tables are equal to the last letter."""
    cells = {**saved.predictions}
    rng = np.random.default_rng(0)
    shuffled: Cells = {}
    for key, cell in cells.items():
        order = rng.permutation(len(cell))
        assert cell.probabilities is not None
        ids = [cell.image_ids[row] for row in order]
        shuffled[key] = CellPredictions.of(key, ids, cell.labels[order], cell.probabilities[order])
    one, other = (
        [
            markdown(table)
            for table in confidence_tables(assess_confidence(saved_of(saved, each), conformal=SMALL))
        ]
        for each in (cells, shuffled)
    )
    assert one == other


def test_a_result_asked_for_them_has_them(benchmark: Benchmark, tmp_path: Path) -> None:
    """``metrics`` writes the three into result.json, and reading checks them."""
    found = evaluated(tmp_path, benchmark, datasets=["rays"], metrics=("nll", "brier", "aurc"))
    assert found.result.metrics[4:] == ("nll", "brier", "aurc")
    assert found.result.plugins == ()
    numbers = assess_confidence(found, conformal=SMALL).cells
    for cell in found.result.scores.cells:
        assert {name: numbers[cell.key].scores[name] for name in cell.metrics} == cell.metrics
