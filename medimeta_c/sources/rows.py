"""Datasets stored as arrays: image ids are row numbers, with one label per row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, SourceError, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import Image
from medimeta_c.sources.files import checksum_of

__all__ = ["MAX_ROWS", "RowSource", "Rows", "check_labels", "one_label_per_row", "row_id"]

MAX_ROWS = 1_000_000
"""Rows that six digits can number. A file that claims more is not one of the datasets read here."""


def row_id(row: int) -> str:
    """Return a row's image id: six digits, so that ids sort as rows do.

    Examples
    --------
    >>> row_id(123)
    '000123'
    """
    return f"{row:06d}"


def one_label_per_row(where: str, stored: NDArray[Any]) -> NDArray[np.int32]:
    """Return labels stored as integers of shape (N,) or (N, 1), as a fresh array of shape (N,).

    Raises
    ------
    SourceError
        If they are not integers, or several a row; `where` opens the message.
    """
    labels = stored[:, 0] if stored.ndim == 2 and stored.shape[1] == 1 else stored
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise SourceError(
            f"{where} holds {stored.dtype} of shape {stored.shape} where one integer per image is needed: "
            "it is of another task or damaged, replace it"
        )
    # Clipped, so that an absurd label stays out of range instead of wrapping round into it.
    own, limits = np.iinfo(labels.dtype), np.iinfo(np.int32)
    clipped = np.clip(labels, max(own.min, limits.min), min(own.max, limits.max))
    return np.array(clipped, dtype=np.int32)


def check_labels(where: str, labels: NDArray[np.int32], class_names: tuple[str, ...]) -> None:
    """Raise SourceError if a label has no class name; `where` opens the message."""
    outside = np.flatnonzero((labels < 0) | (labels >= len(class_names)))
    if len(outside):
        row = int(outside[0])
        raise SourceError(
            f"{where} has label {labels[row]} in row {row}, but the classes are 0-{len(class_names) - 1} "
            f"({', '.join(class_names)}): labels and class names are of different versions, replace one"
        )


class Rows(Protocol):
    """The pixels of rows. Implementations can be pickled and open files lazily."""

    def image(self, row: int) -> Image:
        """Return the pixels of a row, freshly allocated."""
        ...

    def files(self, rows: Sequence[int]) -> list[str]:
        """Return the names of the files that hold some rows, relative to the dataset's folder."""
        ...

    def close(self) -> None:
        """Close what is open in this process; it is opened again when needed."""
        ...


class RowSource:
    """Clean images of a dataset whose image ids are row numbers, in six digits.

    Objects can be pickled; each process opens the files when it is first asked for pixels.

    Parameters
    ----------
    info : DatasetInfo
        What the dataset is.
    folder : pathlib.Path
        Where its files are.
    rows : mapping of str to ndarray of int, shape (n,)
        Of each split, ascending, below `MAX_ROWS`; numbers, so that a source is small to send to a worker.
    labels : mapping of str to ndarray of int
        Of each split, by row.
    images : mapping of str to Rows
        Of each split.
    small_files : iterable of str, optional
        What was read beside the images.
    label_values : tuple of int, optional
        The files' own number of each class; the class names' places by default.
    patients : mapping of int to int, optional
        The number of the patient of each row, where patients are known.
    warnings : tuple of str, optional
        What whoever uses the data should know.

    Attributes
    ----------
    label_values : tuple of int
        The files' own numbers of the classes; empty if they are 0, 1, 2, …
    warnings : tuple of str
        What whoever uses the data should know.
    """

    def __init__(  # noqa: PLR0913  (made in one place each, from values already checked)
        self,
        info: DatasetInfo,
        folder: Path,
        rows: Mapping[str, NDArray[np.int32]],
        *,
        labels: Mapping[str, NDArray[np.int32]],
        images: Mapping[str, Rows],
        small_files: Iterable[str] = (),
        label_values: tuple[int, ...] = (),
        patients: Mapping[int, int] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.info, self.warnings = info, warnings
        self._folder, self._small_files = folder, tuple(small_files)
        self.label_values = () if label_values == tuple(range(len(label_values))) else label_values
        self._rows, self._labels, self._images = dict(rows), labels, images
        self._patients = patients or {}

    def ids(self, split: str) -> tuple[str, ...]:
        """Return the image ids of a split, sorted; raises ConfigError if there is no such split."""
        return tuple(row_id(row) for row in self._of(split))

    def label(self, split: str, image_id: str) -> int:
        """Return an image's label, an index into ``info.class_names``."""
        return int(self._labels[split][self._row(split, image_id)])

    def image(self, split: str, image_id: str) -> Image:
        """Return an image's pixels: uint8, (H, W) or (H, W, 3), freshly allocated.

        Raises
        ------
        ConfigError
            If the split does not hold the image.
        SourceError
            If the pixels cannot be read, or are not as many channels as the dataset's.
        """
        return self._images[split].image(self._row(split, image_id))

    def groups(self, split: str) -> dict[str, int]:
        """Return the number of the patient of each image of a split; none where patients are not known."""
        return {row_id(row): self._patients[row] for row in map(int, self._of(split)) if self._patients}

    def checksum(self) -> str:
        """Return the digest of every file that was read, or holds pixels of some split.

        What says whose images they are is left out: no pixel or label depends on it.
        """
        rows = [int(row) for row in np.unique(np.concatenate(list(self._rows.values())))]
        names = [name for images in dict.fromkeys(self._images.values()) for name in images.files(rows)]
        return checksum_of(self._folder, [*self._small_files, *names])

    def close(self) -> None:
        """Close what this process has open; it is opened again when needed."""
        for images in self._images.values():
            images.close()

    def _row(self, split: str, image_id: str) -> int:
        rows = self._of(split)
        row = int(image_id) if image_id.isascii() and image_id.isdecimal() and len(image_id) == 6 else -1
        position = int(np.searchsorted(rows, row))
        if position == len(rows) or rows[position] != row:
            raise ConfigError(
                f"no image {image_id!r} in split {split!r} of {self.info.dataset}: "
                f"ids run from {row_id(rows[0])} to {row_id(rows[-1])}"
            )
        return row

    def _of(self, split: str) -> NDArray[np.int32]:
        if split not in self._rows:
            raise unknown_name(f"split of {self.info.dataset}", split, self._rows)
        return self._rows[split]
