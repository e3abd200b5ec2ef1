"""Run one fine-tuning: open the data, train or resume, and write the outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from medimeta_c.errors import ModelError, SourceError
from medimeta_c.finetuning.config import FinetuneConfig
from medimeta_c.finetuning.data import Augmentation, ImageReader, samples
from medimeta_c.finetuning.fewshot import VAL, FewShot, draw_few_shot, write_few_shot
from medimeta_c.finetuning.labels import LabelSpace
from medimeta_c.finetuning.outputs import Outputs
from medimeta_c.finetuning.session import Session
from medimeta_c.finetuning.state import Progress, RunRecord, held, read_state
from medimeta_c.finetuning.training import FinetuneProgress, TrainingData
from medimeta_c.format.manifest.records import suite_record
from medimeta_c.io.progress import following
from medimeta_c.io.settings import require_kind
from medimeta_c.io.shown import short_repr
from medimeta_c.lora import ATTENTION, CONVOLUTIONS, LoraConfig, LoraRecord
from medimeta_c.lora.adapters import attach
from medimeta_c.lora.targets import default_targets
from medimeta_c.models import AnyModel, load_model
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import load_prompts
from medimeta_c.scoring.devices import choose_device
from medimeta_c.sources import corruptions_for
from medimeta_c.sources.contract import Source
from medimeta_c.sources.selection import open_datasets

__all__ = ["FinetuneReport", "finetune", "open_sources"]

_AS_ASKED = ("fraction", "seed", "rank", "epochs", "lr", "schedule", "batch_size", "patience")
"""Settings that a run records as the request has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneReport:
    """The outcome of a run.

    Parameters
    ----------
    path : Path
        The run's folder; ``robustmedclip:PATH`` names the adapted model.
    progress : Progress
        Settings and every epoch.
    size : LoraRecord
        Of the adapters.
    few_shot : FewShot
        The images trained on.
    epochs_before : int or None
        Whole epochs that were there when this call began; None for a new run.
    """

    path: Path
    progress: Progress
    size: LoraRecord
    few_shot: FewShot
    epochs_before: int | None

    __repr__ = short_repr


def finetune(
    config: FinetuneConfig,
    *,
    model: AnyModel | None = None,
    on_progress: Callable[[FinetuneProgress], None] | None = None,
    progress: bool = False,
) -> FinetuneReport:
    """Adapt the image tower of a CLIP-style model to a few images of each class.

    Low-rank adapters are trained by cross-entropy over cosine similarity / temperature, against the frozen
    text embeddings of every class of every dataset. Images come from the train split, or from val if so
    asked; the checkpoint kept is the best on the other images of val, and no other split is read. Call it
    again to resume an interrupted run; on the CPU it then reaches the weights of an uninterrupted run, bit
    for bit.

    Parameters
    ----------
    config : FinetuneConfig
        What to adapt, to what, and how.
    model : AnyModel, optional
        The model itself, instead of loading `config.model`; it is given back without adapters.
    on_progress : callable, optional
        Called with a `FinetuneProgress` after each batch.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Returns
    -------
    FinetuneReport
        Its ``path`` holds ``adapter.safetensors``, ``adapter.json``, ``fewshot_ids.json``,
        ``training.jsonl`` and ``training.csv``, a model card, and in ``last/`` the adapter of the last epoch.

    Raises
    ------
    ConfigError
        If a dataset, prompt set, device or model spec is unknown.
    SourceError
        If data is missing, a dataset has no train or val split, or a class no image.
    ModelError
        If the model cannot be loaded or adapted, or the loss becomes NaN.
    ResultError
        If the folder holds a run with other settings, or is in use.
    WriteError
        If a file cannot be written; the checkpoint before is intact.

    References
    ----------
    The MediMeta-C and RobustMedCLIP paper, section 3.2 and appendix A.
    """
    require_kind(config, FinetuneConfig, "finetune")
    sources = open_sources(config)
    infos = {name: source.info for name, source in sources.items()}
    few_shot = draw_few_shot(sources, fraction=config.fraction, seed=config.seed, split=config.draw_from)
    held_out = _held_out(sources, few_shot)
    book = load_prompts(config.prompts)
    book.require_known(sources)
    space = LabelSpace.of(
        [book.prompts(name, info.class_names, modality=info.modality) for name, info in infos.items()]
    )
    prompts = PromptsRecord.asked(book.name, space.prompts)
    device = choose_device(config.device)
    loaded = _trainable(load_model(config.model, device=device) if model is None else model, device)
    lora = LoraConfig(rank=config.rank, alpha=config.alpha, targets=config.targets or default_targets(loaded))
    run = _run_record(config, loaded, few_shot, prompts, device)
    augmentation = _augmentation(config, sources)
    with held(config.out):
        begun = read_state(config.out, run)
        write_few_shot(config.out, few_shot)
        adapters = attach(loaded, lora, config.seed)
        try:
            outputs = Outputs(
                out=config.out, run=run, adapters=adapters, few_shot=few_shot, prompts=prompts, infos=infos
            )
            data = TrainingData(
                training=samples(sources, few_shot.split, few_shot.ids, space),
                validation=samples(sources, VAL, held_out, space),
                columns=space.columns,
                embeddings=space.embeddings(loaded),
                reader=ImageReader(sources, loaded, augmentation=augmentation),
            )
            with following(
                on_progress, progress, "images", lambda now: (now.text, now.images_done, now.images_total)
            ) as tell:
                state = Session(outputs, data, begun, config.step_images, tell).train()
            outputs.write(state)
            size = adapters.report()
        finally:
            adapters.detach()
    return FinetuneReport(
        path=config.out,
        progress=state.progress,
        size=size,
        few_shot=few_shot,
        epochs_before=None if begun is None else begun.progress.last.epoch,
    )


