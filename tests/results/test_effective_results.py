"""Effective robustness of results: which results make the line, and which have no number."""

from __future__ import annotations

from typing import Any

import pytest

from medimeta_c.metrics.effective import ModelPoint, effective_robustness
from medimeta_c.results.assessment.effective import effective_robustness_of
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.result import Result


def results(saved: SavedResult, n: int) -> list[Result]:
    """Results of `n` models on the same images, with accuracies of their own."""
    return [like(saved.result, index) for index in range(n)]


def like(result: Result, index: int, **changes: Any) -> Result:
    """A result of another model: on clean images better with each, under corruption in no order."""
    scores = result.scores

    def moved(summary: Any) -> Any:
        clean = summary.clean_accuracy.model_copy(update={"value": 0.5 + 0.03 * index})
        corrupted = summary.average_accuracy.model_copy(update={"value": 0.4 + 0.02 * (index * 7 % 11)})
        return summary.model_copy(update={"clean_accuracy": clean, "average_accuracy": corrupted})

    datasets = {name: moved(summary) for name, summary in scores.datasets.items()}
    scores = scores.model_copy(update={"datasets": datasets, "overall": moved(scores.overall)})
    model = result.run.model.model_copy(update={"weights_sha256": f"{index:064x}"})
    run = result.run.model_copy(update={"model": model, **changes.pop("run", {})})
    return result.model_copy(update={"scores": scores, "run": run, **changes})


def test_each_result_has_its_number_by_dataset_and_over_all(saved: SavedResult) -> None:
    """Those of the metric, from clean and average accuracy."""
    made = results(saved, 9)
    points = {
        str(index): ModelPoint(
            model=str(index),
            clean=one.scores.overall.clean_accuracy,
            corrupted=one.scores.overall.average_accuracy,
        )
        for index, one in enumerate(made)
    }
    expected = effective_robustness(points)
    found = effective_robustness_of(made)
    assert [one[""].residual for one in found] == [each.residual for each in expected.values()]
    assert found[3]["cells"].residual == found[3]["rays"].residual == found[3][""].residual
    assert {number.residual.value is None for one in found for number in one.values()} == {False}


@pytest.mark.parametrize("change", ["trial", "other images", "fewer corruptions", "same weights"])
def test_results_of_other_terms_are_in_no_line(saved: SavedResult, change: str) -> None:
    """A ninth result that is marked, of other images, of other corruptions, or of a model that is there."""
    made = results(saved, 8)
    one = saved.result
    scope, record = one.scope, one.run.benchmark
    if change == "trial":
        ninth = like(one, 8, marks=("limited",))
    elif change == "other images":
        entries = tuple(entry.model_copy(update={"fingerprint": "0" * 64}) for entry in record.datasets)
        ninth = like(one, 8, run={"benchmark": record.model_copy(update={"datasets": entries})})
    elif change == "fewer corruptions":
        fewer = {name: corruptions[1:] for name, corruptions in scope.corruptions.items()}
        ninth = like(one, 8, scope=scope.model_copy(update={"corruptions": fewer}))
    else:
        ninth = like(one, 7)
    found = effective_robustness_of([*made, ninth])
    reason = "a line needs 8 other models measured on these images, and there are 7"
    assert {number.residual.reason for number in found[0].values()} == {reason}
    if change == "trial":
        assert found[8][""].residual.reason == "it is a trial on a part of each split"
