"""The tiny benchmark, and results of made-up models on it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from medimeta_c.format.benchmark import Benchmark, open_benchmark

sys.path.append(str(Path(__file__).parents[1] / "results"))


@pytest.fixture(scope="session")
def benchmark(built: Path) -> Benchmark:
    """The tiny image folders, built: `cells` (12 images, 3 classes) and `rays` (8 images, 2 classes)."""
    pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")
    return open_benchmark(built)
