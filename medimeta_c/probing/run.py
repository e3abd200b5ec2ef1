"""Run a probe: embed clean images, fit every head, then score each on every set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch

from medimeta_c.errors import SourceError
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.format.plugins import plugin_record
from medimeta_c.io.progress import following
from medimeta_c.io.records import canonical_json
from medimeta_c.io.settings import require_kind
from medimeta_c.io.stores.stored import as_place
from medimeta_c.metrics.registry import chosen_metrics
from medimeta_c.models import AnyModel, Model, image_encoder, load_model
from medimeta_c.probing.clean import CleanData, open_clean
from medimeta_c.probing.config import TRAIN, VAL, ProbeConfig
from medimeta_c.probing.featurefile import FeatureSet
from medimeta_c.probing.heads import HEADS, Head, Texts
from medimeta_c.probing.learning import Learned, fit_head
from medimeta_c.probing.outputs import write_outputs
from medimeta_c.probing.overlap import overlap_of
from medimeta_c.probing.plans import Plan, draws_of, heads_for, plans_of
from medimeta_c.probing.predictor import HeadPredictor
from medimeta_c.probing.shots import Listing
from medimeta_c.probing.store import FeatureStore
from medimeta_c.results.ablation import Scored
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.probes import ProbeRun, Probes, probes_folder
from medimeta_c.results.result import Result
from medimeta_c.scoring.devices import batch_size_on, choose_device, workers_beside
from medimeta_c.scoring.evaluation import plugins_of
from medimeta_c.scoring.inference import Embedder
from medimeta_c.scoring.jobs.job import Job
from medimeta_c.scoring.jobs.progress import JobProgress
from medimeta_c.scoring.jobs.running import run_job
from medimeta_c.scoring.zero_shot import UnitFeatures, asked_prompts, class_embeddings
from medimeta_c.sources.folders.ids import ids_beside

__all__ = ["probe"]

Tell: TypeAlias = Callable[[str, float, float], None]

_FEATURES = "features"
_ENCODER = (
    *("weights digest", "architecture", "revision", "precision", "package version"),
    *("preprocessing", "preprocessing variant", "activation"),
)
"""What of a run's settings the features depend on."""


def probe(
    config: ProbeConfig,
    *,
    model: AnyModel | None = None,
    on_progress: Tell | None = None,
    progress: bool = False,
) -> Probes:
    """Fit heads to a frozen model's features of clean images, and score each on every set.

    Shots come from train, or from val if so asked; settings are chosen on val. No set that is scored is
    opened before the last head is fitted. Features are kept by set and results by cell: run the same probe
    again to resume. Each head's result is one of `evaluate`, in a folder of its own.

    Parameters
    ----------
    config : ProbeConfig
        Which heads, on what.
    model : AnyModel, optional
        The model itself, instead of loading `config.model`.
    on_progress : callable, optional
        Called with a description, how many images are done, and how many there are.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Returns
    -------
    Probes
        Also written, as ``probes.json``, ``probes.md`` and figures, into `Probes.folder_in`.

    Raises
    ------
    ConfigError
        If a name does not fit, a class has too few images, or a head needs texts that the model has not.
    SourceError
        If clean data is missing, or is not what the benchmark was built from.
    ModelError
        If the model cannot be loaded, or gives NaN or features of several widths.
    ManifestError, ShardError, ResultError, WriteError
        As `medimeta_c.scoring.evaluation.evaluate` raises them.
    """
    require_kind(config, ProbeConfig, "probe")
    evaluation = config.evaluation
    job = Job.of(
        config.benchmark,
        config.datasets,
        config.split,
        baseline=config.baseline,
        metrics=chosen_metrics(),
        resampling=config.resampling,
        out=config.out,
    )
    clean = {name: open_clean(job.benchmark, name, config.data_dir, _ids(config)) for name in job.datasets}
    listings = {name: {each: data.listing(each) for each in (TRAIN, VAL)} for name, data in clean.items()}
    draws = {name: draws_of(config, each) for name, each in listings.items()}
    device = choose_device(config.device)
    loaded = image_encoder(
        load_model(
            model or config.model,
            device=device,
            precision=config.precision,
            activation=config.activation,
            preprocessing=config.preprocessing,
        )
    )
    heads, left_out = heads_for(config, loaded)
    prompts, asked = asked_prompts(config.prompts, job.benchmark, job.datasets)
    texts = (
        {one.dataset: _texts(loaded, class_embeddings(loaded, one)) for one in asked}
        if isinstance(loaded, Model)
        else {}
    )
    base = RunIdentity(
        model=loaded.identity,
        benchmark=job.described,
        split=config.split,
        prompts=None,
        precision=config.precision,
        preprocessing=loaded.preprocessing.plain_values(),
        preprocessing_variant=config.preprocessing,
        activation=config.activation,
    )
    folder = probes_folder(config.out, base.model.spec, base.benchmark.fingerprint)
    store = FeatureStore(
        folder / _FEATURES,
        Embedder(
            UnitFeatures(loaded),
            device=device,
            batch_size=batch_size_on(device, config.batch_size),
            workers=workers_beside(device, config.workers),
        ),
        _encoder_digest(base),
        job.benchmark,
    )
    with following(on_progress, progress, "images", lambda text, done, total: (text, done, total)) as tell:
        learned = {
            name: Learned(
                listings=listings[name],
                features={
                    split: _embed(store, data, listings[name][split], tell)
                    for split in dict.fromkeys((config.draw_from, VAL))
                },
                draws=draws[name],
                texts=texts.get(name),
                draw_from=config.draw_from,
            )
            for name, data in clean.items()
        }
        plans = plans_of(config, heads)
        fitted = []
        for number, plan in enumerate(plans):
            tell(f"fitting {plan.name}", number, len(plans))
            fitted.append(fit_head(plan, learned, config.draw_from))
        runs = []
        for plan, (record, parts) in zip(plans, fitted, strict=True):
            needed = prompts if plan.head.needs_texts else None
            identity = base.model_copy(update={"head": record, "prompts": needed})
            brought = (*plugins_of(evaluation.model if model is None else model, needed), *_plugin(plan.head))
            saved = run_job(
                job,
                identity,
                HeadPredictor(store, parts),
                device,
                plugins=brought,
                on_progress=partial(_tell_scoring, tell, plan.name),
            )
            runs.append(_record(plan, saved, config.out))
    probes = _probes(config, base, clean, runs, left_out, saved.result)
    write_outputs(folder, probes)
    return probes


