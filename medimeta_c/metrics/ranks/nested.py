"""Rank intervals under three nested resamplings: of images, of datasets too, and of corruptions too.

A ranking is a statement about the images at hand, about datasets like these, or about corruptions like these,
and each next one is less certain. Every resample ranks all models by the same draw, so that what is hard for
all cancels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.corruption_error import FloatArray
from medimeta_c.metrics.intervals import Bootstrap
from medimeta_c.metrics.ranks.pairwise import DIGITS
from medimeta_c.metrics.resampling import generator_of

__all__ = ["LEVELS", "NestedRanks", "NestedSamples", "RankedBy", "nested_ranks", "nested_samples"]

RankedBy = Literal["mce", "average_accuracy"]
"""What models are ranked by."""

LEVELS = ("images", "datasets", "corruptions")
"""What is resampled, each with all before it; images stand for groups of images, where those are known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NestedSamples:
    """The number that a model is ranked by, on every resample of each kind, shape (R,).

    Parameters
    ----------
    images : ndarray
        Images, or groups of images, were resampled.
    datasets : ndarray or None
        Datasets too; None of a single one.
    corruptions : ndarray or None
        Corruptions too; None where each dataset has a single one.
    """

    images: FloatArray
    datasets: FloatArray | None
    corruptions: FloatArray | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedRanks:
    """Best and worst rank of a model, by what is resampled; see `NestedSamples`.

    A rank interval is None where nothing can be resampled, or the model's number is undefined on a resample.
    """

    images: tuple[int, int] | None
    datasets: tuple[int, int] | None
    corruptions: tuple[int, int] | None


def nested_samples(drawn: Bootstrap, ranked_by: RankedBy) -> NestedSamples:
    """Resample datasets and corruptions on top of a model's resamples of images.

    Datasets are drawn with replacement, as many as there are; corruptions likewise, the same draw for all
    datasets that have the same list. All models resampled by one plan meet the same draws.

    Parameters
    ----------
    drawn : Bootstrap
        The model's numbers on every resample of the images.
    ranked_by : {"mce", "average_accuracy"}
        The number.
    """
    scope, plan = drawn.scope, drawn.plan
    images = drawn.samples["", ranked_by, ""]
    weights = _weights(plan.seed, plan.resamples, "datasets", scope.datasets)
    datasets = corruptions = None
    if len(scope.datasets) > 1:
        numbers = [drawn.samples[dataset, ranked_by, ""] for dataset in scope.datasets]
        datasets = _weighted(weights, numbers)
    if any(len(names) > 1 for names in scope.corruptions.values()):
        parts = [
            _weighted(
                _weights(plan.seed, plan.resamples, "corruptions", names),
                [_number(drawn, ranked_by, dataset, name) for name in names],
            )
            for dataset, names in scope.corruptions.items()
        ]
        corruptions = _weighted(weights, parts)
    return NestedSamples(images=images, datasets=datasets, corruptions=corruptions)


def nested_ranks(
    samples: Mapping[str, NestedSamples], *, lower_is_better: bool, level: float = 0.95
) -> dict[str, NestedRanks]:
    """Return the percentile interval of each model's rank under each resampling.

    On a resample, models of equal number share the ranks they take up: the interval begins with the best of
    these and ends with the worst.

    Parameters
    ----------
    samples : mapping of str to NestedSamples
        By model; all resampled alike.
    lower_is_better : bool
        Whether the number is an error.
    level : float
        Confidence level.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for kind in LEVELS:
        numbers = {name: getattr(each, kind) for name, each in samples.items()}
        known = {name: each for name, each in numbers.items() if each is not None and np.isfinite(each).all()}
        found[kind] = _rank_intervals(known, lower_is_better, level)
    return {name: NestedRanks(**{kind: found[kind].get(name) for kind in LEVELS}) for name in samples}


def _rank_intervals(
    numbers: Mapping[str, FloatArray], lower_is_better: bool, level: float
) -> dict[str, tuple[int, int]]:
    if not numbers:
        return {}
    table = np.round(np.stack(list(numbers.values())), DIGITS)
    table = table if lower_is_better else -table
    found = {}
    for name, own in zip(numbers, table, strict=True):
        best = 1 + np.count_nonzero(table < own, axis=0)
        worst = np.count_nonzero(table <= own, axis=0)
        low = np.quantile(best, (1 - level) / 2, method="inverted_cdf")
        high = np.quantile(worst, (1 + level) / 2, method="inverted_cdf")
        found[name] = (int(low), int(high))
    return found


def _weights(seed: int, resamples: int, kind: str, names: Sequence[str]) -> FloatArray:
    """Return the share of each name in each resample of the names, shape (R, names)."""
    generator = generator_of(seed, "", kind, *names)  # no dataset has an empty name
    n = len(names)
    return generator.multinomial(n, np.full(n, 1 / n), size=resamples) / n


def _weighted(weights: FloatArray, numbers: Sequence[FloatArray]) -> FloatArray:
    return np.asarray(np.sum(weights * np.stack(numbers, axis=1), axis=1))


def _number(drawn: Bootstrap, ranked_by: RankedBy, dataset: str, corruption: str) -> FloatArray:
    """Return the number under one corruption on every resample."""
    if ranked_by == "mce":
        return drawn.samples[dataset, "ce", corruption]
    scope, unknown = drawn.scope, np.full(drawn.plan.resamples, np.nan)
    keys = [SetKey(dataset, scope.split, corruption, severity) for severity in scope.severities]
    return np.asarray(np.mean([drawn.accuracies.get(key, unknown) for key in keys], axis=0))
