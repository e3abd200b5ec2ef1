"""From predictions to numbers: by hand, without a baseline, with holes, and again for a check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import ENVIRONMENT, PLAN, answers, evaluated, identity, result_of
from other_metrics import installed

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.suites import CORE
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.registry import chosen_metrics
from medimeta_c.results.baseline_choice import choose_baseline
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import benchmark_record
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.recomputation import disagreements, rescore
from medimeta_c.results.scoring import Terms, make_result, scope_of, score

KEY = SetKey("cells", "test", "contrast", 2)


def without(cells: dict[SetKey, CellPredictions], *keys: SetKey) -> dict[SetKey, CellPredictions]:
    return {key: cell for key, cell in cells.items() if key not in keys}


def test_every_number_by_hand(saved: SavedResult, base: SavedResult) -> None:
    """Accuracy, CE, mCE and their means, written out from counts of correct predictions."""

    def accuracy(result: SavedResult, dataset: str, corruption: str) -> float:
        severities = (0,) if corruption == CLEAN else CORE.severities
        keys = [SetKey(dataset, "test", corruption, s) for s in severities]
        return float(np.mean([result.predictions[key].correct.mean() for key in keys]))

    mces = []
    for dataset in ("cells", "rays"):
        found = saved.result.scores.datasets[dataset]
        ce = {
            c: (1 - accuracy(saved, dataset, c)) / (1 - accuracy(base, dataset, c)) for c in CORE.corruptions
        }
        mces.append(np.mean(list(ce.values())))
        assert found.clean_accuracy.value == pytest.approx(accuracy(saved, dataset, CLEAN))
        assert {c: one.value for c, one in found.ce.items()} == pytest.approx(ce)
        assert found.mce.value == pytest.approx(mces[-1])
        assert {c: one.value for c, one in found.accuracy.items()} == pytest.approx(
            {c: accuracy(saved, dataset, c) for c in CORE.corruptions}
        )
    overall = saved.result.scores.overall
    assert overall.mce.value == pytest.approx(np.mean(mces))
    assert overall.mce.low is not None
    assert overall.mce.low < np.mean(mces)
    assert overall.average_accuracy.value == pytest.approx(
        np.mean([one.value for one in overall.accuracy.values()])
    )


def test_a_model_against_itself_is_at_one(tmp_path: Path, benchmark: Benchmark, base: SavedResult) -> None:
    """Paired with its own predictions every CE is 100 %, and so is every interval."""
    again = evaluated(
        tmp_path, benchmark, skill=-1.5, seed=2, spec="ViT-B-16/openai", baseline=str(base.path)
    ).result.scores.overall.mce
    assert (again.value, again.low, again.high) == pytest.approx((1, 1, 1))


def test_missing_cells_leave_no_mce(benchmark: Benchmark, base: SavedResult) -> None:
    """The result is incomplete; what the hole does not touch is there; the reason names the hole."""
    result = result_of(benchmark, without(answers(benchmark), KEY), baseline=str(base.path))
    assert not result.complete
    assert result.missing == (KEY,)
    overall, cells = result.scores.overall, result.scores.datasets["cells"]
    for summary, count in ((overall, 72), (cells, 36)):
        assert summary.mce.value is None
        assert f"1 of {count} are missing or invalid: {KEY}" in str(summary.mce.reason)
    assert cells.ce["pixelate"].value is not None
    assert cells.ce["contrast"].value is None
    assert "not scored" in str(cells.accuracy["contrast"].reason)
    assert result.scores.datasets["rays"].mce.value is not None


def test_nan_makes_a_cell_invalid(benchmark: Benchmark, base: SavedResult) -> None:
    """It is there, so the result is complete; it is counted, has no score, and there is no mCE."""
    cells = answers(benchmark)
    p = cells[KEY].probabilities.copy()
    p[0, 0] = np.nan
    cells[KEY] = CellPredictions.of(KEY, cells[KEY].image_ids, cells[KEY].labels, p)
    result = result_of(benchmark, cells, baseline=str(base.path))
    assert result.complete
    assert result.invalid == (KEY,)
    cell = result.cell(KEY)
    assert cell is not None
    assert (cell.invalid, cell.top1.value) == (1, None)
    assert "NaN or infinite probabilities for 1 of 12 images" in str(cell.top1.reason)
    assert str(KEY) in str(result.scores.overall.mce.reason)


def test_without_a_baseline_there_are_accuracies_only(base: SavedResult) -> None:
    """Every ratio says that there is nothing to divide by."""
    overall = base.result.scores.overall
    assert base.result.baseline is None
    assert overall.clean_accuracy.value is not None
    ratios = (overall.mce, overall.clean_error, overall.relative_mce, *overall.ce.values())
    assert {one.reason for one in ratios} == {"no baseline was given to divide by"}


def test_the_published_baseline_is_for_other_datasets(benchmark: Benchmark) -> None:
    """One sentence: what it lacks, what it has, and both ways out."""
    record = benchmark_record(benchmark.name, benchmark.manifest)
    with pytest.raises(ConfigError) as caught:
        choose_baseline("published", record)
    sentence = str(caught.value)
    assert "baseline 'published' has no cells, rays (it has: pbc, " in sentence
    assert "score the baseline model on yours and give its result" in sentence
    assert "score without one by `baseline='none'`" in sentence


def test_a_baseline_of_other_images_is_refused(
    tmp_path: Path, benchmark: Benchmark, base: SavedResult
) -> None:
    """Equal names are not enough: the dataset's fingerprint must be the same, and the split."""
    record = benchmark_record(benchmark.name, benchmark.manifest)
    other = record.model_copy(
        update={"datasets": tuple(e.model_copy(update={"fingerprint": "0" * 64}) for e in record.datasets)}
    )
    with pytest.raises(ConfigError, match="measured on other images of cells"):
        choose_baseline(str(base.path), other)
    with pytest.raises(ConfigError, match="of the test split, this run of val"):
        choose_baseline(str(base.path), record, "val")
    partial = evaluated(tmp_path, benchmark, datasets=["rays"])
    with pytest.raises(ConfigError, match="has no cells"):
        choose_baseline(str(partial.path), record)
    with pytest.raises(ConfigError, match="unknown baseline 'publish'"):
        choose_baseline("publish", record)


