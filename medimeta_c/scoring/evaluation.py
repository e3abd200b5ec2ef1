"""Evaluate a model on a built benchmark: predictions of every cell, then numbers, then the report."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch

from medimeta_c._version import __version__
from medimeta_c.errors import ConfigError, ManifestError, ShardError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey, check_alone, check_distinct, check_name
from medimeta_c.format.manifest import PluginRecord, fingerprint_faults
from medimeta_c.format.plugins import plugin_record
from medimeta_c.io.progress import following
from medimeta_c.io.settings import Location, Several, TextOrPath, default, require_kind, required, settle
from medimeta_c.metrics.registry import Metric, chosen_metrics
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.models import MODELS, Activation, Model, Precision, load_model
from medimeta_c.prompts.files import PROMPTS
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import ClassPrompts, load_prompts
from medimeta_c.reports import write_reports
from medimeta_c.results.baseline_choice import PUBLISHED, choose_baseline
from medimeta_c.results.folder import ResultFolder, SavedResult, open_result_folder
from medimeta_c.results.identity import RunIdentity, benchmark_record, first_images
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Environment, Mark
from medimeta_c.results.scoring import Terms, make_result, scope_of
from medimeta_c.scoring.inference import Predictor, check_device, choose_device, class_embeddings

__all__ = ["EvaluateConfig", "EvaluateProgress", "evaluate"]

_PACKAGES = ("torch", "torchvision", "open_clip_torch", "transformers", "numpy", "scikit-learn", "pyarrow")
_BATCH_SIZE = {"cpu": 64, "cuda": 256, "mps": 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """What to score, on what, and how.

    Parameters
    ----------
    model : str or Model
        A model spec; see `medimeta_c.models`. Or the model itself, which its identity's spec names.
    benchmark : str or path
        Directory of a built benchmark, or ``ORG/NAME`` on the Hub.
    datasets : str, or several, optional
        Datasets of it; ``"all"`` for every one.
    split : str, optional
        The split scored.
    baseline : str or path, optional
        ``"published"``, ``"none"``, or the folder of a result to divide by.
    prompts : str or path, optional
        A shipped set of templates, or a file.
    out : str or path, optional
        Root of all results.
    device : str, optional
        ``"auto"``, or a torch device.
    precision : {"fp32", "bf16", "fp16"}, optional
        Number format of weights and activations.
    batch_size : int, optional
        Images a batch; by default 256 on CUDA and 64 elsewhere.
    workers : int, optional
        Decoding processes; 0 decodes in this one, -1 is one per core left beside the model.
    resampling : Resampling, optional
        How intervals are made.
    activation : {"quickgelu", "gelu"}, optional
        What a checkpoint named as ``ARCH/PATH`` was trained with, where neither says it.
    preprocessing : str, optional
        A transform that the model's family lists beside the model's own; see `medimeta_c.models.ModelFamily`.
    metrics : str, Metric, or several, optional
        What is computed of each cell beside this package's metrics: names of registered ones, or metrics.
    limit : int, optional
        Only the first so many images of each set: a trial, written below ``<out>/first-<limit>``.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    model: str | Model
    benchmark: TextOrPath = required()
    datasets: Several[str] = default("all")
    split: str = "test"
    baseline: TextOrPath = default(PUBLISHED)
    prompts: TextOrPath = default("paper")
    out: Location = default("results")
    device: str = "auto"
    precision: Precision = "fp32"
    batch_size: int | None = None
    workers: int = 0
    resampling: Resampling = field(default_factory=Resampling)
    metrics: Several[str | Metric] = default(())
    activation: Activation | None = None
    preprocessing: str | None = None

    limit: int | None = None

    def __post_init__(self) -> None:
        settle(self)
        if self.limit is not None and self.limit < 1:
            raise ConfigError("limit must be at least 1 image", value=self.limit)
        check_name("split", self.split)
        if self.batch_size is not None and self.batch_size < 1:
            raise ConfigError(f"batch size {self.batch_size} is not valid: use 1 or more")
        if self.workers < -1:
            raise ConfigError(f"workers {self.workers} is not valid: use 0 or more, or -1 for one per core")
        check_distinct("dataset", self.datasets)
        check_alone("all", "dataset", self.datasets)
        check_device(self.device)
        load_prompts(self.prompts)
        chosen_metrics(self.metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateProgress:
    """How far an evaluation is, in images of cells not yet finished when it began."""

    cells_done: int
    cells_total: int
    images_done: int
    images_total: int


def evaluate(
    config: EvaluateConfig,
    *,
    model: Model | None = None,
    on_progress: Callable[[EvaluateProgress], None] | None = None,
    progress: bool = False,
) -> SavedResult:
    """Score a model on a benchmark and write its result and reports.

    Cells are saved as they are finished; run the same evaluation again to resume. Nothing is
    kept of a run whose weights, prompts, precision, preprocessing or benchmark differ.

    Parameters
    ----------
    config : EvaluateConfig
        What to score, on what, and how.
    model : Model, optional
        The model itself, instead of loading `config.model`.
    on_progress : callable, optional
        Called with an `EvaluateProgress` after each batch.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Returns
    -------
    SavedResult
        The numbers and the predictions; ``path`` is the folder of ``result.json``, ``predictions.parquet``,
        ``report.md`` and ``report.html``.

    Raises
    ------
    ConfigError
        If a spec, dataset, prompt set or baseline is unknown or does not fit.
    ModelError
        If the weights cannot be had or do not fit, or a prompt is too long for the model.
    ManifestError, ShardError
        If the benchmark is missing, damaged, or not what its manifest says.
    ResultError
        If the result folder is held by another process or by another run.
    """
    require_kind(config, EvaluateConfig, "evaluate")
    benchmark = open_benchmark(config.benchmark)
    for fault in fingerprint_faults(benchmark.manifest):
        raise ManifestError(f"{benchmark.name} cannot be scored: {fault}; verify it")
    datasets = benchmark.datasets if config.datasets == ("all",) else config.datasets
    prompts = _prompts(config, benchmark, datasets)
    scope = scope_of(benchmark.manifest, datasets=datasets, split=config.split)
    described = benchmark_record(config.benchmark, benchmark.manifest, datasets=datasets, split=config.split)
    if config.limit is not None:
        described = first_images(described, config.limit)
    # Checked before any work, because the baseline may not fit.
    chosen = choose_baseline(config.baseline, described, config.split)
    metrics = chosen_metrics(config.metrics)
    groups = benchmark.groups(config.split)
    device = choose_device(config.device)
    loaded = load_model(
        model or config.model,
        device=device,
        precision=config.precision,
        activation=config.activation,
        preprocessing=config.preprocessing,
    )
    run = RunIdentity(
        model=loaded.identity,
        benchmark=described,
        split=config.split,
        prompts=PromptsRecord.asked(load_prompts(config.prompts).name, prompts),
        precision=config.precision,
        preprocessing=loaded.preprocessing.plain_values(),
        preprocessing_variant=config.preprocessing,
        activation=config.activation,
    )
    predictor = Predictor(
        loaded,
        {one.dataset: class_embeddings(loaded, one) for one in prompts},
        device=device,
        batch_size=config.batch_size or _BATCH_SIZE.get(device.type, 64),
        workers=_workers(config.workers, device),
    )
    with open_result_folder(_root(config), run) as folder:
        built, finished = set(benchmark.sets), folder.finished
        if todo := [key for key in scope.cells() if key in built and key not in finished]:
            folder.add_environment(_environment(device, predictor))
        with following(on_progress, progress, "images", _view) as tell:
            _predict(folder, predictor, benchmark, todo, tell, limit=config.limit)
        if todo:  # batches may have become smaller
            folder.add_environment(_environment(device, predictor))
        whole = folder.widened(scope)
        if set(whole.datasets) != set(scope.datasets):
            chosen = choose_baseline(config.baseline, folder.run.benchmark, config.split)
        predictions = folder.load(whole)
        _check_listings(benchmark, predictions.values())
        environment = folder.environment or _environment(device, predictor)
        terms = Terms(
            scope=whole,
            baseline=chosen,
            resampling=config.resampling,
            metrics=metrics,
            groups=groups,
            plugins=_plugins(config.model if model is None else model, folder.run.prompts),
        )
        marks: tuple[Mark, ...] = ("limited",) if config.limit or benchmark.manifest.limited else ()
        saved = folder.finish(make_result(folder.run, environment, predictions, terms, marks), predictions)
        write_reports(saved, benchmark)
    return saved


def _view(now: EvaluateProgress, /) -> tuple[str, float, float]:
    return f"scoring {now.cells_done}/{now.cells_total} cells", now.images_done, now.images_total


def _prompts(config: EvaluateConfig, benchmark: Benchmark, datasets: Iterable[str]) -> list[ClassPrompts]:
    book = load_prompts(config.prompts)
    book.require_known(benchmark.datasets)
    records = [benchmark.dataset(name) for name in datasets]
    return [book.prompts(one.dataset, one.class_names, modality=one.modality) for one in records]


def _plugins(model: str | Model, prompts: PromptsRecord | None) -> tuple[PluginRecord, ...]:
    """Return what other distributions brought: the model's family and the template set."""
    family = plugin_record(MODELS, model.partition(":")[0]) if isinstance(model, str) else None
    templates = plugin_record(PROMPTS, prompts.name) if prompts is not None else None
    return tuple(one for one in (family, templates) if one is not None)


def _root(config: EvaluateConfig) -> Path:
    """Return the root of results; trials have their own root, so that none is mistaken for a result."""
    return config.out if config.limit is None else config.out / f"first-{config.limit}"


def _predict(  # noqa: PLR0913  (each of them is one part of the work)
    folder: ResultFolder,
    predictor: Predictor,
    benchmark: Benchmark,
    todo: Sequence[SetKey],
    tell: Callable[[EvaluateProgress], None],
    *,
    limit: int | None,
) -> None:
    """Predict and save cells, one by one."""
    cells, images = len(todo), sum(min(benchmark.record(key).rows, limit or sys.maxsize) for key in todo)
    now = EvaluateProgress(cells_done=0, cells_total=cells, images_done=0, images_total=images)

    def count(images: int = 0, cells: int = 0) -> None:
        nonlocal now
        now = replace(now, cells_done=now.cells_done + cells, images_done=now.images_done + images)
        tell(now)

    count()
    for cell in predictor.predict(benchmark, todo, count, limit=limit):
        benchmark.check_classes(cell.key)
        folder.save(cell)
        count(cells=1)


def _check_listings(benchmark: Benchmark, cells: Iterable[CellPredictions]) -> None:
    """Refuse sets of a split whose images or labels are not the same: one of them was forged."""
    first: dict[tuple[str, str], CellPredictions] = {}
    for cell in cells:
        known = first.setdefault((cell.key.dataset, cell.key.split), cell)
        same = cell.image_ids == known.image_ids and np.array_equal(cell.labels, known.labels)
        if not same:
            raise ShardError(
                f"sets {known.key} and {cell.key} of {benchmark.name} differ in ids or labels, which all "
                "sets of a split have in common: verify it"
            )


def _workers(wanted: int, device: torch.device) -> int:
    if wanted >= 0:
        return wanted
    # On the CPU the model itself keeps every core busy, and decoding is a fiftieth of its work: a process
    # beside it would only take its place, and seconds to start (scripts/bench/evaluate.py).
    return 0 if device.type == "cpu" else max(1, (os.cpu_count() or 2) - 1)


def _environment(device: torch.device, predictor: Predictor) -> Environment:
    model = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return Environment(
        device=f"{device.type} ({model})", batch_size=predictor.batch_size, packages=_packages()
    )


def _packages() -> dict[str, str]:
    found = {"medimeta-c": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a build of torch may go by another name
            continue
    return found
