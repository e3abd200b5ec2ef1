"""Correctness tables: which images a model gets right in each cell; intervals are computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey

__all__ = ["CorrectnessTable", "correctness_tables"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrectnessTable:
    """Correctness of one model on the same images under every cell of a dataset.

    Parameters
    ----------
    dataset, split : str
        What was scored.
    image_ids : tuple of str
        N ids, ascending and distinct.
    keys : tuple of SetKey
        M cells, ascending.
    correct : ndarray of bool, shape (N, M)
        Whether the prediction is the label.
    """

    dataset: str
    split: str
    image_ids: tuple[str, ...]
    keys: tuple[SetKey, ...]
    correct: NDArray[np.bool_]

    def errors(self) -> dict[SetKey, float]:
        """Return the error rate of every cell."""
        n = len(self.image_ids)
        wrong = n - np.count_nonzero(self.correct, axis=0)
        return {key: int(count) / n for key, count in zip(self.keys, wrong, strict=True)}


def correctness_tables(
    cells: Mapping[SetKey, tuple[Sequence[str], ArrayLike]],
) -> dict[str, CorrectnessTable]:
    """Align the cells of each dataset by image id, whatever the order of their rows.

    Parameters
    ----------
    cells : mapping of SetKey to (image ids, correctness)
        N distinct ids and N booleans per cell; leave out invalid cells.

    Returns
    -------
    dict of str to CorrectnessTable
        By dataset.

    Raises
    ------
    ConfigError
        If the cells of a dataset are not over the same images, or a dataset comes with two splits.
    """
    by_dataset: dict[str, list[SetKey]] = {}
    for key in sorted(cells):
        by_dataset.setdefault(key.dataset, []).append(key)
    return {dataset: _table(keys, cells) for dataset, keys in by_dataset.items()}


def _table(keys: list[SetKey], cells: Mapping[SetKey, tuple[Sequence[str], ArrayLike]]) -> CorrectnessTable:
    """Align one dataset's cells."""
    first = keys[0]
    if any(key.split != first.split for key in keys):
        raise ConfigError(f"{first.dataset} has cells of more than one split: score one split at a time")
    columns = [_column(key, *cells[key]) for key in keys]
    image_ids = columns[0][0]
    for key, (ids, _) in zip(keys, columns, strict=True):
        if ids != image_ids:
            differing = sorted(set(ids).symmetric_difference(image_ids))
            raise ConfigError(
                f"{key} and {first} are not over the same images: {len(differing)} ids are in one only "
                f"(first: {differing[0]!r}); score both on the same benchmark"
            )
    return CorrectnessTable(
        dataset=first.dataset,
        split=first.split,
        image_ids=image_ids,
        keys=tuple(keys),
        correct=np.stack([correct for _, correct in columns], axis=1),
    )


def _column(
    key: SetKey, image_ids: Sequence[str], correct: ArrayLike
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Return one cell's ids in ascending order, and its correctness in theirs."""
    values = np.asarray(correct)
    if values.dtype != np.bool_ or values.shape != (len(image_ids),) or not len(image_ids):
        raise ConfigError(
            f"correctness of {key} is {values.dtype} of shape {values.shape} for {len(image_ids)} image ids: "
            "expected one boolean each, and at least one"
        )
    order = sorted(range(len(image_ids)), key=image_ids.__getitem__)
    ids = tuple(image_ids[i] for i in order)
    if len(set(ids)) != len(ids):
        raise ConfigError(f"{key} has {len(ids) - len(set(ids))} duplicate image ids")
    return ids, values[order]
