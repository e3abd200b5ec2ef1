"""Batches of images to predictions of cells, whatever scores the classes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

import torch
from numpy.typing import ArrayLike

from medimeta_c.errors import ModelError, Remedy
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.models import Preprocess, Preprocessing
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.scoring.decoding import Decoded, Prepare, chunks_of, decode_all
from medimeta_c.scoring.feeding.transfer import Transfer
from medimeta_c.scoring.rows import CellRows, batches

__all__ = [
    "ClassScorer",
    "Embedder",
    "FeatureEncoder",
    "Predictor",
    "SetRows",
    "normalise",
    "predictions_of",
    "softmax_and_best",
]

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
class SetRows(CellRows):
    """A set whose rows are coming in, each with a vector of its own: logits, or features."""

    _vectors: list[torch.Tensor] = field(default_factory=list)

    def take(self, rows: Decoded, start: int, stop: int, vectors: torch.Tensor) -> None:
        """Take in consecutive rows of a chunk and their vectors."""
        self.add(rows, start, stop)
        self._vectors.append(vectors)

    def vectors(self) -> torch.Tensor:
        """Return the vectors of all rows, on the CPU; raises ShardError as `check` does."""
        self.check()
        return torch.cat(self._vectors).cpu()


def predictions_of(
    key: SetKey, image_ids: Sequence[str], labels: ArrayLike, logits: torch.Tensor
) -> CellPredictions:
    """Return the predictions that logits (N, K) on the CPU make: their softmax, and the highest of them."""
    probabilities, best = softmax_and_best(logits)
    return CellPredictions.of(key, image_ids, labels, probabilities.numpy(), predictions=best.numpy())


def softmax_and_best(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the softmax (N, K) in float32, and the class of the highest of logits (N, K) on the CPU."""
    exact = logits.double()  # on the CPU: MPS has no double
    best = torch.nan_to_num(exact, nan=-torch.inf).argmax(dim=-1)
    return torch.softmax(exact, dim=-1).float(), best


class FeatureEncoder(Protocol):
    """What embeds images."""

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


class ClassScorer(FeatureEncoder, Protocol):
    """What gives each class of a dataset a logit: images to features once, features to logits by dataset."""

    def logits(self, features: torch.Tensor, dataset: str) -> torch.Tensor:
        """Score the K classes of a dataset, in label order: (N, K)."""
        ...


class Embedder:
    """An encoder, and how its batches run. Holds the batch size, which may shrink.

    Parameters
    ----------
    encoder : FeatureEncoder
        Its model is on its device.
    device : torch.device
        The model's.
    batch_size : int
        Images a batch; halved, with a warning, when the device has no memory for it.
    workers : int
        Decoding threads, or processes for a transform that needs them; 0 decodes in this thread.
    """

    def __init__(
        self, encoder: FeatureEncoder, *, device: torch.device, batch_size: int, workers: int
    ) -> None:
        self.batch_size = batch_size
        self._width: int | None = None
        self._encoder, self._device, self._workers = encoder, device, workers
        self._transfer = Transfer(device)

    @property
    def prepare(self) -> Prepare:
        """How images become what the model takes."""
        return Prepare(
            transform=self._encoder.preprocess, is_raw=self._encoder.preprocessing.is_normalise_only
        )

    def embedded(
        self, decoded: Iterable[Decoded], limit: int | None = None
    ) -> Iterator[list[tuple[Decoded, int, int, torch.Tensor]]]:
        """Yield batches: consecutive rows of chunks, by first and one after last, and their features.

        With `limit`, only the first so many rows of each set.

        Raises
        ------
        ModelError
            If not even one image fits the device.
        """
        for batch in batches(decoded, lambda: self.batch_size, limit):
            parts = [rows.images[start:stop] for rows, start, stop in batch]
            features = self._features(self._transfer.joined(parts))
            split = torch.split(features, [len(part) for part in parts])
            yield [(*rows, part) for rows, part in zip(batch, split, strict=True)]

    def rows(
        self,
        benchmark: Benchmark,
        keys: Iterable[SetKey],
        vectors: Callable[[torch.Tensor, SetKey], torch.Tensor] = lambda features, key: features,
        on_images: Callable[[int], None] = lambda count: None,
        *,
        limit: int | None = None,
    ) -> Iterator[SetRows]:
        """Yield sets, each as it is finished, in order, with a vector for each image.

        Every image is digested as it was decoded; `SetRows.vectors` compares all of them with the manifest.

        Parameters
        ----------
        benchmark : Benchmark
            The shards.
        keys : iterable of SetKey
            The sets.
        vectors : callable, optional
            Takes features and their set, and returns what is kept of them; by default all.
        on_images, limit
            As `Predictor.predict` takes them.
        """
        sets: dict[SetKey, SetRows] = {}
        chunks = chunks_of(benchmark, keys, limit=limit)
        with closing(decode_all(chunks, self.prepare, workers=self._workers)) as decoded:
            for batch in self.embedded(decoded, limit):
                for rows, start, stop, features in batch:
                    record, is_rendered = benchmark.record(rows.key), rows.is_rendered
                    one = sets.setdefault(rows.key, SetRows(record, limit, is_rendered))
                    one.take(rows, start, stop, vectors(features, rows.key))
                    if one.is_whole:
                        yield sets.pop(rows.key)
                on_images(sum(len(features) for *_, features in batch))
        yield from sets.values()  # short of rows

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        """Embed a batch, in halves if the device has no memory for it whole."""
        try:
            moved = self._transfer.moved(images)
            found = self._encoder.features(normalise(moved, self._encoder.preprocessing))
            return self._checked(found, len(images))
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


class Predictor(Embedder):
    """A scorer of classes, and how its batches run.

    Parameters
    ----------
    scorer : ClassScorer
        Its model is on its device.
    device, batch_size, workers
        As `Embedder` takes them.
    """

    def __init__(self, scorer: ClassScorer, *, device: torch.device, batch_size: int, workers: int) -> None:
        super().__init__(scorer, device=device, batch_size=batch_size, workers=workers)
        self._scorer = scorer

    def predict(
        self,
        benchmark: Benchmark,
        keys: Iterable[SetKey],
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
        keys : iterable of SetKey
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
        for one in self.rows(benchmark, keys, self._logits, on_images, limit=limit):
            yield predictions_of(one.record.key, one.image_ids, one.labels, one.vectors())

    def _logits(self, features: torch.Tensor, key: SetKey) -> torch.Tensor:
        return self._scorer.logits(features, key.dataset)
