"""From a request to what a run needs: sources checked, prompts, a model that can be trained, batches."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch

from medimeta_c._version import __version__
from medimeta_c.errors import ModelError, SourceError
from medimeta_c.finetuning.config import FinetuneConfig
from medimeta_c.finetuning.data import ImageReader, samples
from medimeta_c.finetuning.fewshot import TRAIN, VAL, FewShot
from medimeta_c.finetuning.labels import LabelSpace
from medimeta_c.finetuning.state import RunRecord
from medimeta_c.finetuning.training import TrainingData
from medimeta_c.models import Model
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.prompts.record import PromptsRecord
from medimeta_c.prompts.templates import ClassPrompts, load_prompts
from medimeta_c.sources.contract import Source
from medimeta_c.sources.selection import open_datasets

__all__ = ["class_prompts", "open_sources", "run_record", "torch_model", "training_data"]


def open_sources(config: FinetuneConfig) -> dict[str, Source]:
    """Open the datasets; refuse one without a val split, with a SourceError."""
    sources = open_datasets(config.datasets, config.source, config.data_dir, task=config.task)
    for dataset, source in sources.items():
        if not source.info.splits.get(VAL):
            raise SourceError(
                f"dataset {dataset!r} has no {VAL} split, by which the best checkpoint is chosen: leave the "
                "dataset out, or hold some of its training images back as val"
            )
    return sources


def class_prompts(config: FinetuneConfig, sources: Mapping[str, Source]) -> list[ClassPrompts]:
    """Return the texts of every class of every dataset."""
    book = load_prompts(config.prompts)
    book.require_known(sources)
    infos = {name: source.info for name, source in sources.items()}
    return [book.prompts(name, info.class_names, modality=info.modality) for name, info in infos.items()]


def torch_model(model: Model, device: torch.device) -> TorchModel:
    """Return a model that can be differentiated, in float32: adapters are trained in that."""
    if not isinstance(model, TorchModel):
        raise ModelError(
            f"{model.identity.spec} cannot be fine-tuned: it is not built on one of this package's own "
            "adapters; choose an open_clip, transformers or MedCLIP model"
        )
    return model.to(device, torch.float32)


def training_data(
    config: FinetuneConfig,
    model: TorchModel,
    sources: Mapping[str, Source],
    few_shot: FewShot,
    space: LabelSpace,
) -> TrainingData:
    """Return the images of the train and val splits, and the embeddings of the classes."""
    held_out = {name: source.ids(VAL) for name, source in sources.items()}
    return TrainingData(
        training=samples(sources, TRAIN, few_shot.ids, space),
        validation=samples(sources, VAL, held_out, space),
        columns=space.columns,
        embeddings=space.embeddings(model),
        reader=ImageReader(sources, model, augment_seed=config.seed if config.augment else None),
    )


def run_record(
    config: FinetuneConfig, model: TorchModel, few_shot: FewShot, prompts: PromptsRecord, device: torch.device
) -> RunRecord:
    """Return everything that the weights will depend on, nothing left to defaults."""
    return RunRecord(
        base_weights_sha256=model.identity.weights_sha256,
        base_revision=model.identity.revision,
        base_architecture=model.identity.architecture,
        datasets=tuple(few_shot.ids),
        fraction=config.fraction,
        seed=config.seed,
        fewshot_digest=few_shot.digest,
        class_names={name: tuple(texts) for name, texts in prompts.texts.items()},
        prompts_digest=prompts.digest,
        rank=config.rank,
        alpha=float(config.alpha or config.rank),
        temperature=config.temperature or 1 / model.logit_scale,
        epochs=config.epochs,
        lr=config.lr,
        schedule=config.schedule,
        batch_size=config.batch_size,
        patience=config.patience,
        augment=config.augment,
        precision=_precision(config.precision, device),
        preprocessing=json.dumps(model.preprocessing.plain_values()),
        package_version=__version__,
    )


def _precision(wanted: str, device: torch.device) -> str:
    if wanted != "auto":
        return wanted
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
