"""Effective robustness in a comparison: shown where there are enough models for a line."""

from __future__ import annotations

import numpy as np

from medimeta_c.metrics.resampling import Resampling
from medimeta_c.results.comparison import compare
from medimeta_c.results.comparison.views import comparison_tables
from medimeta_c.results.folder.saved import SavedResult
from tests.results.constructed_models import result_of_model, right_on

PLAN = Resampling(resamples=100)


def models(count: int) -> list[SavedResult]:
    """Models that lose a tenth of what they know, and a last one that loses nothing."""
    starts = np.linspace(0.6, 0.9, count)
    return [
        result_of_model(
            right_on(clean, clean if i == count - 1 else clean - 0.1, seed=i),
            spec=f"python:model:{i}",
            weights=f"{i:02x}" * 32,
        )
        for i, clean in enumerate(starts)
    ]


def test_the_model_that_loses_less_than_its_accuracy_lets_expect_is_above_the_line() -> None:
    compared = compare(models(9), plan=PLAN)
    points = {model.name: model.effective.points.value for model in compared.models if model.effective}
    best = max(points, key=lambda name: points[name] or -1.0)
    assert best == "python:model:8"
    assert points[best] > 0.03  # type: ignore[operator]
    (table,) = (one for one in comparison_tables(compared) if one.name == "Effective robustness")
    assert len(table.rows) == 9


def test_of_eight_models_each_has_too_few_others() -> None:
    compared = compare(models(8), plan=PLAN)
    for model in compared.models:
        assert model.effective is not None
        assert model.effective.points.value is None
        assert "8" in (model.effective.points.reason or "")
    assert all(one.name != "Effective robustness" for one in comparison_tables(compared))
    assert compared.to_dict()["models"][0]["effective"]["points"]["reason"]


def test_marked_results_are_in_no_line() -> None:
    answers = right_on(0.7, 0.7, seed=20)
    marked = result_of_model(answers, spec="python:marked:one", kind="phantoms", weights="ff" * 32)
    compared = compare([*models(9), marked], plan=PLAN)
    (found,) = (model.effective for model in compared.models if model.name == "python:marked:one")
    assert found is not None
    assert found.points.reason == "it is on phantoms: generated images, not medical ones"
