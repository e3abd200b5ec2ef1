"""The tiny benchmark, and a result on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_predictions import evaluated

from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.results.assessment.confidence import assess_confidence
from medimeta_c.results.assessment.confidence_numbers import Confidence
from medimeta_c.results.assessment.loss import Assessment, assess
from medimeta_c.results.baseline_choice import baseline_of
from medimeta_c.results.folder.saved import SavedResult

pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")


@pytest.fixture(scope="session")
def benchmark(built: Path) -> Benchmark:
    """The tiny image folders, built: `cells` (12 images, 3 classes) and `rays` (8 images, 2 classes)."""
    return open_benchmark(built)


@pytest.fixture(scope="session")
def base(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A mostly wrong model's result, scored without a baseline. Read only.

    Right more often, it would leave some resamples of so few images without an error to divide by.
    """
    out = tmp_path_factory.mktemp("base")
    return evaluated(
        out, benchmark, skill=-1.5, seed=2, spec="ViT-B-16/openai", model={"weights_sha256": "cd" * 32}
    )


@pytest.fixture(scope="session")
def saved(benchmark: Benchmark, base: SavedResult, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A better model's result, divided by the weak one's. Read only."""
    return evaluated(tmp_path_factory.mktemp("saved"), benchmark, skill=2.5, baseline=str(base.path))


@pytest.fixture(scope="session")
def found(saved: SavedResult, base: SavedResult) -> Assessment:
    """What the better model's result says, beside the weak one. Read only."""
    return assess(saved, baseline_of(base, saved.result.run.benchmark))


@pytest.fixture(scope="session")
def confidence(found: Assessment) -> Confidence:
    """How far its probabilities can be trusted. Read only."""
    return assess_confidence(found.saved, groups=found.groups, baseline=found.baseline)