def test_a_result_recomputes_to_itself(saved: SavedResult) -> None:
    """All numbers follow from the predictions and the recorded baseline; a changed one is found."""
    computed = rescore(saved.result, saved.predictions)
    assert disagreements(saved.result.scores, computed) == ()
    mce = saved.result.scores.overall.mce
    better = saved.result.scores.overall.model_copy(update={"mce": mce.model_copy(update={"value": 0.01})})
    claimed = saved.result.scores.model_copy(update={"overall": better})
    (found,) = disagreements(claimed, computed)
    assert found.startswith("mce of all datasets is 0.01, recomputed ")


def test_predictions_that_do_not_fit_are_refused(benchmark: Benchmark) -> None:
    """Of a cell nobody asked for, with a class too many, or with an image too few."""
    record = identity(benchmark).benchmark
    cell = answers(benchmark)[KEY]
    terms = Terms(scope=scope_of(benchmark.manifest), baseline=None, resampling=PLAN)
    narrow = Terms(scope=Scope(corruptions={"cells": ("contrast",)}, severities=(1,)), baseline=None)
    with pytest.raises(ResultError, match="was not requested"):
        score({KEY: cell}, record, narrow)
    fewer = CellPredictions.of(KEY, cell.image_ids[1:], cell.labels[1:], cell.probabilities[1:])
    with pytest.raises(ResultError, match="over 11 images and 3 classes; the benchmark has 12 and 3"):
        score({KEY: fewer}, record, terms)
    p = np.pad(cell.probabilities, ((0, 0), (0, 1)))
    with pytest.raises(ResultError, match="over 12 images and 4 classes"):
        score({KEY: CellPredictions.of(KEY, cell.image_ids, cell.labels, p)}, record, terms)


def test_the_scope_is_what_was_built(benchmark: Benchmark) -> None:
    """All corruptions in the paper's order and all severities; other datasets and splits are refused."""
    scope = scope_of(benchmark.manifest, datasets=["rays"])
    assert scope == Scope(corruptions={"rays": CORE.corruptions}, severities=CORE.severities)
    with pytest.raises(ConfigError, match="no corrupted set of rays is built for the val split"):
        scope_of(benchmark.manifest, datasets=["rays"], split="val")
    with pytest.raises(ConfigError, match="has no val split of cells"):
        benchmark_record(benchmark.name, benchmark.manifest, split="val")


def test_a_metric_may_use_the_benchmarks_groups(benchmark: Benchmark, tmp_path: Path) -> None:
    """Given by dataset and image id; whoever computes it again needs them too."""
    cells = {key: cell for key, cell in answers(benchmark).items() if key.dataset == "rays"}
    run = identity(benchmark, datasets=["rays"])
    groups = {"rays": {image_id: index // 4 for index, image_id in enumerate(cells[max(cells)].image_ids)}}
    with installed(tmp_path):
        terms = Terms(
            scope=scope_of(benchmark.manifest, datasets=["rays"]),
            baseline=None,
            resampling=PLAN,
            metrics=chosen_metrics(["worst_group"]),
            groups=groups,
        )
        known = run.benchmark.model_copy(update={"groups_sha256": "ab" * 32})
        result = make_result(run.model_copy(update={"benchmark": known}), ENVIRONMENT, cells, terms)
        for cell in result.scores.cells:
            right = cells[cell.key].correct
            assert cell.metrics["worst_group"].value == min(right[:4].mean(), right[4:].mean())
        assert disagreements(result.scores, rescore(result, cells, groups)) == ()
        with pytest.raises(ResultError, match="worst_group was computed with the benchmark's groups"):
            rescore(result, cells)
        with pytest.raises(ResultError, match="do not contain"):
            rescore(result, cells, {"rays": {}})
