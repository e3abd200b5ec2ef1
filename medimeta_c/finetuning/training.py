"""Training loop: steps over batches, validation after each epoch, and the checks that stop it."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
from torch.nn import functional

from medimeta_c.errors import ModelError, Remedy
from medimeta_c.finetuning.config import FinetuneConfig
from medimeta_c.finetuning.data import ImageReader, Sample, batches, epoch_order
from medimeta_c.finetuning.state import EpochRecord, RunRecord, Tensors
from medimeta_c.lora.adapters import Adapters

__all__ = ["FinetuneProgress", "NotANumber", "Trainer", "TrainingData", "learning_rate"]

_MB = 1_000_000
T = TypeVar("T")
_logger = logging.getLogger(__name__)


class NotANumber(ArithmeticError):
    """A loss, weight or embedding became NaN or infinite; the message says which, and when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneProgress:
    """How far a run is, in images that went through the model, training and validation together.

    Parameters
    ----------
    epoch, epochs : int
        The epoch in work, and how many there are. Epoch 0 scores the model as it was.
    loss : float or None
        Of the last step.
    val_accuracy : float or None
        After the last whole epoch.
    images_done, images_total : int
        Of the epochs not yet finished when the run began or went on.
    """

    epoch: int
    epochs: int
    loss: float | None
    val_accuracy: float | None
    images_done: int
    images_total: int

    @property
    def text(self) -> str:
        """The epoch, the loss and the validation accuracy, for people."""
        parts = [f"epoch {self.epoch}/{self.epochs}" if self.epoch else "before training"]
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        if self.val_accuracy is not None:
            parts.append(f"val {100 * self.val_accuracy:.1f} %")
        return "  ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingData:
    """What a run learns from and chooses by.

    Parameters
    ----------
    training, validation : tuple of Sample
        Images of the train and of the val split.
    columns : mapping of str to tuple of int
        By dataset: the column of each of its classes.
    embeddings : torch.Tensor of shape (K, D)
        Of every column, of unit norm, on the model's device.
    reader : ImageReader
        Where the pixels come from.
    """

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    columns: Mapping[str, Sequence[int]]
    embeddings: torch.Tensor
    reader: ImageReader

    @property
    def images_an_epoch(self) -> int:
        """Images that go through the model in an epoch."""
        return len(self.training) + len(self.validation)


def learning_rate(config: FinetuneConfig | RunRecord, step: int, steps: int) -> float:
    """Return the learning rate of a step, from 0 to `steps` - 1; it depends on nothing else."""
    if config.schedule == "constant":
        return config.lr
    return config.lr * 0.5 * (1 + math.cos(math.pi * step / steps))


