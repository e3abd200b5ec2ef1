"""One label space over all datasets: one column of logits per class; classes with equal prompts share one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from medimeta_c.models import Model
from medimeta_c.prompts.templates import ClassPrompts
from medimeta_c.scoring.zero_shot import class_embeddings

__all__ = ["LabelSpace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSpace:
    """The classes of all datasets together. Made by `LabelSpace.of`.

    Parameters
    ----------
    prompts : tuple of ClassPrompts
        Of each dataset.
    columns : mapping of str to tuple of int
        By dataset, in label order: the column of each class.

    Notes
    -----
    Classes of two datasets whose prompts are word for word the same are one column: their embeddings are
    equal, and telling them apart is not a task an image encoder could learn.
    """

    prompts: tuple[ClassPrompts, ...]
    columns: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, prompts: Sequence[ClassPrompts]) -> LabelSpace:
        """Give each class of several datasets a column, in order."""
        numbers: dict[tuple[str, ...], int] = {}
        columns = {
            one.dataset: tuple(numbers.setdefault(texts, len(numbers)) for texts in one.prompts)
            for one in prompts
        }
        return cls(prompts=tuple(prompts), columns=columns)

    @property
    def size(self) -> int:
        """Number of columns."""
        return 1 + max(column for each in self.columns.values() for column in each)

    def embeddings(self, model: Model) -> torch.Tensor:
        """Embed every class with the frozen text tower.

        Returns
        -------
        torch.Tensor of float32, shape (size, D)
            Of unit norm, by column, on the model's device.
        """
        rows: dict[int, torch.Tensor] = {}
        for one in self.prompts:
            for column, vector in zip(self.columns[one.dataset], class_embeddings(model, one), strict=True):
                rows.setdefault(column, vector)
        return torch.stack([rows[column] for column in range(self.size)])
