"""Scores for figures: the paper's, and those of results and ablations on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.paper import (
    ModelScores,
    find_results,
    mean_over_datasets,
    published_fewshot,
    published_scores,
    read_fewshot,
)


def test_the_paper_is_whole() -> None:
    """Fifty rows of Tables 2 and 3, eight of Table 6, nothing undefined."""
    scores = published_scores()
    assert len(scores) == 50
    assert all(one.mce is not None and None not in one.ce.values() for one in scores)
    assert len(published_fewshot()) == 8


def test_means_are_over_the_same_datasets() -> None:
    """A model that was not scored on every dataset, or lacks a number of one, has no mean to compare."""
    scores = [one for one in published_scores() if one.collection == "MediMeta-C"]
    clip = [one for one in scores if one.model == "CLIP"]

    def mce(one: ModelScores) -> float | None:
        return one.mce

    assert mean_over_datasets(scores, "CLIP", mce) == pytest.approx(100)
    assert mean_over_datasets([one for one in scores if one is not clip[0]], "CLIP", mce) is None
    unknown = [replace(one, mce=None) if one is clip[0] else one for one in scores]
    assert mean_over_datasets(unknown, "CLIP", mce) is None
    assert mean_over_datasets(unknown, "MedCLIP", mce) is not None
    assert mean_over_datasets(clip, "CLIP", mce) == pytest.approx(100)


RUNS = [
    {
        "folder": f"fewshot-0.1/seed-{seed}",
        "fraction": 0.1,
        "seed": seed,
        "images": 9,
        "trainable_parameters": 5,
        "total_parameters": 1_000_000,
        "hours": 1.0 + seed,
        "val_accuracy": 0.5,
        "scored": {
            "clean_accuracy": accuracy,
            "average_accuracy": 0.5,
            "clean_error": None,
            "mce": 0.9,
            "why_no_mce": None,
        },
    }
    for seed, accuracy in enumerate((0.6, 0.8))
]
ABLATION = {
    "schema_version": 1,
    "model": "local-dir:a/mine",
    "datasets": ["pbc"],
    "benchmark": "MediMeta-C",
    "baseline": "none",
    "base": None,
    "runs": RUNS,
}


def test_an_ablation_is_averaged_over_its_seeds(tmp_path: Path) -> None:
    """Means and sample standard deviations in percent; one undefined seed leaves the mean undefined."""
    (tmp_path / "ablation.json").write_text(json.dumps(ABLATION))
    (row,) = read_fewshot(tmp_path)
    assert (row.variant, row.percent, row.train_hours) == ("mine", 10.0, 1.5)
    assert row.clean_accuracy == pytest.approx(70)
    assert row.spread["clean_accuracy"] == pytest.approx(200**0.5)
    assert row.clean_error is None and "clean_error" not in row.spread
    assert row.trainable_percent == pytest.approx(5e-4)
    assert row.split == "train"
    (tmp_path / "ablation.json").write_text(json.dumps(ABLATION | {"schema_version": 2, "draw_from": "val"}))
    assert read_fewshot(tmp_path)[0].split == "val"


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": []},
        {"model": 1},
        {"base": 0},
        {"runs": [RUNS[0] | {"total_parameters": 0}]},
        {"runs": [RUNS[0] | {"hours": "1.0"}]},
    ],
    ids=str,
)
def test_an_ablation_with_a_mistake_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    """The sentence names the file, the place and what writes one."""
    (tmp_path / "ablation.json").write_text(json.dumps(ABLATION | changes))
    with pytest.raises(
        ResultError, match=rf"ablation\.json is not valid at {next(iter(changes))}.*medimeta-c finetune"
    ):
        read_fewshot(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"model": "a", "base": null}', "\xff", "[" * 9999])
def test_another_file_is_no_ablation(tmp_path: Path, text: str) -> None:
    """The sentence names the file."""
    (tmp_path / "ablation.json").write_text(text)
    with pytest.raises(ResultError, match=r"ablation\.json (is not valid JSON|has schema version None)"):
        read_fewshot(tmp_path)


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    """A path that holds no result is an error, not an empty figure."""
    with pytest.raises(ConfigError, match=r"holds no result\.json"):
        find_results([str(tmp_path)])
