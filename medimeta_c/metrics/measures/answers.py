"""Answer tables: what a model says about the same images in each cell, aligned by image id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.registry import Answers, Labels, Probabilities

__all__ = ["AnswerTable", "answer_table"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerTable:
    """Answers of one model to the same N images in M cells of a dataset.

    Parameters
    ----------
    dataset, split : str
        What was scored.
    class_names : tuple of str
        K names, in label order.
    image_ids : tuple of str
        N ids, ascending and distinct.
    labels : ndarray of int64, shape (N,)
        True labels, the same in all cells.
    keys : tuple of SetKey
        M cells, ascending.
    predictions : ndarray of int64, shape (M, N)
        Predicted labels.
    probabilities : ndarray of float64, shape (M, N, K), or None
        Class probabilities; None of a model that answers in words.
    """

    dataset: str
    split: str
    class_names: tuple[str, ...]
    image_ids: tuple[str, ...]
    labels: Labels
    keys: tuple[SetKey, ...]
    predictions: Labels
    probabilities: Probabilities | None

    @property
    def correctness(self) -> CorrectnessTable:
        """Which images are predicted right in each cell."""
        return CorrectnessTable(
            dataset=self.dataset,
            split=self.split,
            image_ids=self.image_ids,
            keys=self.keys,
            correct=(self.predictions == self.labels).T,
        )

    @property
    def clean(self) -> int | None:
        """The place of the clean cell; None where it is missing or invalid."""
        return next((place for place, key in enumerate(self.keys) if key.corruption == CLEAN), None)


def answer_table(cells: Mapping[SetKey, tuple[Sequence[str], Answers]]) -> AnswerTable:
    """Align one dataset's cells by image id, whatever the order of their rows.

    Parameters
    ----------
    cells : mapping of SetKey to (image ids, Answers)
        At least one, each with N distinct ids; leave out invalid cells.

    Raises
    ------
    ConfigError
        If the cells are not of one dataset and split over the same images with the same labels, or only some
        have probabilities.
    """
    keys = sorted(cells)
    first = keys[0]
    orders = [_ascending(cells[key][0]) for key in keys]
    aligned = [[cells[key][0][row] for row in order] for key, order in zip(keys, orders, strict=True)]
    answers = [cells[key][1] for key in keys]
    labels = answers[0].labels[orders[0]]
    for key, order, ids, cell in zip(keys, orders, aligned, answers, strict=True):
        if (key.dataset, key.split) != (first.dataset, first.split):
            raise ConfigError(f"{key} and {first} are not of one dataset and split: align them apart")
        if ids != aligned[0] or (cell.labels[order] != labels).any():
            raise ConfigError(
                f"{key} and {first} are not over the same images with the same labels: score both on the "
                "same benchmark"
            )
    given = [
        cell.probabilities[order]
        for cell, order in zip(answers, orders, strict=True)
        if cell.probabilities is not None
    ]
    if len(given) not in (0, len(keys)):
        raise ConfigError(f"only some cells of {first.dataset} have probabilities: score it with one model")
    return AnswerTable(
        dataset=first.dataset,
        split=first.split,
        class_names=tuple(answers[0].class_names),
        image_ids=tuple(aligned[0]),
        labels=labels,
        keys=tuple(keys),
        predictions=np.stack([cell.predictions[order] for cell, order in zip(answers, orders, strict=True)]),
        probabilities=np.stack(given) if given else None,
    )


def _ascending(image_ids: Sequence[str]) -> list[int]:
    return sorted(range(len(image_ids)), key=image_ids.__getitem__)
