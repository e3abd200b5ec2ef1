"""The source protocol: a dataset's description, labels and images, and how picture files are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from medimeta_c.errors import unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import Image
from medimeta_c.sources.pictures.window import Window

__all__ = ["Channels", "Frames", "LimitedSource", "Reading", "Source"]

Channels = Literal["source", "rgb", "grey", "luma"]
Frames = Literal["one", "each"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How picture files are read.

    Parameters
    ----------
    channels : {"source", "rgb", "grey", "luma"}
        What becomes of channels; a source may leave it to whoever asked for the image.
    window : str, optional
        How grey values of more than eight bits become shades: ``"LOW,HIGH"``, ``"percentiles"``, ``"full"``.
    frames : {"one", "each"}
        Whether a file has one picture and is refused otherwise, or each frame of a DICOM file is an image.
    classes_are : tuple of str
        Folders that are classes, although their names look like splits or masks.
    data_is_dataset : bool
        The data folder itself is the dataset, whatever its name.
    ids : Path, optional
        The folder whose key orders images of known patients, which get running numbers as ids.
    new_ids : bool
        Whether to make that key if there is none.
    """

    channels: Channels = "source"
    window: str | None = None
    frames: Frames = "one"
    classes_are: tuple[str, ...] = ()
    data_is_dataset: bool = False
    ids: Path | None = None
    new_ids: bool = False

    def __post_init__(self) -> None:
        if self.channels not in get_args(Channels):
            raise unknown_name("channels", self.channels, get_args(Channels))
        if self.frames not in get_args(Frames):
            raise unknown_name("frames", self.frames, get_args(Frames))
        if self.window is not None:
            object.__setattr__(self, "window", str(Window.parse(self.window)))  # one spelling

    @property
    def shades(self) -> Window | None:
        """The window, parsed."""
        return None if self.window is None else Window.parse(self.window)


class Source(Protocol):
    """Clean images of one dataset. Implementations can be pickled and open files lazily."""

    @property
    def info(self) -> DatasetInfo:
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


class LimitedSource:
    """The first images of each split of a source, for a trial; everything else is the source's own.

    Parameters
    ----------
    source : Source
        All of its images.
    count : int
        How many of each split there are to be at most.
    """

    def __init__(self, source: Source, count: int) -> None:
        self._source, self._count = source, count

    @property
    def info(self) -> DatasetInfo:
        """What the whole dataset is."""
        return self._source.info

    def ids(self, split: str) -> tuple[str, ...]:
        """Image ids of `split`, the first ones."""
        return self._source.ids(split)[: self._count]

    def label(self, split: str, image_id: str) -> int:
        """Label of an image."""
        return self._source.label(split, image_id)

    def image(self, split: str, image_id: str) -> Image:
        """Pixels of an image."""
        return self._source.image(split, image_id)

    def checksum(self) -> str:
        """Checksum of the whole source."""
        return self._source.checksum()

    def groups(self, split: str) -> dict[str, int]:
        """Return the number of the patient of each image, where patients are known."""
        of_all = getattr(self._source, "groups", None)
        known = of_all(split) if of_all else {}
        return {image_id: known[image_id] for image_id in self.ids(split) if image_id in known}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_source":  # while it is unpickled there is none yet
            raise AttributeError(name)
        return getattr(self._source, name)
