"""Probing tests: a benchmark of tiny image folders with all splits, and a tiny model of random weights."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from model_fixtures import images_dir, one_thread, tiny_model

if TYPE_CHECKING:
    from medimeta_c.probing import ProbeConfig

__all__ = ["images_dir", "one_thread", "tiny_model"]

if any(find_spec(name) is None for name in ("torch", "open_clip", "transformers", "sklearn")):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def benchmark_dir(images_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test split of both folders, under one corruption at one severity."""
    from medimeta_c.building.build import BuildConfig, build

    out = tmp_path_factory.mktemp("built") / "benchmark"
    build(
        BuildConfig(
            datasets=("cells", "rays"),
            source="imagefolder",
            data_dir=images_dir,
            out=out,
            corruptions="contrast",
            severities=2,
            jobs=1,
        )
    )
    return out


@pytest.fixture
def configure(
    tiny_model: str, images_dir: Path, benchmark_dir: Path, tmp_path: Path
) -> Callable[..., ProbeConfig]:
    """Make a configuration that probes the tiny model on the CPU, quickly."""

    def make(**changes: object) -> ProbeConfig:
        from medimeta_c.metrics.resampling import Resampling
        from medimeta_c.probing import ProbeConfig

        values: dict[str, object] = {
            "model": tiny_model,
            "benchmark": benchmark_dir,
            "data_dir": images_dir,
            "out": tmp_path / "results",
            "heads": ("linear", "ncm"),
            "shots": (2, "all"),
            "seeds": (0, 1),
            "baseline": "none",
            "device": "cpu",
            "workers": 0,
            "resampling": Resampling(resamples=100),
        }
        return ProbeConfig(**{**values, **changes})  # type: ignore[arg-type]

    return make
