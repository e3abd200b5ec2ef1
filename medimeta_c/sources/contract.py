"""What a source of clean images is: the description of its dataset, and how its images are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from medimeta_c.format.keys import Image

__all__ = ["Source", "SourceInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What a source says of the dataset it reads.

    Parameters
    ----------
    dataset : str
        The dataset's id, e.g. ``"pbc"``.
    kind : str
        The source family: ``"medimeta"``, ``"medmnist"``, ``"imagefolder"`` or ``"phantoms"``.
    title, modality, task : str
        Human-readable name, imaging modality, and the classification task read.
    class_names : tuple of str
        In label order: the name of label ``i`` is ``class_names[i]``.
    channels : int
        1 (grey) or 3 (RGB).
    splits : mapping of str to int
        Number of images in each split.
    license, citation, homepage : str
        Terms, reference and address, as the data's own files or its publisher state them.
    """

    dataset: str
    kind: str
    title: str
    modality: str
    task: str
    class_names: tuple[str, ...]
    channels: int
    splits: Mapping[str, int]
    license: str
    citation: str
    homepage: str


class Source(Protocol):
    """Clean images of one dataset. Implementations can be pickled and open files lazily."""

    @property
    def info(self) -> SourceInfo:
        """What the dataset is."""
        ...

    def ids(self, split: str) -> tuple[str, ...]:
        """Image ids of `split`, sorted; raises ConfigError for a split the dataset does not have."""
        ...

    def label(self, split: str, image_id: str) -> int:
        """Label of an image, an index into ``info.class_names``."""
        ...

    def image(self, split: str, image_id: str) -> Image:
        """Pixels of an image, uint8, (H, W) when ``info.channels`` is 1, else (H, W, 3)."""
        ...

    def checksum(self) -> str:
        """``"sha256:<hex>"`` over the bytes of every file this source reads, in a fixed order."""
        ...
