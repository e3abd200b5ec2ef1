"""Batches of images to predictions of cells, whatever scores the classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from medimeta_c.errors import ModelError, Remedy
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.models import Preprocess, Preprocessing
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.scoring.decoding import Prepare, chunks_of, decode_all
from medimeta_c.scoring.rows import CellRows, batches

__all__ = ["ClassScorer", "Predictor", "normalise"]

_logger = logging.getLogger(__name__)


def normalise(images: torch.Tensor, preprocessing: Preprocessing) -> torch.Tensor:
    """Return raw pixels as the model's own transform would, for images of the model's size.

    Parameters
    ----------
    images : torch.Tensor of uint8, shape (N, H, W) or (N, H, W, 3)
        On any device. Grey is copied to three channels. Prepared images, of another type, are left alone.
    preprocessing : Preprocessing
        Mean and standard deviation.

    Returns
    -------
    torch.Tensor of float32, shape (N, 3, H, W)
        ``(pixels / 255 - mean) / std``, in the operations and order of torchvision's transforms.
    """
    if images.dtype != torch.uint8:
        return images
    channels = images.permute(0, 3, 1, 2) if images.ndim == 4 else images[:, None].expand(-1, 3, -1, -1)
    mean, std = (
        torch.tensor(values, dtype=torch.float32, device=images.device).view(-1, 1, 1)
        for values in (preprocessing.mean, preprocessing.std)
    )
    return channels.float().div(255).sub_(mean).div_(std)


@dataclass(slots=True, eq=False)
class _Cell:
    """A set whose rows and logits are coming in."""

    rows: CellRows
    logits: list[torch.Tensor] = field(default_factory=list)

    def predictions(self) -> CellPredictions:
        """Return the finished cell; raises ShardError if its rows are not those of the manifest."""
        self.rows.check()
        logits = torch.cat(self.logits).cpu().double()  # MPS has no double
        return CellPredictions.of(
            self.rows.record.key,
            self.rows.image_ids,
            self.rows.labels,
            torch.softmax(logits, dim=-1).float().numpy(),
            predictions=torch.nan_to_num(logits, nan=-torch.inf).argmax(dim=-1).numpy(),
        )


class ClassScorer(Protocol):
    """What gives each class of a dataset a logit: images to features once, features to logits by dataset."""

    @property
    def preprocess(self) -> Preprocess:
        """The model's own transform."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """What `preprocess` does."""
        ...

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed prepared images (N, 3, H, W) on the model's device: (N, D) float32."""
        ...

    def logits(self, features: torch.Tensor, dataset: str) -> torch.Tensor:
        """Score the K classes of a dataset, in label order: (N, K)."""
        ...


class Predictor:
    """A scorer of classes, and how its batches run. Holds the batch size, which may shrink.

    Parameters
    ----------
    scorer : ClassScorer
        Its model is on its device.
    device : torch.device
        The model's.
    batch_size : int
        Images a batch; halved, with a warning, when the device has no memory for it.
    workers : int
        Decoding processes; 0 decodes in this one.
    """

    def __init__(
        self,
        scorer: ClassScorer,
        *,
        device: torch.device,
        batch_size: int,
        workers: int,
    ) -> None:
        self.batch_size = batch_size
        self._width: int | None = None
        self._scorer, self._device, self._workers = scorer, device, workers

    def predict(
        self,
        benchmark: Benchmark,
        keys: Sequence[SetKey],
        on_images: Callable[[int], None] = lambda count: None,
        *,
        limit: int | None = None,
    ) -> Iterator[CellPredictions]:
        """Yield the predictions of sets, each as it is finished, in order.

        Every image is digested as it was decoded, and every cell is compared with the row digest of the
        manifest: what was scored is what the fingerprint says.

        Parameters
        ----------
        benchmark : Benchmark
            The shards.
        keys : sequence of SetKey
            The sets.
        on_images : callable, optional
            Called with the number of images of each batch done.
        limit : int, optional
            Only the first so many images of each set. The row digest, which is of all, is then not compared.

        Raises
        ------
        ShardError
            If a shard is damaged or not what the manifest says.
        ModelError
            If not even one image fits the device.
        """
        preprocessing = self._scorer.preprocessing
        prepare = Prepare(transform=self._scorer.preprocess, is_raw=preprocessing.is_normalise_only)
        cells: dict[SetKey, _Cell] = {}
        chunks = chunks_of(benchmark, keys, limit=limit)
        with closing(decode_all(chunks, prepare, workers=self._workers)) as decoded:
            for batch in batches(decoded, lambda: self.batch_size, limit):
                parts = [rows.images[start:stop] for rows, start, stop in batch]
                images = torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts))
                scored = torch.split(self._features(images), [len(part) for part in parts])
                for (rows, start, stop), part in zip(batch, scored, strict=True):
                    cell = cells.setdefault(rows.key, _Cell(CellRows(benchmark.record(rows.key), limit)))
                    cell.rows.add(rows, start, stop)
                    cell.logits.append(self._scorer.logits(part, rows.key.dataset))
                    if cell.rows.is_whole:
                        yield cells.pop(rows.key).predictions()
                on_images(len(images))
        for cell in cells.values():  # short of rows
            yield cell.predictions()

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        """Embed a batch, in halves if the device has no memory for it whole."""
        try:
            moved = images.to(self._device, non_blocking=True)
            return self._checked(
                self._scorer.features(normalise(moved, self._scorer.preprocessing)), len(images)
            )
        except torch.OutOfMemoryError as error:
            if len(images) == 1:
                raise ModelError(
                    f"{self._device} has too little memory for a single image",
                    remedy=Remedy(
                        "use a smaller model, {precision} or {device}", precision="bf16", device="cpu"
                    ),
                ) from error
        torch.cuda.empty_cache()
        half = (len(images) + 1) // 2
        if half < self.batch_size:
            self.batch_size = half
            _logger.warning("%s is out of memory: continuing with batches of %d", self._device, half)
        return torch.cat([self._features(images[:half]), self._features(images[half:])])

    def _checked(self, features: torch.Tensor, images: int) -> torch.Tensor:
        """Refuse features that are not a row for each image, of the width of the first batch."""
        width = features.shape[-1] if self._width is None else self._width
        if tuple(features.shape) != (images, width):
            raise ModelError(
                f"the model returned features of shape {tuple(features.shape)} for {images} images: they "
                f"must be ({images}, {'D' if self._width is None else width})"
            )
        self._width = width
        return features