def _augmentation(config: FinetuneConfig, sources: Mapping[str, Source]) -> Augmentation | None:
    """Return how training images are corrupted; each dataset with what the suite has for it."""
    suite = config.augmentation
    if suite is None:
        return None
    return Augmentation(
        seed=config.seed,
        corruptions={
            name: corruptions_for(suite, source.info.kind, name, config.profile)
            for name, source in sources.items()
        },
        severities=suite.severities,
        scheme=suite.seed_scheme,
    )


def open_sources(config: FinetuneConfig) -> dict[str, Source]:
    """Open the datasets; refuse one without a val split, with a SourceError."""
    sources = open_datasets(config.datasets, config.source, config.data_dir, task=config.task)
    for dataset, source in sources.items():
        if not source.info.splits.get(VAL):
            raise SourceError(
                f"dataset {dataset!r} has no {VAL} split to choose the best checkpoint by: leave the "
                "dataset out, or set some of its training images aside as val"
            )
    return sources


def _held_out(sources: Mapping[str, Source], few_shot: FewShot) -> dict[str, tuple[str, ...]]:
    """Return the ids of the val split that were not drawn; refuse a dataset of which none is left."""
    held_out = {}
    for dataset, source in sources.items():
        drawn = set(few_shot.ids[dataset]) if few_shot.split == VAL else set()
        held_out[dataset] = tuple(one for one in source.ids(VAL) if one not in drawn)
        if not held_out[dataset]:
            raise SourceError(
                f"all {VAL} images of {dataset!r} were drawn for training, and none is left to choose the "
                "checkpoint: draw a smaller share, or draw from train"
            )
    return held_out


def _trainable(model: AnyModel, device: torch.device) -> TorchModel:
    """Return a model that can be differentiated, in float32, in which adapters are trained."""
    if not isinstance(model, TorchModel):
        raise ModelError(
            f"{model.identity.spec} cannot be fine-tuned: it is not built on one of this package's own "
            "adapters; choose an open_clip, transformers or MedCLIP model"
        )
    return model.to(device, torch.float32)


def _run_record(
    config: FinetuneConfig, model: TorchModel, few_shot: FewShot, prompts: PromptsRecord, device: torch.device
) -> RunRecord:
    """Return everything that the weights will depend on, nothing left to defaults."""
    precision = config.precision
    if precision == "auto":
        bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
        precision = "bf16" if bf16 else "fp32"
    papers = default_targets(model)
    targets = config.targets or papers
    once = ATTENTION if papers == ATTENTION else CONVOLUTIONS
    return RunRecord(
        base_weights_sha256=model.identity.weights_sha256,
        base_revision=model.identity.revision,
        base_architecture=model.identity.architecture,
        datasets=tuple(few_shot.ids),
        fewshot_digest=few_shot.digest,
        class_names={name: tuple(texts) for name, texts in prompts.texts.items()},
        prompts_digest=prompts.digest,
        alpha=float(config.alpha or config.rank),
        targets=None if targets == once else targets,
        draw_from=few_shot.split,
        temperature=config.temperature or 1 / model.logit_scale,
        precision=precision,
        preprocessing=json.dumps(model.preprocessing.plain_values()),
        augment=bool(config.augment),
        augment_suite=None if config.augmentation is None else suite_record(config.augmentation),
        **{name: getattr(config, name) for name in _AS_ASKED},
    )
