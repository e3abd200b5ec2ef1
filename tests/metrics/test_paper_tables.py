"""The paper's Table 2 from its Table 3, through the code that scores a model."""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
import pytest

from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.suites import CORE
from medimeta_c.metrics.baselines import published_baseline
from medimeta_c.metrics.grid import Scope, error_grids
from medimeta_c.metrics.robustness import summarise
from medimeta_c.metrics.scores import checked_answers, score_cell
from medimeta_c.metrics.summary import Scores, Summary
from medimeta_c.metrics.values import Number

SCOPE = Scope.of_suite(CORE, CORE.datasets)
MODELS = ("CLIP", "MedCLIP", "BioMedCLIP", "UniMedCLIP", "RobustMedCLIP")
N = 10_000  # the table prints hundredths of a percent: as many images make every accuracy a count


def table(name: str) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of one of the paper's tables by (dataset, model)."""
    text = resources.files("medimeta_c.paper").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return {(row["dataset"], row["model"]): row for row in csv.DictReader(text.splitlines())}


def cells_of(row: dict[str, str]) -> dict[SetKey, float]:
    """Score 36 cells whose predictions are right as often as a row of Table 3 says."""
    pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")
    labels = np.arange(N) % 2
    errors: dict[SetKey, float] = {}
    for corruption in (CLEAN, *CORE.corruptions):
        right = np.arange(N) < round(float(row[corruption]) * N / 100)
        chosen = np.where(right, labels, 1 - labels)
        answers = checked_answers(np.eye(2)[chosen] * 0.6 + 0.2, labels)
        cell = score_cell(SetKey("pbc", "test", CLEAN, 0), answers, predictions_sha256="0" * 64)
        error = cell.error.value
        assert error is not None
        for severity in (0,) if corruption == CLEAN else CORE.severities:
            errors[SetKey(row["dataset"], "test", corruption, severity)] = error
    return errors


@pytest.fixture(scope="module")
def summaries() -> dict[str, Scores[Number]]:
    """Every model of the paper, scored and summarised against the published baseline."""
    accuracy = table("table3_accuracy")
    baseline = published_baseline().grids
    return {
        model: summarise(
            error_grids({k: e for d in SCOPE.datasets for k, e in cells_of(accuracy[d, model]).items()}),
            baseline,
            SCOPE,
        )
        for model in MODELS
    }


def test_table_2_follows_from_table_3(summaries: dict[str, Scores[Number]]) -> None:
    """All 450 cells (clean error, seven CE and mCE of 50 rows) within rounding, 0.15 of a percent."""
    compared, off = 0, []
    for (dataset, model), row in table("table2_ce_mce").items():
        summary: Summary[Number] = summaries[model].datasets[dataset]
        ours = {"clean": summary.clean_error, **summary.ce, "mce": summary.mce}
        for column, value in ours.items():
            compared += 1
            if value.percent is None or abs(value.percent - float(row[column])) > 0.15:
                off.append((dataset, model, column, value, row[column]))
    assert off == []
    assert compared == 450


def test_average_accuracy_is_table_3s(summaries: dict[str, Scores[Number]]) -> None:
    """The last column of Table 3 is the mean over corruptions; two printed decimals."""
    for (dataset, model), row in table("table3_accuracy").items():
        summary = summaries[model].datasets[dataset]
        assert summary.clean_accuracy.percent == pytest.approx(float(row["clean"]))
        assert summary.average_accuracy.percent == pytest.approx(float(row["average_accuracy"]), abs=0.011)


def test_few_shot_row_is_the_tables_model() -> None:
    """Table 6's ten percent row is RobustMedCLIP on PBC, as Tables 2 and 3 print it."""
    text = resources.files("medimeta_c.paper").joinpath("table6_fewshot.csv").read_text(encoding="utf-8")
    (row,) = [
        r
        for r in csv.DictReader(text.splitlines())
        if (r["variant"], r["fewshot_percent"]) == ("RMC-ViT", "10")
    ]
    accuracy = table("table3_accuracy")["pbc", "RobustMedCLIP"]
    error = table("table2_ce_mce")["pbc", "RobustMedCLIP"]
    assert (row["clean_accuracy"], row["corruption_accuracy"]) == (
        accuracy["clean"],
        accuracy["average_accuracy"],
    )
    assert (row["clean_error"], row["mce"]) == (error["clean"], error["mce"])


def test_published_baseline_is_table_3s_clip() -> None:
    """The data file repeats the CLIP rows, all ten, and says that they were not measured here."""
    baseline = published_baseline()
    assert not baseline.measured_on_these_shards
    assert "not measured on these shards" in baseline.note
    assert "2505.15425" in baseline.source
    assert set(baseline.grids) == set(SCOPE.datasets)
    for (dataset, model), row in table("table3_accuracy").items():
        if model == "CLIP":
            grid = baseline.grids[dataset]
            assert grid.clean == pytest.approx(1 - float(row["clean"]) / 100)
            assert {c: s.total for c, s in grid.corrupted.items()} == pytest.approx(
                {c: 5 * (1 - float(row[c]) / 100) for c in CORE.corruptions}
            )
