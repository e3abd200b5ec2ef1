"""Evaluate a model on a built benchmark: predictions of every cell, then numbers, then the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from medimeta_c.errors import ConfigError, ModelError, Remedy
from medimeta_c.format.keys import check_alone, check_distinct, check_name
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.format.parts import share_of
from medimeta_c.format.plugins import plugin_record
from medimeta_c.io.progress import following
from medimeta_c.io.records import is_yaml
from medimeta_c.io.settings import (
    LocationOrUrl,
    OptionalTextOrPath,
    Several,
    TextOrPath,
    as_path,
    default,
    require_kind,
    required,
    settle,
)
from medimeta_c.io.stores.stored import StoredPath, require_writable
from medimeta_c.metrics.registry import Metric, chosen_metrics
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.models import (
    MODELS,
    Activation,
    Answerer,
    AnyModel,
    Classifier,
    Model,
    Precision,
    load_model,
)
from medimeta_c.prompts.files import PROMPTS
from medimeta_c.prompts.paraphrases import load_paraphrases, paraphrases_of
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import ClassPrompts, load_prompts
from medimeta_c.results.baseline_choice import NO_BASELINE, PUBLISHED
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import HeadOutput, RunIdentity
from medimeta_c.results.paraphrases.folder import AskedParaphrases
from medimeta_c.scoring.devices import (
    batch_size_on,
    check_device,
    choose_device,
    require_devices,
    workers_beside,
    workers_of_each,
)
from medimeta_c.scoring.inference import ClassScorer, Predictor
from medimeta_c.scoring.job import Job, JobProgress
from medimeta_c.scoring.jobs.cluster import on_workers
from medimeta_c.scoring.jobs.processes import in_processes
from medimeta_c.scoring.paraphrases.adapters import adapter_seed
from medimeta_c.scoring.paraphrases.predictor import SweptPredictor
from medimeta_c.scoring.supervised import Supervised, head_outputs
from medimeta_c.scoring.words.evaluation import evaluate_words
from medimeta_c.scoring.words.questions import Asking, Decode
from medimeta_c.scoring.zero_shot import ZeroShot, asked_prompts, class_embeddings

__all__ = ["EvaluateConfig", "evaluate", "plugins_of"]

_PROMPTS = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """What to score, on what, and how.

    Parameters
    ----------
    model : str, or a model
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
        A shipped set of templates, or a file. For a model with text: a classifier takes none.
    prompts_sweep : str or path, optional
        A set of templates, or a file: each template is also scored as a prompt of its own, on the same image
        embeddings, and its numbers stand in a file beside the result. ``"paraphrases"`` is a shipped set.
    out : str or path, optional
        Root of all results, or its URL in an object store that can be written to.
    device : str, optional
        ``"auto"``, or a torch device.
    devices : str, or several, optional
        Instead of `device`: devices of this machine, such as ``("cuda:0", "cuda:1")``. Each has a process of
        its own, and each cell is scored on one of them. A script that does this needs the usual
        ``if __name__ == "__main__":``.
    engine : {"local", "dask"}, optional
        This machine, or every worker of a Dask cluster, each with the device that it has. All see the same
        paths.
    scheduler : str, optional
        Address of the running Dask scheduler, with ``engine="dask"``.
    precision : {"fp32", "bf16", "fp16"}, optional
        Number format of weights and activations.
    batch_size : int, optional
        Images a batch; by default 256 on CUDA and 64 elsewhere.
    workers : int, optional
        Decoding threads, or processes for a transform that needs them; 0 decodes in this thread, -1 is one
        per core left beside the model.
    resampling : Resampling, optional
        How intervals are made.
    activation : {"quickgelu", "gelu"}, optional
        What a checkpoint named as ``ARCH/PATH`` was trained with, where neither says it.
    preprocessing : str, optional
        A transform that the model's family lists beside the model's own; see `medimeta_c.models.ModelFamily`.
    metrics : str, Metric, or several, optional
        What is computed of each cell beside this package's metrics: names of registered ones, or metrics.
    render : bool, optional
        Render corrupted images from the clean ones, of which alone the benchmark needs the files, and the
        manifest. The result is the same.
    limit : int, optional
        Only the first so many images of each set: a trial, written below ``<out>/first-<limit>``.
    part : str, optional
        Such as ``"2/5"``: only the cells of part 2 of 5. The result is written when no part is missing; see
        `medimeta_c.merge_results` for parts with an `out` of their own.
    decode, orders, confidence, question : optional
        How a model that answers in words is asked; see `medimeta_c.scoring.words.questions.Asking`.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    model: str | AnyModel
    benchmark: TextOrPath = required()
    datasets: Several[str] = default("all")
    split: str = "test"
    baseline: TextOrPath = default(PUBLISHED)
    prompts: TextOrPath = default(_PROMPTS)
    prompts_sweep: OptionalTextOrPath = default(None)
    out: LocationOrUrl = default("results")
    device: str = "auto"
    devices: Several[str] = default(())
    engine: Literal["local", "dask"] = "local"
    scheduler: str | None = None
    precision: Precision = "fp32"
    batch_size: int | None = None
    workers: int = 0
    resampling: Resampling = field(default_factory=Resampling)
    metrics: Several[str | Metric] = default(())
    activation: Activation | None = None
    preprocessing: str | None = None
    render: bool = False
    limit: int | None = None
    part: str | None = None
    decode: Decode | None = None
    orders: int | None = None
    confidence: bool = False
    question: str | None = None

    def __post_init__(self) -> None:
        settle(self)
        require_writable(self.out, "out", Remedy("choose another {out}"))
        if isinstance(self.out, StoredPath) and (self.devices or self.scheduler or self.part):
            raise ConfigError(
                f"out {self.out} is a URL, into which one process evaluates",
                remedy=[
                    Remedy("choose a folder for {out}"),
                    Remedy("leave out {devices}, {scheduler} and {part}"),
                ],
            )
        if self.limit is not None and self.limit < 1:
            raise ConfigError("limit must be at least 1 image", value=self.limit)
        check_name("split", self.split)
        if self.part is not None:
            share_of(self.part)
        if self.batch_size is not None and self.batch_size < 1:
            raise ConfigError(f"batch size {self.batch_size} is not valid: use 1 or more")
        if self.workers < -1:
            raise ConfigError(f"workers {self.workers} is not valid: use 0 or more, or -1 for one per core")
        check_distinct("dataset", self.datasets)
        check_alone("all", "dataset", self.datasets)
        check_device(self.device)
        for name in self.devices:
            check_device(name)
        if (self.engine == "dask") != (self.scheduler is not None):
            raise ConfigError(
                "the engine dask and the address of its scheduler belong together",
                remedy=Remedy("give both {engine} and {scheduler}, or neither", engine="dask"),
            )
        if self.devices and self.engine == "dask":
            raise ConfigError(
                "devices are of this machine, and the engine dask uses those of its workers",
                remedy=Remedy("leave out {devices} or {engine}"),
            )
        if self.devices and self.device != "auto":
            raise ConfigError(
                f"device {self.device!r} and several devices are given",
                remedy=Remedy("leave out {device} or {devices}"),
            )
        book = load_prompts(self.prompts)
        if self.prompts_sweep is not None:
            load_paraphrases(self.prompts_sweep, book)
        chosen_metrics(self.metrics)
        assert self.asking is not None  # refuses values that are not valid

    @property
    def asking(self) -> Asking:
        """How a model that answers in words is asked."""
        return Asking(
            decode=self.decode, orders=self.orders, confidence=self.confidence, question=self.question
        )


