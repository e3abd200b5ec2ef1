"""Answers of a made-up model to a real benchmark's images, and the results they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.registry import chosen_metrics
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.models import ModelIdentity
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.results.baseline_choice import choose_baseline
from medimeta_c.results.folder.adding import open_result_folder
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import RunIdentity, benchmark_record
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Environment, Result
from medimeta_c.results.scoring import Terms, make_result, scope_of

ENVIRONMENT = Environment(device="cpu", batch_size=32, packages={"numpy": np.__version__, "torch": "2.9.0"})
PLAN = Resampling(resamples=200)
_FRAGILITY = {"zoom_blur": 0.5, "gaussian_noise": 0.35, "impulse_noise": 0.3, "contrast": 0.25}


def identity(benchmark: Benchmark, *, spec: str = "hf-hub:test/tiny", **changes: Any) -> RunIdentity:
    """A run of a made-up model on every dataset of a benchmark, or on those named by `datasets`."""
    datasets = changes.pop("datasets", None)
    record = benchmark_record(benchmark.name, benchmark.manifest, datasets=datasets)
    texts = changes.pop("texts", None) or {
        entry.dataset: {name: (f"A photo of a {entry.modality} {name}",) for name in entry.class_names}
        for entry in record.datasets
    }
    model: dict[str, Any] = {
        "spec": spec,
        "family": "open_clip",
        "revision": "0" * 40,
        "weights_sha256": "ab" * 32,
        "architecture": "ViT-B-32",
        "parameters": 151_277_313,
        **changes.pop("model", {}),
    }
    values: dict[str, Any] = {
        "model": ModelIdentity(**model),
        "benchmark": record,
        "split": "test",
        "prompts": PromptsRecord.of("paper", texts),
        "precision": "fp32",
        "preprocessing": {"size": [224, 224], "interpolation": "bicubic", "mean": [0.48, 0.45, 0.4]},
    }
    return RunIdentity(**{**values, **changes})


def answers(
    benchmark: Benchmark, *, skill: float = 2.0, seed: int = 1, datasets: Iterable[str] | None = None
) -> dict[SetKey, CellPredictions]:
    """Probabilities that favour the truth by `skill` logits on clean images, and less as severity grows."""
    scope = scope_of(benchmark.manifest, datasets=datasets)
    cells: dict[SetKey, CellPredictions] = {}
    for key in scope.cells():
        ids: list[str] = []
        labels: list[int] = []
        for table in benchmark.tables(key, ("image_id", "label")):
            ids += table["image_id"].to_pylist()
            labels += table["label"].to_pylist()
        k = len(benchmark.class_names(key.dataset))
        # One draw an image for all its renderings, one a rendering: what is hard stays hard.
        shared = np.random.default_rng((seed, *key.dataset.encode())).normal(size=(len(ids), k))
        own = np.random.default_rng((seed, key.severity, *key.corruption.encode())).normal(size=(len(ids), k))
        logits = shared + 0.5 * own
        fragility = _FRAGILITY.get(key.corruption, 0.12)
        logits[np.arange(len(ids)), labels] += skill * (1 - fragility * key.severity / 2)
        weights = np.exp(1.5 * logits)
        cells[key] = CellPredictions.of(key, ids, labels, weights / weights.sum(axis=1, keepdims=True))
    return cells


def result_of(
    benchmark: Benchmark, cells: Mapping[SetKey, CellPredictions], *, baseline: str = "none", **changes: Any
) -> Result:
    """The result these cells make, with `metrics` beside the built-in ones."""
    metrics = chosen_metrics(changes.pop("metrics", ()))
    run = identity(benchmark, **changes)
    datasets = [entry.dataset for entry in run.benchmark.datasets]
    terms = Terms(
        scope=scope_of(benchmark.manifest, datasets=datasets),
        baseline=choose_baseline(baseline, run.benchmark),
        resampling=PLAN,
        metrics=metrics,
        groups=benchmark.groups("test"),
    )
    return make_result(run, ENVIRONMENT, cells, terms)


def evaluated(
    out: Path,
    benchmark: Benchmark,
    *,
    skill: float = 2.0,
    seed: int = 1,
    baseline: str = "none",
    **changes: Any,
) -> SavedResult:
    """A finished result on disk."""
    datasets = changes.get("datasets")
    cells = answers(benchmark, skill=skill, seed=seed, datasets=datasets)
    run = identity(benchmark, **{name: each for name, each in changes.items() if name != "metrics"})
    with open_result_folder(out, run) as folder:
        for cell in cells.values():
            folder.save(cell)
        scope = scope_of(benchmark.manifest, datasets=datasets)
        return folder.finish(result_of(benchmark, cells, baseline=baseline, **changes), folder.load(scope))


def pretending(saved: SavedResult, kind: str) -> SavedResult:
    """The same result as if its images were of another source, such as phantoms."""
    record = saved.result.run.benchmark
    entries = tuple(entry.model_copy(update={"kind": kind}) for entry in record.datasets)
    benchmark = record.model_copy(update={"datasets": entries})
    run = saved.result.run.model_copy(update={"benchmark": benchmark})
    return replace(saved, result=saved.result.model_copy(update={"run": run}))
