"""Score predictions that were made elsewhere: no model runs, so the result is marked unverified."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from medimeta_c.errors import ConfigError, Remedy, ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import ALL, SetKey, check_alone, check_distinct, check_name
from medimeta_c.io.files import sha256_file
from medimeta_c.io.settings import (
    Location,
    LocationOrUrl,
    Several,
    TextOrPath,
    default,
    require_kind,
    required,
    settle,
)
from medimeta_c.io.stores.stored import require_writable
from medimeta_c.metrics.registry import Metric, chosen_metrics
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.results.baseline_choice import PUBLISHED
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.scoring.givenfile import GivenRows, read_given
from medimeta_c.scoring.jobs.job import Job
from medimeta_c.scoring.jobs.progress import JobProgress
from medimeta_c.scoring.jobs.running import run_job

__all__ = ["PredictionsConfig", "score_predictions"]

FAMILY = "predictions"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionsConfig:
    """Which predictions to score, and on what.

    Parameters
    ----------
    predictions : str or path
        A Parquet or CSV file with the columns that `medimeta_c.scoring.givenfile.read_given` describes.
    name : str, optional
        What results call the model; the file's name by default.
    benchmark : str or path
        Directory of a built benchmark, its URL in an object store, or ``ORG/NAME`` on the Hub. Labels come
        from it.
    datasets : str, or several, optional
        Datasets of it; ``"all"`` for every one.
    split : str, optional
        The split scored.
    baseline : str or path, optional
        ``"published"``, ``"none"``, or the folder of a result to divide by.
    out : str or path, optional
        Root of all results, or its URL in an object store that can be written to.
    resampling : Resampling, optional
        How intervals are made.
    metrics : str, Metric, or several, optional
        What is computed of each cell beside this package's metrics.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    predictions: Location = required()
    benchmark: TextOrPath = required()
    name: str | None = None
    datasets: Several[str] = default(ALL)
    split: str = "test"
    baseline: TextOrPath = default(PUBLISHED)
    out: LocationOrUrl = default("results")
    resampling: Resampling = field(default_factory=Resampling)
    metrics: Several[str | Metric] = default(())

    def __post_init__(self) -> None:
        settle(self)
        require_writable(self.out, "out", Remedy("choose another {out}"))
        check_name("split", self.split)
        check_distinct("dataset", self.datasets)
        check_alone(ALL, "dataset", self.datasets)
        chosen_metrics(self.metrics)


def score_predictions(
    config: PredictionsConfig,
    *,
    on_progress: Callable[[JobProgress], None] | None = None,
    progress: bool = False,
) -> SavedResult:
    """Score predictions that were made elsewhere, and write their result and reports.

    Images and labels are the benchmark's. That a model gave these answers to these images cannot be checked:
    the result is marked unverified and is ranked nowhere. Sets that the file lacks are missing cells.

    Parameters
    ----------
    config : PredictionsConfig
        Which predictions, on what.
    on_progress : callable, optional
        Called with a `JobProgress` after each set.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Raises
    ------
    ConfigError
        If a dataset or baseline is unknown or does not fit, or the file has no set of those requested.
    ResultError
        If the file is not readable, or its rows are not the benchmark's images and classes.
    ManifestError, ShardError
        If the benchmark is missing, damaged, or not what its manifest says.
    """
    require_kind(config, PredictionsConfig, "score_predictions")
    job = Job.of(
        config.benchmark,
        config.datasets,
        config.split,
        baseline=config.baseline,
        metrics=chosen_metrics(config.metrics),
        resampling=config.resampling,
        out=config.out,
    )
    rows = read_given(config.predictions, config.split)
    wanted = [key for key in job.scope.cells() if key in rows]
    if not wanted:
        first = next(iter(rows))
        raise ConfigError(
            f"{config.predictions} has predictions of {len(rows)} sets (such as {first}), and none of "
            f"{', '.join(job.datasets)} of {job.benchmark.name}: name other datasets or another benchmark"
        )
    identity = RunIdentity(
        model=ModelIdentity(
            spec=f"{FAMILY}:{config.name or config.predictions.stem}",
            family=FAMILY,
            weights_sha256=sha256_file(config.predictions),
            architecture="unknown: the predictions were made elsewhere",
            parameters=0,
        ),
        benchmark=job.described,
        split=config.split,
        prompts=None,
        precision="fp32",
        preprocessing={},
    )
    predictor = _Given(rows, config.predictions)
    return run_job(
        job,
        identity,
        predictor,
        None,
        marks=("unverified",),
        on_progress=on_progress,
        progress=progress,
        cells=wanted,
    )


class _Given:
    """Predictions from a file, one set after the other; satisfies `CellPredictor`."""

    batch_size = 1

    def __init__(self, rows: dict[SetKey, GivenRows], where: Path) -> None:
        self._rows, self._where = rows, where

    def predict(
        self,
        benchmark: Benchmark,
        keys: Iterable[SetKey],
        on_images: Callable[[int], None] = lambda count: None,
        *,
        limit: int | None = None,
    ) -> Iterator[CellPredictions]:
        """Yield the predictions of sets, all of which the file has."""
        for key in keys:
            image_ids: list[str] = []
            labels: list[int] = []
            for table in benchmark.tables(key, ("image_id", "label")):
                image_ids += table["image_id"].to_pylist()
                labels += table["label"].to_pylist()
            try:
                given = self._rows[key].in_order(image_ids, benchmark.class_names(key.dataset))
                if given.labels is not None and not np.array_equal(given.labels, labels):
                    raise ResultError("its labels are not the benchmark's")
                cell = CellPredictions.of(
                    key, image_ids, labels, given.probabilities, predictions=given.predictions
                )
            except ResultError as error:
                raise ResultError(f"{self._where}, set {key}: {error}") from error
            yield cell
            on_images(len(image_ids))