def _encoder_digest(base: RunIdentity) -> str:
    settings = base.settings(())
    return hashlib.sha256(canonical_json([settings[name] for name in _ENCODER]).encode()).hexdigest()


def _ids(config: ProbeConfig) -> Path:
    return config.ids or ids_beside(as_place(config.benchmark, "benchmark"))


def _texts(model: Model, embeddings: torch.Tensor) -> Texts:
    return Texts(embeddings=embeddings.double().cpu(), scale=model.logit_scale, bias=model.logit_bias or 0.0)


def _embed(store: FeatureStore, data: CleanData, listing: Listing, tell: Tell) -> FeatureSet:
    """Return the features of a split, row by row those of its listing."""
    done, text = 0, f"embedding {listing.split} images of {data.dataset}"

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell(text, done, len(listing))

    tell(text, 0, len(listing))
    found = store.of_clean(data, listing.split, count)
    if (found.image_ids, tuple(found.labels.tolist())) != (listing.image_ids, listing.labels):
        raise SourceError(
            f"the ids or labels of {listing.split} of {data.dataset} changed while they were read: run the "
            "same again"
        )
    return found


def _plugin(head: Head) -> tuple[PluginRecord, ...]:
    record = plugin_record(HEADS, head.name)
    return () if record is None else (record,)


def _tell_scoring(tell: Tell, name: str, now: JobProgress) -> None:
    text, done, total = now.view
    tell(f"{name}: {text}", done, total)


def _record(plan: Plan, saved: SavedResult, out: Path) -> ProbeRun:
    result = saved.result
    head = result.run.head
    return ProbeRun(
        head=plan.head.name,
        title=plan.head.title,
        shots=plan.shots if head else 0,
        seed=head.seed if head else 0,
        folder=saved.path.relative_to(out).as_posix(),
        scored=Scored.of(result),
        datasets={name: Scored.of(result, name) for name in result.scores.datasets},
    )


def _probes(  # noqa: PLR0913, PLR0917  (the parts of the record)
    config: ProbeConfig,
    base: RunIdentity,
    clean: Mapping[str, CleanData],
    runs: Sequence[ProbeRun],
    left_out: dict[str, str],
    last: Result,
) -> Probes:
    found = {name: overlap_of(data, config.split) for name, data in clean.items()}
    return Probes(
        model=base.model.spec,
        benchmark=base.benchmark.name,
        fingerprint=base.benchmark.fingerprint,
        split=config.split,
        draw_from=config.draw_from,
        baseline=None if last.meaningful_baseline is None else last.meaningful_baseline.name,
        overlap={name: one for name, one in found.items() if one is not None},
        left_out=left_out,
        runs=tuple(runs),
    )
