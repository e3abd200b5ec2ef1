"""A benchmark, or some of its sets, as a PyTorch dataset."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any, cast

import numpy as np
import torch
from PIL import Image as Pillow
from torch.utils.data import Dataset

from medimeta_c.errors import ConfigError
from medimeta_c.format.views.image_set import ImageSet
from medimeta_c.io.text import counted

__all__ = ["TorchDataset"]


class TorchDataset(Dataset[tuple[Any, int]]):
    """Images and labels of one set or several, one set after the other, for a ``DataLoader``.

    It can be handed to workers. Reading in order is fast; see `ImageSet` for reading at random.

    Parameters
    ----------
    images : ImageSet or iterable of ImageSet
        One set, several, or a whole `Benchmark`.
    transform : callable, optional
        Takes a PIL image, as a model's own ``preprocess`` does. By default images become float32 tensors of
        shape (C, H, W) with values from 0 to 1, C being 1 or 3.

    Raises
    ------
    ConfigError
        If there is no set, or something else than one.

    Examples
    --------
    >>> data = TorchDataset(bench["pbc", "contrast", 3], transform=model.preprocess)    # doctest: +SKIP
    >>> for pixels, labels in torch.utils.data.DataLoader(data, batch_size=64):         # doctest: +SKIP
    ...     print(pixels.shape, labels[:3])
    """

    def __init__(
        self, images: ImageSet | Iterable[ImageSet], *, transform: Callable[[Pillow.Image], Any] | None = None
    ) -> None:
        single = isinstance(images, ImageSet) or not isinstance(images, Iterable)
        self.sets = cast("tuple[ImageSet, ...]", (images,) if single else tuple(images))
        if not self.sets or not all(isinstance(each, ImageSet) for each in self.sets):
            raise ConfigError(
                "a TorchDataset needs one set or several: for example bench['pbc', 'contrast', 3], or bench"
            )
        self.transform = transform
        self._ends = list(accumulate(map(len, self.sets)))

    def __repr__(self) -> str:
        return f"TorchDataset({counted(len(self), 'image')} of {counted(len(self.sets), 'set')})"

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> tuple[Any, int]:
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"image {index} is out of range: there are {len(self)} images")
        which = bisect.bisect_right(self._ends, place)
        sample = self.sets[which][place - self._ends[which]]
        if self.transform is not None:
            return self.transform(Pillow.fromarray(sample.image)), sample.label
        return _tensor(sample.image), sample.label


def _tensor(image: np.ndarray[Any, np.dtype[np.uint8]]) -> torch.Tensor:
    channels = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(channels)).float() / 255
