"""Training and validation images as batches of tensors: their choice, order and labels."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow

from medimeta_c.finetuning.labels import LabelSpace
from medimeta_c.format.keys import CLEAN, Image, SetKey
from medimeta_c.format.seeding import generator, order_key
from medimeta_c.format.suites import CORE
from medimeta_c.models import Model
from medimeta_c.scoring.inference import normalise
from medimeta_c.sources.contract import Source
from medimeta_corruptions import corrupt

__all__ = ["Augmentation", "Batch", "ImageReader", "Sample", "augmented", "batches", "epoch_order", "samples"]

_ORDER = "medimeta-c/order/1"
_AUGMENT = "medimeta-c/augment/1"
_CACHE_BYTES = 2 << 30
_THREADS = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """One image and its class: `label` within its dataset, `column` in the one label space."""

    dataset: str
    split: str
    image_id: str
    label: int
    column: int


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples and their pixels, as `ImageReader.collate` gives them."""

    samples: tuple[Sample, ...]
    pixels: torch.Tensor


def samples(
    sources: Mapping[str, Source], split: str, ids: Mapping[str, Sequence[str]], space: LabelSpace
) -> tuple[Sample, ...]:
    """Return the samples of some ids of one split, dataset by dataset."""
    return tuple(
        Sample(dataset, split, image_id, label, space.columns[dataset][label])
        for dataset, source in sources.items()
        for image_id in ids[dataset]
        for label in (source.label(split, image_id),)
    )


def epoch_order(training: Sequence[Sample], *, seed: int, epoch: int) -> list[Sample]:
    """Return the samples in an epoch's order, a function of seed, epoch and the samples alone."""
    return sorted(training, key=lambda one: order_key(_ORDER, seed, epoch, one.dataset, one.image_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How training images are corrupted.

    Parameters
    ----------
    seed : int
        Root of all choices and of the noise.
    corruptions : mapping of str to tuple of str
        Names by dataset.
    severities : tuple of int, optional
        Chosen from with equal probability.
    scheme : str, optional
        The suite's seed scheme.
    """

    seed: int
    corruptions: Mapping[str, tuple[str, ...]]
    severities: tuple[int, ...] = CORE.severities
    scheme: str = CORE.seed_scheme


def augmented(image: Image, sample: Sample, how: Augmentation, *, epoch: int) -> Image:
    """Return an image as augmentation shows it in one epoch.

    One condition of the dataset's, each as likely: clean, or one of its corruptions at one of the severities.
    The choice and the noise depend on seed, epoch and the image's identity alone, and are never
    those of the benchmark, whose generators are keyed otherwise.
    """
    drawn = order_key(_AUGMENT, how.seed, epoch, sample.dataset, sample.image_id)
    conditions = (CLEAN, *how.corruptions[sample.dataset])
    condition = conditions[int.from_bytes(drawn[:8], "little") % len(conditions)]
    if condition == CLEAN:
        return image
    severity = how.severities[int.from_bytes(drawn[8:], "little") % len(how.severities)]
    key = SetKey(sample.dataset, sample.split, condition, severity)
    rng = generator(how.seed, key, f"{_AUGMENT}|{epoch}|{sample.image_id}", how.scheme)
    return corrupt(image, condition, severity, rng)


class ImageReader:
    """Reads images and prepares them as the model's own transform does, keeping what fits in memory.

    Parameters
    ----------
    sources : mapping of str to Source
        By dataset.
    model : Model
        Whose transform prepares them.
    augmentation : Augmentation or None
        How training images are corrupted; None for clean ones. Validation images never are.
    cache_bytes : int, optional
        Images are read from disk once, until so many bytes of them are kept.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        model: Model,
        *,
        augmentation: Augmentation | None,
        cache_bytes: int = _CACHE_BYTES,
    ) -> None:
        self._sources, self._model, self._augmentation = sources, model, augmentation
        self._room = cache_bytes
        self._kept: dict[Sample, NDArray[Any]] = {}
        self._lock = threading.Lock()

    def read(self, sample: Sample, *, epoch: int | None) -> NDArray[Any]:
        """Return one image, prepared: uint8 (H, W) or (H, W, 3) to be normalised, or float32 (3, H, W).

        Parameters
        ----------
        sample : Sample
            The image.
        epoch : int or None
            The epoch it is augmented for; None for validation.
        """
        if epoch is None or self._augmentation is None:
            kept = self._kept.get(sample)
            return self._keep(sample, self._prepare(self._image(sample))) if kept is None else kept
        image = self._kept.get(sample)
        if image is None:
            image = self._keep(sample, self._image(sample))
        return self._prepare(augmented(image, sample, self._augmentation, epoch=epoch))

    def collate(self, images: Sequence[NDArray[Any]]) -> torch.Tensor:
        """Return prepared images as one tensor: uint8 (N, H, W[, 3]) where all are raw, else float32."""
        shapes = {(image.dtype.name, image.shape) for image in images}
        if len(shapes) == 1:
            return torch.from_numpy(np.stack(images))
        if {name for name, _ in shapes} == {"uint8"}:  # grey and colour of one size
            return torch.from_numpy(
                np.stack(
                    [np.repeat(each[..., None], 3, axis=2) if each.ndim == 2 else each for each in images]
                )
            )
        return torch.cat([self.normalised(torch.from_numpy(each[None])) for each in images])

    def normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return pixels as the model takes them, float32 (N, 3, H, W), on the device they are on."""
        return normalise(pixels, self._model.preprocessing)

    def _prepare(self, image: Image) -> NDArray[Any]:
        if self._model.preprocessing.is_normalise_only(*image.shape[:2]):
            return image
        return np.asarray(self._model.preprocess(Pillow.fromarray(image)))

    def _image(self, sample: Sample) -> Image:
        with self._lock:  # a source need not be safe for threads
            return self._sources[sample.dataset].image(sample.split, sample.image_id)

    def _keep(self, sample: Sample, image: NDArray[Any]) -> NDArray[Any]:
        with self._lock:
            if image.nbytes <= self._room:
                self._kept[sample] = image
                self._room -= image.nbytes
        return image


def batches(
    reader: ImageReader, ordered: Sequence[Sample], size: int, *, epoch: int | None
) -> Iterator[Batch]:
    """Yield the samples in batches of `size`, the next one being read while the last is worked on."""
    parts = [tuple(ordered[start : start + size]) for start in range(0, len(ordered), size)]

    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="images")

    def submit(index: int) -> list[Future[NDArray[Any]]]:
        part = parts[index] if index < len(parts) else ()
        return [pool.submit(reader.read, sample, epoch=epoch) for sample in part]

    try:
        waiting = submit(0)
        for index, part in enumerate(parts):
            ready, waiting = waiting, submit(index + 1)
            yield Batch(part, reader.collate([future.result() for future in ready]))
    finally:
        pool.shutdown(cancel_futures=True)
