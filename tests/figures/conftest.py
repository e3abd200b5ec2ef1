"""A tiny benchmark with results of two made-up models on it, an ablation and features."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medimeta_c.figures.exhibit import Inputs, name_builds
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.paper import built_datasets, find_results, published_datasets, read_fewshot, scores_of
from medimeta_c.results.ablation import Scored
from medimeta_c.results.featurefile import Features, write_features
from medimeta_c.results.result import Result, write_result

sys.path.append(str(Path(__file__).parents[1] / "results"))


@pytest.fixture(scope="session")
def benchmark(built: Path) -> Benchmark:
    """The tiny image folders, built: `cells` (12 images, 3 classes) and `rays` (8 images, 2 classes)."""
    return open_benchmark(built)


@pytest.fixture(scope="session")
def result_root(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two results: ViT-B-16/openai, and a better model divided by it. Read only."""
    pytest.importorskip("sklearn.metrics", reason="needs the 'evaluate' extra")
    from made_up_predictions import evaluated

    out = tmp_path_factory.mktemp("results")
    base = evaluated(
        out, benchmark, skill=-1.5, seed=2, spec="ViT-B-16/openai", model={"weights_sha256": "cd" * 32}
    )
    evaluated(
        out,
        benchmark,
        skill=2.5,
        baseline=str(base.path),
        spec="hf-hub:org/BiomedCLIP_tiny@abc",
        model={"architecture": "RN50"},
    )
    return out


@pytest.fixture(scope="session")
def ablation_folder(result_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a fine-tuning ablation over two shares and two seeds leaves: its file, and each run's result."""
    folder = tmp_path_factory.mktemp("ablation")
    found = find_results([str(result_root)])
    (base,), (better,) = found["ViT-B-16/openai"], found["BiomedCLIP_tiny"]

    def scored(place: str, result: Result) -> dict[str, Any]:
        home = folder / place / "results/model/0123456789ab"
        home.mkdir(parents=True)
        write_result(home, result)
        return Scored.of(result).model_dump()

    runs = [
        {
            "folder": f"fewshot-{fraction}/seed-{seed}",
            "fraction": fraction,
            "seed": seed,
            "images": 12,
            "trainable_parameters": 10,
            "total_parameters": 1000,
            "hours": 1.0 + seed,
            "val_accuracy": 0.5,
            "scored": scored(f"fewshot-{fraction}/seed-{seed}", result),
        }
        for fraction, pair in ((0.01, (base, better)), (0.1, (better, better)))
        for seed, result in enumerate(pair)
    ]
    record = {
        "schema_version": 1,
        "model": "hf-hub:org/Bio",
        "datasets": ["cells", "rays"],
        "benchmark": "MediMeta-C",
        "baseline": "none",
        "base": scored("", base),
        "runs": runs,
    }
    (folder / "ablation.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def feature_file(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up features of both datasets, clean and under contrast."""
    rows, vectors = [], []
    draw = np.random.default_rng(3)
    for dataset in benchmark.datasets:
        for corruption, severity in (("clean", 0), ("contrast", 3)):
            for batch in benchmark.batches(SetKey(dataset, "test", corruption, severity)):
                for image_id, label in zip(batch.image_ids, batch.labels, strict=True):
                    rows.append((dataset, corruption, severity, image_id, int(label)))
                    vectors.append(draw.normal(size=6) + severity)
    path = tmp_path_factory.mktemp("features") / "features.parquet"
    write_features(
        path,
        Features(
            model="local-dir:tiny", phantoms=(), rows=tuple(rows), vectors=np.array(vectors, np.float32)
        ),
    )
    return path


@pytest.fixture(scope="session")
def inputs(benchmark: Benchmark, result_root: Path, ablation_folder: Path, feature_file: Path) -> Inputs:
    """Input for every entry of the gallery."""
    results = find_results([str(result_root)])
    return Inputs(
        benchmarks=name_builds([benchmark]),
        results=results,
        scores=scores_of(results),
        fewshot=read_fewshot(ablation_folder),
        datasets=(*built_datasets([benchmark.manifest]), *published_datasets()),
        features=feature_file,
        images=6,
    )
