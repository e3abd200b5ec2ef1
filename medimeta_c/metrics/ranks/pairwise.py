"""Ranks with ties: a model ranks above another only where the images show a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medimeta_c.metrics.corruption_error import FloatArray

__all__ = ["DIGITS", "Rank", "ranks"]

DIGITS = 12
"""To which numbers are compared: equal sums added up in another order differ by 1e-16."""


@dataclass(frozen=True, slots=True)
class Rank:
    """Where a model stands.

    Parameters
    ----------
    best, worst : int
        The ranks the images allow; equal where it differs from every other model.
    tied : tuple of str
        Models it cannot be told from.
    """

    best: int
    worst: int
    tied: tuple[str, ...]


def ranks(
    samples: Mapping[str, FloatArray], *, lower_is_better: bool, level: float = 0.95
) -> dict[str, Rank]:
    """Rank models by a number that was computed on the same resamples of the same images.

    Two models are tied where the interval of their paired difference includes 0: images that are hard for
    both cancel, so this is finer than to compare the models' own intervals. They are tied, too, where the
    difference is the same on every resample: that is no evidence.

    Parameters
    ----------
    samples : mapping of str to ndarray, shape (R,)
        By model; all resampled alike. Models with NaN are tied with every other.
    lower_is_better : bool
        Whether the number is an error.
    level : float
        Confidence level.

    Returns
    -------
    dict of str to Rank
        By model, in the order given.
    """
    names = list(samples)
    if not names:
        return {}
    numbers = np.stack([samples[name] if lower_is_better else -samples[name] for name in names])
    found = {}
    for index, name in enumerate(names):
        # Differences to every other model at once: negative where the other is better.
        differences = numbers - numbers[index]
        ends = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2], axis=1)
        low, high = np.round(ends, DIGITS)
        varies = np.ptp(np.round(differences, DIGITS), axis=1) > 0
        better, worse = (high < 0) & varies, (low > 0) & varies
        tie = ~(better | worse)
        tie[index] = False
        found[name] = Rank(
            best=1 + int(better.sum()),
            worst=len(names) - int(worse.sum()),
            tied=tuple(names[other] for other in np.flatnonzero(tie)),
        )
    return found
