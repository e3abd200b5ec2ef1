"""On phantoms, a probe of a random encoder learns what its prompts cannot know, and nothing from noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_factories import make_open_clip_folder

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.metrics.values import Estimate
from medimeta_c.probing import ProbeConfig, probe, run
from medimeta_c.results.folder.saved import read_saved

CLASSES = 8


@pytest.mark.slow
def test_probes_beat_zero_shot_and_shuffled_labels_leave_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clean accuracies with intervals apart; with labels of train and val dealt anew, chance is within."""
    folder = make_open_clip_folder(tmp_path / "tiny", image_size=56)
    build(
        BuildConfig(
            datasets="pbc",
            source="phantoms",
            data_dir=tmp_path / "data",
            out=tmp_path / "benchmark",
            corruptions="brightness",
            severities=1,
            jobs=1,
        )
    )
    config = ProbeConfig(
        model=f"local-dir:{folder}",
        benchmark=tmp_path / "benchmark",
        data_dir=tmp_path / "data",
        out=tmp_path / "results",
        heads=("zero-shot", "linear"),
        shots="all",
        seeds=0,
        baseline="none",
        device="cpu",
        workers=0,
    )
    blind, trained = clean_accuracies(config)
    assert blind.high is not None
    assert trained.low is not None
    assert trained.low > blind.high
    embed = run._embed

    def shuffled(*given: Any) -> Any:
        found = embed(*given)
        order = np.random.Generator(np.random.Philox(key=5)).permutation(len(found))
        return replace(found, labels=found.labels[order])

    monkeypatch.setattr(run, "_embed", shuffled)
    for head in ("linear", "knn", "ncm"):
        (lost,) = clean_accuracies(replace(config, heads=head, out=tmp_path / "shuffled"))
        assert lost.low is not None
        assert lost.high is not None
        assert lost.low <= 1 / CLASSES <= lost.high


def clean_accuracies(config: ProbeConfig) -> list[Estimate]:
    """Run a probe; return the accuracy of each head on clean images."""
    results = (read_saved(config.out / one.folder).result for one in probe(config).runs)
    cells = [result.scores.cells[-1] for result in results]
    assert all(cell.corruption == "clean" for cell in cells)
    return [cell.top1 for cell in cells]
