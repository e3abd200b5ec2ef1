"""Models made for their verdicts: a result with predictions of one's own choice, without files or shards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.baselines import measured_baseline, published_baseline
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.models import ModelIdentity
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import BenchmarkRecord, DatasetEntry, RunIdentity
from medimeta_c.results.predictions import CellPredictions, correctness_of
from medimeta_c.results.result import Environment
from medimeta_c.results.scoring import Terms, make_result

SCOPE = Scope(corruptions={"pbc": ("motion_blur", "contrast")}, severities=(1, 3, 5))
ENVIRONMENT = Environment(device="cpu", batch_size=8, packages={})

Probabilities = Callable[[SetKey, NDArray[np.int64], np.random.Generator], NDArray[np.float64]]
"""What a model says of a cell's images: takes the cell, the labels and a generator of the model's own."""


def labels_of(images: int, classes: int) -> NDArray[np.int64]:
    """Labels in equal numbers, as far as they go."""
    return np.arange(images) % classes


def right_on(
    clean: float, corrupted: float, *, confidence: float = 0.9, seed: int = 0, classes: int = 2
) -> Probabilities:
    """A model right on a share of clean and of corrupted images; what is hard is hard in every cell."""

    def answer(key: SetKey, labels: NDArray[np.int64], _: np.random.Generator) -> NDArray[np.float64]:
        hardness = np.random.default_rng(seed).random(len(labels))
        right = hardness < (clean if key.corruption == CLEAN else corrupted)
        found = np.full((len(labels), classes), (1 - confidence) / (classes - 1))
        found[np.arange(len(labels)), np.where(right, labels, (labels + 1) % classes)] = confidence
        return found

    return answer


def result_of_model(
    answer: Probabilities,
    *,
    spec: str = "python:made:up",
    against: SavedResult | Literal["published"] | None = None,
    images: int = 200,
    classes: int = 2,
    scope: Scope = SCOPE,
    labels: Mapping[str, NDArray[np.int64]] | None = None,
    kind: str = "medimeta",
    weights: str = "ef" * 32,
) -> SavedResult:
    """The result of a model, with the baseline's predictions where one is given."""
    truth = {d: labels_of(images, classes) for d in scope.datasets} if labels is None else labels
    record = BenchmarkRecord(
        name="made up",
        version="1",
        fingerprint="ab" * 32,
        datasets=tuple(
            DatasetEntry(
                dataset=d,
                kind=kind,
                title=d,
                modality="made up",
                class_names=tuple(f"class {k}" for k in range(classes)),
                images=len(truth[d]),
                fingerprint="cd" * 32,
            )
            for d in scope.datasets
        ),
    )
    run = RunIdentity(
        model=ModelIdentity(
            spec=spec,
            family="python",
            revision=None,
            weights_sha256=weights,
            architecture="x",
            parameters=1,
        ),
        benchmark=record,
        split="test",
        prompts=None,
        precision="fp32",
        preprocessing={},
    )
    cells = {
        key: CellPredictions.of(
            key,
            [f"{i:05d}" for i in range(len(truth[key.dataset]))],
            truth[key.dataset],
            answer(key, truth[key.dataset], np.random.default_rng([i])),
        )
        for i, key in enumerate(scope.cells())
    }
    if against == "published":
        chosen: ChosenBaseline | None = ChosenBaseline(published_baseline())
    else:
        chosen = None if against is None else baseline_from(against)
    terms = Terms(scope=scope, baseline=chosen, resampling=Resampling(resamples=200))
    result = make_result(run, ENVIRONMENT, cells, terms)
    name = f"{run.slug}/{record.fingerprint[:12]}"
    return SavedResult(name=name, path=Path("results") / name, result=result, predictions=cells)


def baseline_from(saved: SavedResult) -> ChosenBaseline:
    """A result as what errors are divided by, paired image by image."""
    tables = correctness_of(saved.predictions)
    errors = {key: error for table in tables.values() for key, error in table.errors().items()}
    return ChosenBaseline(measured_baseline(saved.name, saved.result.run.who, saved.name, errors), tables)
