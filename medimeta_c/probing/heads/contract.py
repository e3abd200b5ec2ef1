"""What a head is: a classifier of features, fitted on some examples, its settings chosen on others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TypeAlias

import torch
from torch.nn.functional import cross_entropy

__all__ = ["Examples", "Fit", "Head", "Logits", "Setting", "Task", "Texts", "best_on", "one_hot"]

Logits: TypeAlias = Callable[[torch.Tensor], torch.Tensor]
"""Features (N, D) to logits (N, K), both float64 on the CPU."""

Setting: TypeAlias = int | float | str


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Images with known classes.

    Parameters
    ----------
    features : torch.Tensor of float64, shape (N, D)
        Of unit norm.
    labels : torch.Tensor of int64, shape (N,)
        0 to K - 1.
    """

    features: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Texts:
    """What a model with two encoders says of the classes without any training.

    Parameters
    ----------
    embeddings : torch.Tensor of float64, shape (K, D)
        Of unit norm, in label order; see `medimeta_c.scoring.zero_shot.class_embeddings`.
    scale, bias : float
        The model's: logits are ``scale * cosine + bias``.
    """

    embeddings: torch.Tensor
    scale: float
    bias: float = 0.0

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Score features (N, D) as without any training: (N, K)."""
        return self.scale * (features @ self.embeddings.T) + self.bias


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What a head is fitted to.

    Parameters
    ----------
    train : Examples
        The shots: at least one of each class.
    val : Examples
        What settings are chosen by. Nothing else is.
    classes : int
        K.
    seed : int
        Root of every random choice of a fit.
    texts : Texts or None
        None of a model without a text encoder.
    """

    train: Examples
    val: Examples
    classes: int
    seed: int = 0
    texts: Texts | None = None

    @property
    def known_texts(self) -> Texts:
        """The texts, for heads that say that they need them."""
        if self.texts is None:
            raise ValueError("this head needs texts, and the task has none")
        return self.texts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """A fitted head.

    Parameters
    ----------
    logits : callable
        Scores features.
    settings : mapping of str to int, float or str
        The hyper-parameters that were chosen.
    """

    logits: Logits
    settings: Mapping[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A kind of classifier of features.

    Parameters
    ----------
    name : str
        What a request calls it.
    title : str
        What tables call it.
    fit : str or callable
        Takes a `Task` and returns a `Fit`; or ``"module:function"``, imported when first used.
    word : str, optional
        The name in results and folders: lower-case letters, digits and underscores. By default the name.
    needs_texts : bool, optional
        Whether it works only for a model with a text encoder.
    is_random : bool, optional
        Whether a fit depends on the seed beside the images that the seed draws.
    is_trained : bool, optional
        Whether it looks at the examples at all.
    """

    name: str
    title: str
    fit: str | Callable[[Task], Fit]
    word: str = ""
    needs_texts: bool = False
    is_random: bool = False
    is_trained: bool = True

    @property
    def slug(self) -> str:
        """The name in results and folders."""
        return self.word or self.name

    def fitted(self, task: Task) -> Fit:
        """Fit the head."""
        fit = resolve_name(self.fit) if isinstance(self.fit, str) else self.fit
        found: Fit = fit(task)
        return found


def best_on(val: Examples, candidates: Iterable[Fit]) -> Fit:
    """Return the candidate of the highest top-1 accuracy on val.

    Of several, that of the lowest mean cross-entropy; of several still, the first. Every head in this package
    chooses its settings by this rule.
    """
    best: tuple[tuple[float, float], Fit] | None = None
    for one in candidates:
        logits = one.logits(val.features)
        right = float((logits.argmax(dim=1) == val.labels).double().mean())
        value = (right, -float(cross_entropy(logits, val.labels)))
        if best is None or value > best[0]:
            best = value, one
    if best is None:
        raise ValueError("there is no candidate to choose from")
    return best[1]


def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Return labels (N,) as rows of zeros and a one: float64, (N, K)."""
    return torch.nn.functional.one_hot(labels, classes).double()
