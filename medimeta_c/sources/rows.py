"""Datasets kept as arrays: image ids that are row numbers, and one label per row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, SourceError, unknown_name

__all__ = ["MAX_ROWS", "RowIndex", "check_labels", "one_label_per_row", "row_id"]

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


class RowIndex:
    """The rows of each split of a dataset, kept as numbers so that it is small to send to a worker.

    Parameters
    ----------
    dataset : str
        The dataset's id, for messages.
    rows : mapping of str to ndarray of int, shape (n,)
        Rows of each split, ascending, below `MAX_ROWS`.
    """

    def __init__(self, dataset: str, rows: Mapping[str, NDArray[np.int32]]) -> None:
        self._dataset = dataset
        self._rows = dict(rows)

    @property
    def counts(self) -> dict[str, int]:
        """Number of images in each split."""
        return {split: len(rows) for split, rows in self._rows.items()}

    def ids(self, split: str) -> tuple[str, ...]:
        """Return a split's image ids, sorted; raises ConfigError if there is no such split."""
        return tuple(row_id(row) for row in self._of(split))

    def all_rows(self) -> list[int]:
        """Return the rows of every split, ascending."""
        return [int(row) for row in np.unique(np.concatenate(list(self._rows.values())))]

    def row(self, split: str, image_id: str) -> int:
        """Return an image's row; raises ConfigError if the split does not hold the image."""
        rows = self._of(split)
        row = int(image_id) if image_id.isascii() and image_id.isdecimal() and len(image_id) == 6 else -1
        position = int(np.searchsorted(rows, row))
        if position == len(rows) or rows[position] != row:
            raise ConfigError(
                f"no image {image_id!r} in split {split!r} of {self._dataset}: "
                f"ids run from {row_id(rows[0])} to {row_id(rows[-1])}"
            )
        return row

    def _of(self, split: str) -> NDArray[np.int32]:
        if split not in self._rows:
            raise unknown_name(f"split of {self._dataset}", split, self._rows)
        return self._rows[split]