def evaluate(
    config: EvaluateConfig,
    *,
    model: AnyModel | None = None,
    on_progress: Callable[[JobProgress], None] | None = None,
    progress: bool = False,
) -> SavedResult:
    """Score a model on a benchmark and write its result and reports.

    Cells are saved as they are finished; run the same evaluation again to resume. Nothing is
    kept of a run whose weights, prompts, precision, preprocessing or benchmark differ. Several processes may
    evaluate the same at the same time: each cell is scored by one of them, and all end with the same result.

    Parameters
    ----------
    config : EvaluateConfig
        What to score, on what, and how.
    model : a model, optional
        The model itself, instead of loading `config.model`.
    on_progress : callable, optional
        Called with a `JobProgress` after each batch.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Returns
    -------
    SavedResult
        The numbers and the predictions; ``path`` is the folder of ``result.json``, ``predictions.parquet``,
        ``report.md`` and ``report.html``. Of a part, while others are missing: the incomplete result of the
        cells that are there, of which no file is written.

    Raises
    ------
    ConfigError
        If a spec, dataset, prompt set or baseline is unknown or does not fit.
    ModelError
        If the weights cannot be had or do not fit, a prompt is too long for the model, a classifier's head
        has not the classes of a dataset, or the model is an encoder without text or classes.
    ManifestError, ShardError
        If the benchmark is missing, damaged, or not what its manifest says.
    WorkerError
        If the process on one of several devices died; finished cells are kept.
    ResultError
        If the result folder holds another run.
    """
    require_kind(config, EvaluateConfig, "evaluate")
    if config.devices or config.scheduler is not None:
        return _elsewhere(config, model, on_progress=on_progress, progress=progress)
    job = Job.of(
        config.benchmark,
        config.datasets,
        config.split,
        baseline=config.baseline,
        metrics=chosen_metrics(config.metrics),
        resampling=config.resampling,
        out=config.out,
        limit=config.limit,
        render=config.render,
        part=config.part,
    )
    record, prompts = asked_prompts(config.prompts, job.benchmark, job.datasets)
    paraphrases = None if config.prompts_sweep is None else _asked_paraphrases(config, job)
    device = choose_device(config.device)
    loaded = load_model(
        model or config.model,
        device=device,
        precision=config.precision,
        activation=config.activation,
        preprocessing=config.preprocessing,
    )
    if paraphrases is not None and not isinstance(loaded, Model):
        raise ConfigError(
            f"{loaded.identity.spec} takes no prompts, so there are none to paraphrase",
            remedy=Remedy("leave out {prompts_sweep}"),
        )
    if isinstance(loaded, Answerer):
        return evaluate_words(
            loaded,
            config,
            job,
            prompts,
            device,
            workers=workers_beside(device, config.workers),
            plugins=plugins_of(config.model if model is None else model, None),
            on_progress=on_progress,
            progress=progress,
        )
    if not config.asking.is_default:
        raise ConfigError(
            f"{loaded.identity.spec} does not answer in words",
            remedy=Remedy("leave out {decode}, {orders}, {confidence} and {question}"),
        )
    scorer, asked, outputs = _scorer(loaded, config, record, prompts, job)
    identity = RunIdentity(
        model=loaded.identity,
        benchmark=job.described,
        split=config.split,
        prompts=asked,
        precision=config.precision,
        preprocessing=loaded.preprocessing.plain_values(),
        preprocessing_variant=config.preprocessing,
        activation=config.activation,
        outputs=outputs,
    )
    size, workers = batch_size_on(device, config.batch_size), workers_beside(device, config.workers)
    swept = None
    if paraphrases is not None and isinstance(loaded, Model):
        swept = SweptPredictor(
            loaded,
            scorer,
            replace(paraphrases, adapter=adapter_seed(loaded.identity)),
            device=device,
            batch_size=size,
            workers=workers,
        )
    return job.run(
        identity,
        swept or Predictor(scorer, device=device, batch_size=size, workers=workers),
        device,
        plugins=plugins_of(config.model if model is None else model, identity.prompts),
        sweep=swept,
        on_progress=on_progress,
        progress=progress,
    )


