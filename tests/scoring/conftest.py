"""A tiny model on ten sets, scored with a sweep over wordings of the prompts and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tiny_results import TEMPLATES, Configure, Score, without_reports

if TYPE_CHECKING:
    from medimeta_c import EvaluateConfig
    from medimeta_c.results.folder.saved import SavedResult


@pytest.fixture(scope="module")
def no_reports() -> Iterator[None]:
    """Drawing reports takes most of an evaluation's time."""
    with without_reports():
        yield


@pytest.fixture(scope="session")
def benchmark(clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten sets: two datasets, two corruptions, two severities."""
    from medimeta_c.building.build import BuildConfig, build

    out = tmp_path_factory.mktemp("built") / "benchmark"
    build(
        BuildConfig(
            datasets=("cells", "rays"),
            source="imagefolder",
            data_dir=clean_dir,
            out=out,
            corruptions=("contrast", "pixelate"),
            severities=(1, 3),
            jobs=1,
        )
    )
    return out


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small open_clip model in a local folder."""
    import torch
    from model_factories import make_open_clip_folder

    torch.set_num_threads(1)
    return make_open_clip_folder(tmp_path_factory.mktemp("models") / "tiny", seed=1, image_size=32)


@pytest.fixture(scope="session")
def wordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four paraphrases in a file."""
    file = tmp_path_factory.mktemp("prompts") / "wordings.yaml"
    file.write_text(f"version: 1\ntemplates: {json.dumps(TEMPLATES)}\n", encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def configure(benchmark: Path, tiny: Path) -> Configure:
    """Make a configuration that scores the tiny model, loaded once, on the ten sets."""
    from medimeta_c import EvaluateConfig, load_model
    from medimeta_c.metrics.resampling import Resampling

    loaded = load_model(f"local-dir:{tiny}")

    def call(out: Path, **changes: Any) -> EvaluateConfig:
        values: dict[str, Any] = {
            "model": loaded,
            "benchmark": benchmark,
            "baseline": "none",
            "out": out,
            "device": "cpu",
            "batch_size": 7,
            "resampling": Resampling(resamples=100),
        }
        return EvaluateConfig(**{**values, **changes})

    return call


@pytest.fixture(scope="session")
def score(configure: Configure, wordings: Path) -> Score:
    """Evaluate the tiny model with a sweep over the four wordings."""
    from medimeta_c import evaluate

    def call(out: Path, **changes: Any) -> SavedResult:
        return evaluate(configure(out, **{"prompts_sweep": wordings, **changes}))

    return call


@pytest.fixture(scope="session")
def plain(score: Score, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """One process's result without a sweep and without reports. Read only."""
    with without_reports():
        return score(tmp_path_factory.mktemp("plain"), prompts_sweep=None)


@pytest.fixture(scope="session")
def swept(score: Score, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """One process's result with a sweep and without reports. Read only."""
    with without_reports():
        return score(tmp_path_factory.mktemp("swept"))
