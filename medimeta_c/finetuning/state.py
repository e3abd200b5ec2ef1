"""Checkpoint of a run: one file from which training resumes as if it had not been interrupted.

``.finetune/checkpoint.safetensors`` in the run's folder holds the adapters after the last whole epoch, those
of the best one, and Adam's moments; its header holds what the run is, and a record of every epoch. It is
replaced whole, so that a killed process, a full disk or a diverging loss leaves the one before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from medimeta_c._version import __version__
from medimeta_c.errors import Remedy, ResultError, WriteError
from medimeta_c.format.manifest.records import SuiteRecord
from medimeta_c.io.files import exclusive, write_atomic
from medimeta_c.io.records import Document, Record, Since, canonical_json, dump
from medimeta_c.lora import Target

__all__ = [
    "EpochRecord",
    "Progress",
    "RunRecord",
    "TrainingState",
    "held",
    "read_state",
    "refuse_foreign",
    "write_state",
]

_FOLDER = ".finetune"
_CHECKPOINT = f"{_FOLDER}/checkpoint.safetensors"
_HEADER = "medimeta-c"

Tensors = dict[str, torch.Tensor]


class RunRecord(Record):
    """Everything the weights of a run depend on. A run resumes only if all of it is equal.

    Attributes
    ----------
    draw_from : str
        The split that few-shot images were drawn from.
    targets : tuple of Target or None
        What is adapted; None for what version 1 always adapted: attention, or whole kernels without any.
    """

    base_weights_sha256: str
    base_revision: str | None
    base_architecture: str
    datasets: tuple[str, ...]
    fraction: float
    seed: int
    fewshot_digest: str
    class_names: dict[str, tuple[str, ...]]
    prompts_digest: str
    rank: int
    alpha: float
    temperature: float
    epochs: int
    lr: float
    schedule: str
    batch_size: int
    patience: int | None
    augment: bool
    augment_suite: Annotated[SuiteRecord | None, Since(2)] = None
    precision: str
    preprocessing: str
    package_version: str = __version__
    draw_from: Annotated[str, Since(2)] = "train"
    targets: Annotated[tuple[Target, ...] | None, Since(2)] = None


class EpochRecord(Record):
    """One line of ``training.jsonl``. Epoch 0 is the model before training.

    Attributes
    ----------
    loss : float or None
        Mean cross-entropy over the epoch's images.
    val_accuracy : float
        Mean over the datasets of top-1 accuracy among a dataset's own classes, as the benchmark scores.
    lr : float or None
        Of the last step.
    images_per_second : float or None
        Of training.
    seconds : float
        Of training and validation.
    peak_memory_mb : float or None
        Of the CUDA device, in 10^6 bytes.
    """

    epoch: Annotated[int, Field(ge=0)]
    step: Annotated[int, Field(ge=0)]
    loss: float | None
    val_accuracy: float
    val_accuracy_of: dict[str, float]
    lr: float | None
    images_per_second: float | None
    seconds: float
    micro_batch: Annotated[int, Field(ge=1)]
    peak_memory_mb: float | None


class Progress(Document):
    """How far a run is."""

    run: RunRecord
    epochs: Annotated[tuple[EpochRecord, ...], Field(min_length=1)]

    @property
    def last(self) -> EpochRecord:
        """The last whole epoch."""
        return self.epochs[-1]

    @property
    def best(self) -> EpochRecord:
        """The first epoch of the highest validation accuracy; epoch 0 only before any other."""
        return max(self.epochs[1:] or self.epochs, key=lambda one: one.val_accuracy)

    @property
    def out_of_patience(self) -> bool:
        """Whether as many epochs as `patience` says went by without a better one."""
        patience = self.run.patience
        return patience is not None and self.last.epoch - self.best.epoch >= patience

    @property
    def finished(self) -> bool:
        """Whether there is nothing more to do."""
        return self.last.epoch >= self.run.epochs or self.out_of_patience

    @property
    def seconds(self) -> float:
        """Time spent in all."""
        return sum(one.seconds for one in self.epochs)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingState:
    """A run between two epochs.

    Parameters
    ----------
    progress : Progress
        What it is and how far.
    last, best : dict of str to torch.Tensor
        Adapters after the last epoch, and after the best.
    optimiser : dict of str to torch.Tensor
        Adam's moments.
    """

    progress: Progress
    last: Tensors
    best: Tensors
    optimiser: Tensors


@contextlib.contextmanager
def held(out: Path) -> Iterator[None]:
    """Lock a run's folder, creating it if needed.

    Raises
    ------
    ResultError
        If another process trains there, or the folder holds something else.
    WriteError
        If it cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise ResultError(f"{out} is a file, not a folder", remedy=Remedy("choose another {out}"))
    if not (out / _FOLDER).is_dir():
        refuse_foreign(out, "fine-tuning run")
    busy = ResultError(
        f"another process is fine-tuning into {out}",
        remedy=[Remedy("wait until it ends"), Remedy("choose another {out}")],
    )
    with exclusive(out / _FOLDER / "lock", out, busy):
        yield


