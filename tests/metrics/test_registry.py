"""The registry of metrics: what it takes, what it refuses, and where a metric has no value."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.registry import BUILT_IN, METRICS, Answers, Metric, chosen_metrics
from medimeta_c.metrics.scores import NO_ANSWER, NO_PREDICTION, checked_answers, score_cell
from medimeta_c.metrics.summary import CellScore

sys.path.append(str(Path(__file__).parents[1] / "results"))

from other_metrics import installed

pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")

CONFIDENCE = ("nll", "brier", "aurc")
KEY = SetKey("pbc", "test", "clean", 0)
P = [[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]]
Y = [0, 0, 1, 1]


def scored(answers: Answers, *wanted: str | Metric) -> CellScore:
    """A cell scored with the built-in metrics and some others."""
    return score_cell(KEY, answers, predictions_sha256="0" * 64, metrics=chosen_metrics(wanted))


def test_every_built_in_metric_is_a_field_of_a_cell() -> None:
    """In the registry's order; names, ranges and directions are what reports say."""
    assert tuple(METRICS)[:4] == BUILT_IN == ("top1", "balanced_accuracy", "macro_auroc", "ece")
    assert set(BUILT_IN) <= set(CellScore.model_fields)
    assert [name for name in BUILT_IN if METRICS[name].lower_is_better] == ["ece"]


def test_no_cell_has_the_confidence_metrics_unless_they_are_asked_for() -> None:
    """Files keep the metrics that they always had."""
    assert tuple(METRICS)[4:7] == CONFIDENCE
    assert scored(checked_answers(P, Y)).metrics == {}
    asked = scored(checked_answers(P, Y), *CONFIDENCE)
    assert tuple(asked.metrics) == CONFIDENCE
    assert all(METRICS[name].lower_is_better for name in CONFIDENCE)


def test_metrics_of_another_distribution(tmp_path: Path) -> None:
    """Found by name, computed beside ours, and kept in the mapping; ours are as they were."""
    with installed(tmp_path):
        assert set(METRICS) == {*BUILT_IN, *CONFIDENCE, "distance", "broken", "worst_group"}
        cell = scored(checked_answers(P, Y, groups=[5, 5, 6, 6]), "distance", "worst_group")
        # Squared distances from the truth: 0.02, 0.32, 0.98, 0.08.
        assert cell.metrics["distance"].value == pytest.approx(1.4 / 4)
        assert cell.metrics["worst_group"].value == 0.5
        assert cell.model_copy(update={"metrics": {}}) == scored(checked_answers(P, Y))


def test_without_groups_there_is_a_reason(tmp_path: Path) -> None:
    """Where the benchmark knows no groups, a metric that needs them is undefined and says so."""
    with installed(tmp_path):
        found = scored(checked_answers(P, Y), "worst_group").metrics["worst_group"]
    assert found.value is None
    assert "does not say which images belong together" in str(found.reason)


def test_an_answer_in_words_has_no_probability_metrics() -> None:
    """No answer is wrong and leaves the cell valid; what needs probabilities says that there are none."""
    answers = checked_answers(None, Y, predictions=[0, NO_ANSWER, 1, 1], class_names=("a", "b"))
    cell = scored(answers, *CONFIDENCE)
    assert (cell.n, cell.invalid, cell.correct) == (4, 0, 3)
    assert (cell.top1.value, cell.balanced_accuracy.value) == (0.75, 0.75)
    for number in (cell.macro_auroc, cell.ece, *cell.metrics.values()):
        assert number.reason == "the model answered in words, without probabilities"


def test_an_invalid_answer_in_words_invalidates_the_cell() -> None:
    """-1 is NaN, whether or not probabilities were asked for."""
    answers = checked_answers(None, Y, predictions=[0, NO_PREDICTION, 1, 1], class_names=("a", "b"))
    assert (scored(answers).invalid, scored(answers).top1.value) == (1, None)


@pytest.mark.parametrize("value", [-7.0, 1.01, math.nan, math.inf])
def test_a_value_out_of_range_is_refused(value: float) -> None:
    """When it is computed, by name, with the range."""
    metric = Metric(name="odd", label="Odd", function=lambda labels: value, inputs=("labels",))
    with pytest.raises(ConfigError, match=r"the metric 'odd' gave .*: expected 0 to 1"):
        scored(checked_answers(P, Y), metric)


def test_rounding_at_the_end_of_a_range_is_not_out_of_it() -> None:
    """A sum that misses 1 by the last digit is 1."""
    metric = Metric(name="odd", label="Odd", function=lambda labels: 1 + 1e-12, inputs=("labels",))
    assert scored(checked_answers(P, Y), metric).metrics["odd"].value == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "F 1"}, "not usable"),
        ({"inputs": ("images",)}, "asks for 'images': use labels"),
        ({"low": 1.0}, "has no range"),
    ],
)
def test_what_is_no_metric_is_refused(change: dict[str, Any], message: str) -> None:
    """Before it is computed."""
    values = {"name": "f1", "label": "F1", "function": np.mean, "inputs": ("labels",)}
    with pytest.raises(ConfigError, match=message):
        Metric(**{**values, **change})


@pytest.mark.parametrize(
    ("change", "percent"),
    [
        ({}, True),
        ({"low": -1.0}, True),
        ({"high": 2.0}, False),
        ({"unit": ""}, False),
        ({"unit": "nats"}, False),
    ],
)
def test_fractions_are_in_percent(change: dict[str, Any], percent: bool) -> None:
    """By the range, unless a metric names its unit."""
    values = {"name": "f1", "label": "F1", "function": np.mean, "inputs": ("labels",)}
    assert Metric(**{**values, **change}).in_percent is percent


def test_one_name_is_one_metric(tmp_path: Path) -> None:
    """Unknown names are refused with the known ones; a second metric of a name is refused."""
    with pytest.raises(ConfigError, match=r"unknown metric 'f1'.*known: top1"):
        chosen_metrics(["f1"])
    other = Metric(name="ece", label="ECE", function=np.mean, inputs=("labels",))
    with pytest.raises(ConfigError, match="two metrics are named 'ece'"):
        chosen_metrics([other])
    with installed(tmp_path):
        assert [one.name for one in chosen_metrics(["distance", METRICS["distance"]])] == [
            *BUILT_IN,
            "distance",
        ]


@pytest.mark.parametrize("name", ["top1", "n"])
def test_a_field_of_a_cell_is_no_other_metric(name: str) -> None:
    """What has a field cannot stand in the mapping too, where it would be shown in its place."""
    cell = scored(checked_answers(P, Y))
    values = {**cell.model_dump(), "metrics": {name: {"value": 0.5, "reason": None}}}
    with pytest.raises(ValueError, match=f"{name} is a field, so it cannot name"):
        CellScore.model_validate(values)
