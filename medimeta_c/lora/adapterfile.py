"""Adapters on disk: ``adapter.safetensors`` beside ``adapter.json``."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save

from medimeta_c.errors import ModelError, ResultError
from medimeta_c.io.files import write_atomic
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import write_record
from medimeta_c.lora.adapters import Adapters, AdapterState, attach
from medimeta_c.lora.record import AdapterRecord, TrainingRecord
from medimeta_c.models.torch_model import TorchModel
from medimeta_c.models.weights import read_checkpoint, weights_sha256

__all__ = ["RECORD", "TENSORS", "AdapterFile", "apply_adapter", "read_adapter", "write_adapter"]

RECORD = "adapter.json"
TENSORS = "adapter.safetensors"

_SHOWN = 12
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFile:
    """Adapters as they lie in a folder.

    Parameters
    ----------
    folder : Path
        Where they lie.
    record : AdapterRecord
        What ``adapter.json`` says.
    state : AdapterState
        The tensors of ``adapter.safetensors``, float32.
    """

    folder: Path
    record: AdapterRecord
    state: AdapterState


def write_adapter(folder: Path, adapters: Adapters, training: TrainingRecord | None = None) -> AdapterRecord:
    """Write both files, each atomically; the tensors go first.

    Returns
    -------
    AdapterRecord
        What was written to ``adapter.json``.

    Raises
    ------
    WriteError
        If a file cannot be written.
    """
    state = adapters.state_dict()
    record = AdapterRecord(
        base=adapters.base,
        lora=adapters.report(),
        adapters_sha256=weights_sha256(state),
        training=training,
    )
    write_atomic(folder / TENSORS, save(state, metadata={"format": "pt"}))
    write_record(folder / RECORD, record)
    return record


def read_adapter(folder: Path) -> AdapterFile:
    """Read adapters and check that the two files belong together.

    Raises
    ------
    ModelError
        If a file is missing, damaged or of another schema, or the tensors are not those described.
    """
    try:
        record = read_record(folder / RECORD, AdapterRecord, "restore it, or fine-tune again")
    except ResultError as error:
        raise ModelError(str(error)) from error
    state = read_checkpoint(folder / TENSORS)
    digest = weights_sha256(state)
    if digest != record.adapters_sha256:
        raise ModelError(
            f"{folder / TENSORS} does not hold the adapters that {RECORD} beside it describes (digest "
            f"{digest[:_SHOWN]}…, not {record.adapters_sha256[:_SHOWN]}…): copy both files of one run again, "
            "or let an interrupted fine-tuning resume"
        )
    return AdapterFile(folder=folder, record=record, state=state)


def apply_adapter(model: TorchModel, adapter: AdapterFile) -> Adapters:
    """Attach adapters to the model they were made for.

    The same weights under another configuration are warned of, not refused: libraries change what they write
    into one.

    Raises
    ------
    ModelError
        If the model has other weights than the adapters' base, or the adapters do not fit it.
    """
    base, lora = adapter.record.base, adapter.record.lora
    found = model.identity.weights_sha256
    if found != base.weights_sha256:
        raise ModelError(
            f"the adapters in {adapter.folder} belong to {base.spec} with weights "
            f"{base.weights_sha256[:_SHOWN]}…, and {model.identity.spec} has weights {found[:_SHOWN]}…: "
            "load them onto their own base"
        )
    if model.identity.architecture != base.architecture:
        _logger.warning(
            "the adapters in %s were made on %s, and %s is %s: the same weights, but another configuration, "
            "tokenizer or library version, so embeddings may differ",
            adapter.folder,
            base.architecture,
            model.identity.spec,
            model.identity.architecture,
        )
    adapters = attach(model, lora, lora.seed)
    try:
        adapters.load_state_dict(adapter.state)
    except ModelError as error:
        adapters.detach()
        raise ModelError(f"{adapter.folder / TENSORS}: {error}") from error
    own = adapters.report()
    if (own.layers, own.trainable_parameters) != (lora.layers, lora.trainable_parameters):
        adapters.detach()
        raise ModelError(
            f"{adapter.folder / RECORD} says {lora.layers} adapted layers with {lora.trainable_parameters:,} "
            f"parameters, and {model.identity.spec} has {own.layers} with "
            f"{own.trainable_parameters:,}: restore that file"
        )
    return adapters