class Trainer:
    """A model with adapters, its optimiser, and how its batches run.

    The model stays in evaluation mode, so that no dropout draws and no batch statistic moves: only the
    adapters change, and a step is a function of the weights and the batch.

    Parameters
    ----------
    adapters : Adapters
        In the image tower of their model, on its device.
    data : TrainingData
        What to learn from.
    run : RunRecord
        How.
    micro_batch : int
        Images that go through the model at a time.
    """

    def __init__(self, adapters: Adapters, data: TrainingData, run: RunRecord, micro_batch: int) -> None:
        self.micro_batch = micro_batch
        self.steps_an_epoch = math.ceil(len(data.training) / run.batch_size)
        self._model, self._parameters = adapters.model, adapters.parameters()
        self._data, self._run, self._device = data, run, data.embeddings.device
        self._adam = torch.optim.Adam(self._parameters, lr=run.lr)

    def optimiser_state(self) -> Tensors:
        """Return Adam's moments by the place of their parameter; empty before the first step."""
        return {
            f"{index:04d}.{name}": self._adam.state[parameter][name]
            for index, parameter in enumerate(self._parameters)
            if parameter in self._adam.state
            for name in ("exp_avg", "exp_avg_sq")
        }

    def restore_optimiser(self, moments: Tensors, step: int) -> None:
        """Put back what `optimiser_state` returned after `step` steps."""
        for index, parameter in enumerate(self._parameters):
            if f"{index:04d}.exp_avg" in moments:
                self._adam.state[parameter] = {
                    "step": torch.tensor(float(step)),
                    **{
                        name: moments[f"{index:04d}.{name}"].to(parameter.device, copy=True)
                        for name in ("exp_avg", "exp_avg_sq")
                    },
                }

    def run_epoch(self, epoch: int, on_step: Callable[[int, float | None], None]) -> EpochRecord:
        """Train one epoch, epoch 0 being none, and validate.

        Parameters
        ----------
        epoch : int
            1 to the number of epochs; 0 only validates.
        on_step : callable
            Called with the images of each batch done, and the loss if it was a training step.

        Raises
        ------
        NotANumber
            If the loss, a weight or an embedding is no longer a finite number.
        ModelError
            If not even one image fits the device.
        """
        began = time.perf_counter()
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        loss = self._train(epoch, on_step) if epoch else None
        trained = time.perf_counter()
        accuracies = self._validate(epoch, lambda images: on_step(images, None))
        return EpochRecord(
            epoch=epoch,
            step=epoch * self.steps_an_epoch,
            loss=loss,
            val_accuracy=math.fsum(accuracies.values()) / len(accuracies),
            val_accuracy_of=accuracies,
            lr=self._adam.param_groups[0]["lr"] if epoch else None,
            images_per_second=len(self._data.training) / max(trained - began, 1e-9) if epoch else None,
            seconds=time.perf_counter() - began,
            micro_batch=self.micro_batch,
            peak_memory_mb=torch.cuda.max_memory_allocated(self._device) / _MB
            if self._device.type == "cuda"
            else None,
        )

    def _train(self, epoch: int, on_step: Callable[[int, float | None], None]) -> float:
        ordered = epoch_order(self._data.training, seed=self._run.seed, epoch=epoch)
        first, steps = (epoch - 1) * self.steps_an_epoch, self._run.epochs * self.steps_an_epoch
        total = 0.0
        reader = self._data.reader
        for step, batch in enumerate(batches(reader, ordered, self._run.batch_size, epoch=epoch), first):
            for group in self._adam.param_groups:
                group["lr"] = learning_rate(self._run, step, steps)
            targets = torch.tensor([one.column for one in batch.samples], device=self._device)
            loss = self._fitting(partial(self._gradient, batch.pixels, targets))
            if not math.isfinite(loss):
                raise NotANumber(f"the loss is {loss} in step {step + 1 - first} of epoch {epoch}")
            self._adam.step()
            total += loss * len(batch.samples)
            on_step(len(batch.samples), loss)
        if not all(torch.isfinite(parameter).all() for parameter in self._parameters):
            raise NotANumber(f"an adapter has a NaN or infinite weight at the end of epoch {epoch}")
        return total / len(ordered)

    def _gradient(self, pixels: torch.Tensor, targets: torch.Tensor) -> float:
        """Set the gradient of the mean loss of a batch, added up over its parts; return the loss."""
        self._adam.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self._device)
        for start in range(0, len(targets), self.micro_batch):
            part = slice(start, start + self.micro_batch)
            logits = self._similarity(pixels[part]) / self._run.temperature
            loss = functional.cross_entropy(logits, targets[part], reduction="sum") / len(targets)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return float(total)

    def _fitting(self, work: Callable[[], T]) -> T:
        """Do work in micro-batches, again in smaller ones while the device has no memory for them."""
        while True:
            try:
                return work()
            except torch.OutOfMemoryError as error:
                if self.micro_batch == 1:
                    raise ModelError(
                        f"{self._device} has too little memory to train on a single image",
                        remedy=[Remedy("use a smaller model"), Remedy("use {device}", device="cpu")],
                    ) from error
            # Here, not above: the error's traceback holds the tensors that fill the memory.
            self.micro_batch = (self.micro_batch + 1) // 2
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            _logger.warning(
                "%s is out of memory: continuing with %d images at a time", self._device, self.micro_batch
            )

    def _similarity(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the cosine of each image with every column, float32."""
        moved = self._data.reader.normalised(pixels.to(self._device, non_blocking=True))
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._run.precision == "bf16"):
            features = self._model.features(moved)
        return functional.normalize(features.float(), dim=-1) @ self._data.embeddings.T

    def _parts(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the similarities of a batch that may not fit the device whole, on the CPU."""
        return torch.cat([self._similarity(part).cpu() for part in torch.split(pixels, self.micro_batch)])

    @torch.no_grad()
    def _validate(self, epoch: int, on_images: Callable[[int], None]) -> dict[str, float]:
        """Return top-1 accuracy by dataset, among each dataset's own classes, as the benchmark scores it."""
        correct: Counter[str] = Counter()
        count: Counter[str] = Counter()
        for batch in batches(self._data.reader, self._data.validation, self.micro_batch, epoch=None):
            similarity = self._fitting(partial(self._parts, batch.pixels))
            if not torch.isfinite(similarity).all():
                raise NotANumber(f"the image tower gives NaN for a val image after epoch {epoch}")
            for sample, row in zip(batch.samples, similarity, strict=True):
                own = row[list(self._data.columns[sample.dataset])]
                count[sample.dataset] += 1
                correct[sample.dataset] += int(own.argmax()) == sample.label
            on_images(len(batch.samples))
        return {dataset: correct[dataset] / count[dataset] for dataset in count}