def refuse_foreign(out: Path, kind: str, *own: str) -> None:
    """Refuse, with a ResultError, a folder that holds more than hidden names and those of patterns `own`."""
    names = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    for name in names:
        if not any(fnmatchcase(name, pattern) for pattern in (".*", *own)):
            raise ResultError(
                f"{out} holds {name!r}, which no {kind} wrote",
                remedy=Remedy("choose another {out}"),
            )


def write_state(out: Path, state: TrainingState) -> None:
    """Replace the checkpoint of a run, atomically.

    Raises
    ------
    WriteError
        If it cannot be written; the one before is intact.
    """
    groups = {"last": state.last, "best": state.best, "optimiser": state.optimiser}
    tensors = {
        f"{group}/{name}": tensor.detach().to("cpu", copy=True).contiguous()
        for group, named in groups.items()
        for name, tensor in named.items()
    }
    data = save(tensors, metadata={_HEADER: canonical_json(dump(state.progress))})
    try:
        write_atomic(out / _CHECKPOINT, data)
    except WriteError as error:
        epoch = state.progress.last.epoch
        kept = f"that of epoch {epoch - 1} is intact; " if epoch else ""
        cause = f"the checkpoint of epoch {epoch} could not be saved, {kept}{error.cause}"
        raise WriteError(cause, remedy=error.remedies) from error


def read_state(out: Path, run: RunRecord) -> TrainingState | None:
    """Read the checkpoint of a run; None if there is none yet.

    Raises
    ------
    ResultError
        If it is damaged, or of a run with other settings; the message names the first difference.
    """
    path = out / _CHECKPOINT
    if not path.is_file():
        return None
    groups: dict[str, Tensors] = {"last": {}, "best": {}, "optimiser": {}}
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            progress = Progress.model_validate_json((file.metadata() or {}).get(_HEADER, ""))
            for key in file.keys():  # noqa: SIM118  (not a mapping)
                group, _, name = key.partition("/")
                groups[group][name] = file.get_tensor(key)
    except (SafetensorError, ValidationError, KeyError, OSError) as error:
        raise ResultError(
            f"{path} is damaged or of another version: delete {out} and fine-tune again"
        ) from error
    _refuse_other(out, progress.run, run)
    return TrainingState(progress=progress, **groups)


def _refuse_other(out: Path, held_run: RunRecord, run: RunRecord) -> None:
    theirs, ours = held_run.model_dump(), run.model_dump()
    # The digest of images comes last: it follows from the other settings, which say more.
    names = sorted(theirs, key=lambda name: name == "fewshot_digest")
    name = next((name for name in names if theirs[name] != ours[name]), None)
    if name is not None:
        raise ResultError(
            f"{out} holds a run with {name.replace('_', ' ')} {_shown(theirs[name])}, this run has "
            f"{_shown(ours[name])}",
            remedy=[Remedy("choose another {out}"), Remedy("move that folder away")],
        )


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
