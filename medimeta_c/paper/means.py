"""Means over the datasets of a collection, for models that were scored on the same datasets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from medimeta_c.paper.scores import ModelScores

__all__ = ["mean_over_datasets"]


def mean_over_datasets(
    scores: Sequence[ModelScores], model: str, number: Callable[[ModelScores], float | None]
) -> float | None:
    """Return a model's mean over every dataset of the scores, which are those of one collection.

    None where the model lacks the number of a dataset on which any model was scored: means over different
    datasets do not compare.
    """
    own = [number(one) for one in scores if one.model == model]
    known = [one for one in own if one is not None]
    every = {one.dataset for one in scores}
    return statistics.fmean(known) if len(known) == len(every) else None