def _elsewhere(
    config: EvaluateConfig,
    model: AnyModel | None,
    *,
    on_progress: Callable[[JobProgress], None] | None,
    progress: bool,
) -> SavedResult:
    """Evaluate in processes on several devices, or on the workers of a cluster, at the same time."""
    if model is not None or not isinstance(config.model, str):
        raise ConfigError(
            "several processes are wanted, and the model is an object of this one",
            remedy=[Remedy("name it by a spec"), Remedy("leave out {devices} and {engine}")],
        )
    if config.scheduler is not None:
        with following(on_progress, progress, "images", lambda now: now.view) as tell:
            return on_workers(evaluate, _absolute(config), config.scheduler, tell)
    require_devices(config.devices)
    count = len(config.devices)
    configs = [
        replace(config, device=name, devices=(), workers=workers_of_each(name, config.workers, count))
        for name in config.devices
    ]
    with following(on_progress, progress, "images", lambda now: now.view) as tell:
        return in_processes(evaluate, configs, config.devices, tell)


def _absolute(config: EvaluateConfig) -> EvaluateConfig:
    """Return a configuration for other processes: files and folders by their whole paths."""

    def whole(text: str) -> str:
        return str(Path(text).absolute()) if Path(text).exists() else text

    def whole_file(text: str) -> str:
        return whole(text) if is_yaml(Path(text)) else text

    is_named = config.baseline in (NO_BASELINE, PUBLISHED)
    return replace(
        config,
        engine="local",
        scheduler=None,
        out=as_path(str(config.out), "out").absolute(),
        benchmark=whole(config.benchmark),
        baseline=config.baseline if is_named else whole(config.baseline),
        prompts=whole_file(config.prompts),
        prompts_sweep=None if config.prompts_sweep is None else whole_file(config.prompts_sweep),
    )


