"""What a source of clean images is: the description of its dataset, and how its images are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from medimeta_c.errors import unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import Image
from medimeta_c.sources.pictures.window import Window

__all__ = ["Channels", "Reading", "Source", "groups_of"]

Channels = Literal["source", "rgb", "grey", "luma"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How picture files are read.

    Parameters
    ----------
    channels : {"source", "rgb", "grey", "luma"}
        What becomes of channels; a source may leave it to whoever asked for the image.
    window : str, optional
        How grey values of more than eight bits become shades: ``"LOW,HIGH"``, ``"percentiles"``, ``"full"``.
    classes_are : tuple of str
        Folders that are classes, although their names look like splits or masks.
    data_is_dataset : bool
        The data folder itself is the dataset, whatever its name.
    ids : Path, optional
        The folder whose key orders images of known patients, which get running numbers as ids.
    new_ids : bool
        Whether to make that key if there is none, and write the table that leads back to files.
    """

    channels: Channels = "source"
    window: str | None = None
    classes_are: tuple[str, ...] = ()
    data_is_dataset: bool = False
    ids: Path | None = None
    new_ids: bool = False

    def __post_init__(self) -> None:
        if self.channels not in get_args(Channels):
            raise unknown_name("channels", self.channels, get_args(Channels))
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


def groups_of(source: Source, split: str) -> Mapping[str, int]:
    """Return the number of the patient of each image of `split`; empty for a source that knows of none."""
    groups: Callable[[str], Mapping[str, int]] | None = getattr(source, "groups", None)
    return groups(split) if groups else {}
