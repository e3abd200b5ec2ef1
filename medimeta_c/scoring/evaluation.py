"""Evaluate a model on a built benchmark: predictions of every cell, then numbers, then the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from medimeta_c.errors import ConfigError, ModelError, Remedy
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.format.plugins import plugin_record
from medimeta_c.io.settings import require_kind
from medimeta_c.metrics.registry import chosen_metrics
from medimeta_c.models import MODELS, Answerer, AnyModel, Classifier, Model, load_model
from medimeta_c.prompts.files import PROMPTS
from medimeta_c.prompts.paraphrases import load_paraphrases, paraphrases_of
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import ClassPrompts, load_prompts
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import HeadOutput, RunIdentity
from medimeta_c.results.paraphrases.folder import AskedParaphrases
from medimeta_c.scoring.config import DEFAULT_PROMPTS, EvaluateConfig
from medimeta_c.scoring.devices import batch_size_on, choose_device, workers_beside
from medimeta_c.scoring.inference import ClassScorer, Predictor
from medimeta_c.scoring.jobs.job import Job
from medimeta_c.scoring.jobs.progress import JobProgress
from medimeta_c.scoring.jobs.running import run_job
from medimeta_c.scoring.jobs.several import evaluate_in_several
from medimeta_c.scoring.paraphrases.adapters import adapter_seed
from medimeta_c.scoring.paraphrases.predictor import SweptPredictor
from medimeta_c.scoring.supervised import Supervised, head_outputs
from medimeta_c.scoring.words.evaluation import evaluate_words
from medimeta_c.scoring.zero_shot import ZeroShot, asked_prompts, class_embeddings

__all__ = ["evaluate", "plugins_of"]


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
        return evaluate_in_several(evaluate, config, model, on_progress=on_progress, progress=progress)
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
    return run_job(
        job,
        identity,
        swept or Predictor(scorer, device=device, batch_size=size, workers=workers),
        device,
        plugins=plugins_of(config.model if model is None else model, identity.prompts),
        sweep=swept,
        on_progress=on_progress,
        progress=progress,
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
    if config.prompts != DEFAULT_PROMPTS:
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
