"""Supervised classification: the outputs of a trained head that stand for a dataset's classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch

from medimeta_c.errors import ModelError
from medimeta_c.models import Classifier
from medimeta_c.results.identity import DatasetEntry, HeadOutput

__all__ = ["Supervised", "head_outputs"]


class Supervised:
    """A classifier: a class's logit is that of its output; other outputs are left out.

    Parameters
    ----------
    model : Classifier
        On its device.
    outputs : mapping of str to sequence of HeadOutput
        By dataset, as `head_outputs` returns them.
    """

    def __init__(self, model: Classifier, outputs: Mapping[str, Sequence[HeadOutput]]) -> None:
        self.preprocess, self.preprocessing = model.preprocess, model.preprocessing
        self._model = model
        self._columns = {dataset: [one.index for one in used] for dataset, used in outputs.items()}
        self._least = 1 + max((index for used in self._columns.values() for index in used), default=0)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Score all outputs of the head: (N, C)."""
        scores = self._model.classify(pixels)
        if scores.shape[-1] < self._least:
            raise ModelError(
                f"{self._model.identity.spec} gave {scores.shape[-1]} scores for an image, and its classes "
                f"need at least {self._least}: check its columns()"
            )
        return scores

    def logits(self, features: torch.Tensor, dataset: str) -> torch.Tensor:
        """Take the outputs of a dataset's classes, in label order: (N, K)."""
        return features[:, self._columns[dataset]]


def head_outputs(model: Classifier, datasets: Iterable[DatasetEntry]) -> dict[str, tuple[HeadOutput, ...]]:
    """Return, by dataset, the outputs of a classifier's head that stand for the classes, in label order.

    Raises
    ------
    ModelError
        If the head has not the classes of a dataset.
    """
    return {entry.dataset: _used(model, entry) for entry in datasets}


def _used(model: Classifier, entry: DatasetEntry) -> tuple[HeadOutput, ...]:
    columns = tuple(model.columns(entry.dataset, entry.class_names))
    names = model.outputs
    known = range(2**31 if names is None else len(names))
    if (
        len(columns) != len(entry.class_names)
        or len(set(columns)) < len(columns)
        or not all(isinstance(index, int) and index in known for index in columns)
    ):
        raise ModelError(
            f"{model.identity.spec} says that its outputs {columns} stand for the {len(entry.class_names)} "
            f"classes of {entry.dataset}: columns() must give each class an output of its own"
        )
    return tuple(HeadOutput(index=index, name=None if names is None else names[index]) for index in columns)
