"""A source of a few made-up images held in memory, for tests that build without any data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from medimeta_c.errors import ConfigError, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import Image


@dataclass(frozen=True)
class FakeSource:
    """A picklable `Source`: smooth ramps with a square, each image another, labels in turn.

    Parameters
    ----------
    dataset : str, optional
        Its id.
    channels : int, optional
        1 (grey) or 3 (RGB).
    splits : dict of str to int, optional
        Number of images in each split.
    shape : tuple of int, optional
        Height and width.
    class_names : tuple of str, optional
        In label order.
    info_changes : dict, optional
        Any further field of its `DatasetInfo`.
    """

    dataset: str = "pbc"
    channels: int = 3
    splits: dict[str, int] = field(default_factory=lambda: {"test": 4})
    shape: tuple[int, int] = (24, 20)
    class_names: tuple[str, ...] = ("neutrophil", "eosinophil", "basophil")
    info_changes: dict[str, str] = field(default_factory=dict)

    @property
    def info(self) -> DatasetInfo:
        """What the dataset is."""
        texts = {
            "kind": "medimeta",
            "title": f"Fake {self.dataset}",
            "modality": "Microscopy",
            "task": "cell class",
            "license": "CC BY-SA 4.0",
            "citation": "A. Author (2024). Fake images.",
            "homepage": "https://example.org/fake",
            **self.info_changes,
        }
        return DatasetInfo(
            dataset=self.dataset,
            class_names=self.class_names,
            channels=self.channels,
            splits=self.splits,
            **texts,
        )

    def ids(self, split: str) -> tuple[str, ...]:
        """Six-digit ids from 000000 on."""
        if split not in self.splits:
            raise unknown_name("split", split, self.splits)
        return tuple(f"{index:06d}" for index in range(self.splits[split]))

    def label(self, split: str, image_id: str) -> int:
        """Return the id modulo the number of classes."""
        self._check(split, image_id)
        return int(image_id) % len(self.class_names)

    def image(self, split: str, image_id: str) -> Image:
        """Return a ramp from dark to light with a brighter square whose place depends on the id."""
        self._check(split, image_id)
        height, width = self.shape
        index = int(image_id) + 7 * sorted(self.splits).index(split)
        rows, columns = np.mgrid[:height, :width]
        plane = 40 + 120 * (rows + columns) / max(1, height + width - 2)
        top, left = (index * 5) % max(1, height - 6), (index * 3) % max(1, width - 6)
        plane[top : top + 6, left : left + 6] += 60
        if self.channels == 1:
            return plane.astype(np.uint8)
        return np.stack([plane, plane * 0.8, plane * 0.6 + 30], axis=2).astype(np.uint8)

    def checksum(self) -> str:
        """Return a digest of its parameters: equal parameters are equal images."""
        return f"sha256:{hashlib.sha256(repr(self).encode()).hexdigest()}"

    def _check(self, split: str, image_id: str) -> None:
        if image_id not in self.ids(split):
            raise ConfigError(f"{self.dataset}/{split} has no image {image_id!r}")
