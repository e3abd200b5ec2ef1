"""A tiny benchmark, results on it, and the submissions they make."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "results"))

from made_up_predictions import evaluated
from submissions_on_disk import PLAIN, place

from medimeta_c.benchmark import Benchmark, open_benchmark
from medimeta_c.leaderboard.accepted import Accepted, accept
from medimeta_c.leaderboard.submission import described
from medimeta_c.results.folder import SavedResult

pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")


@pytest.fixture(scope="session")
def benchmark(built: Path) -> Benchmark:
    """The tiny image folders, built: `cells` (12 images, 3 classes) and `rays` (8 images, 2 classes)."""
    return open_benchmark(built)


@pytest.fixture(scope="session")
def accepted(benchmark: Benchmark) -> Accepted:
    """What a board on that benchmark accepts."""
    return accept(benchmark)


@pytest.fixture(scope="session")
def weak(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A mostly wrong model's result, to divide by. Read only."""
    out = tmp_path_factory.mktemp("weak")
    return evaluated(
        out, benchmark, skill=-1.5, seed=2, spec="ViT-B-16/openai", model={"weights_sha256": "cd" * 32}
    )


@pytest.fixture(scope="session")
def saved(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A good model's result, scored without a baseline. Read only."""
    return evaluated(tmp_path_factory.mktemp("saved"), benchmark, skill=2.5)


@pytest.fixture
def submitted(saved: SavedResult, tmp_path: Path) -> Callable[..., Path]:
    """Put a copy of a result, the good model's by default, at its place in a board's tree."""

    def make(result: SavedResult = saved, root: Path = tmp_path, **fields: Any) -> Path:
        return place(root, result, described({**PLAIN, **fields}, declared=True))

    return make