def _asked_paraphrases(config: EvaluateConfig, job: Job) -> AskedParaphrases:
    """Return the paraphrases of the datasets of a job."""
    book = load_paraphrases(str(config.prompts_sweep), load_prompts(config.prompts))
    book.require_known(job.benchmark.datasets)
    entries = map(job.described.dataset, job.datasets)
    return AskedParaphrases(
        name=book.name,
        revision=book.revision,
        prompts={
            one.dataset: paraphrases_of(book, one.dataset, one.class_names, modality=one.modality)
            for one in entries
        },
    )


def _scorer(
    model: AnyModel,
    config: EvaluateConfig,
    record: PromptsRecord,
    prompts: list[ClassPrompts],
    job: Job,
) -> tuple[ClassScorer, PromptsRecord | None, dict[str, tuple[HeadOutput, ...]]]:
    """Return what scores the classes, and what stands for them: prompts, or outputs of the model's head."""
    if isinstance(model, Model):
        return ZeroShot(model, {one.dataset: class_embeddings(model, one) for one in prompts}), record, {}
    spec = model.identity.spec
    if not isinstance(model, Classifier):
        raise ModelError(
            f"{spec} has an image encoder alone, so nothing scores the classes: train a head on its features "
            "with `medimeta-c probe`"
        )
    if config.prompts != _PROMPTS:
        raise ConfigError(
            f"{spec} scores its own classes and reads no text", remedy=Remedy("leave out {prompts}")
        )
    outputs = head_outputs(model, job.described.datasets)
    return Supervised(model, outputs), None, outputs


def plugins_of(model: str | AnyModel, prompts: PromptsRecord | None) -> tuple[PluginRecord, ...]:
    """Return what other distributions brought: the model's family and the template set."""
    family = plugin_record(MODELS, model.partition(":")[0]) if isinstance(model, str) else None
    templates = plugin_record(PROMPTS, prompts.name) if prompts is not None else None
    return tuple(one for one in (family, templates) if one is not None)
