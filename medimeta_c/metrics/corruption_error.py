"""Robustness of a model: clean error, CE, mCE, relative CE, average accuracy.

Order of averaging, here and nowhere else. Every number is a fraction; tables print percent.

1. E = 1 - top-1 accuracy, per cell.
2. Over severities: the sum. CE_c = Σ_s E_s,c / Σ_s E_s,c of the baseline: sums first, one ratio after.
3. Over corruptions: the unweighted mean. mCE is the mean of CE_c; average accuracy the mean over corruptions
   of the mean over severities.
4. Over datasets: the unweighted mean of the datasets' numbers, however many images each has.

A ratio whose denominator is not positive is undefined, and so is every mean over it.

References
----------
.. [1] D. Hendrycks and T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
   Perturbations", ICLR 2019 (CE, mCE, relative CE).
.. [2] R. Imam, R. Marew and M. Yaqub, "On the Robustness of Medical Vision-Language Models: Are they Truly
   Generalizable?", MIUA 2025, eqs. 6-8 (clean error, CE, mCE against CLIP).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["ErrorArrays", "FloatArray", "Where", "aggregate", "mean_array", "with_overall"]

T = TypeVar("T")
FloatArray = NDArray[np.float64]
Where = tuple[str, str, str]
"""Which robustness number: dataset, or "" for all; name, as in `Summary`; corruption, or "" for all."""

_ZERO = 1e-9
"""Denominators up to this are zero: differences of equal sums leave 1e-16, real ones at least 1/N."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorArrays:
    """Error rates as arrays of one common shape: ``()`` for a measurement, ``(R,)`` for R resamples.

    Parameters
    ----------
    clean : ndarray of float64
        Clean error; NaN where unknown.
    sums : mapping of str to ndarray of float64
        Σ_s E_s by corruption; NaN where unknown.
    n_severities : int
        Number of severities summed over.
    """

    clean: FloatArray
    sums: Mapping[str, FloatArray]
    n_severities: int


def aggregate(dataset: str, model: ErrorArrays, baseline: ErrorArrays) -> dict[Where, FloatArray]:
    """Compute every robustness number of a dataset: the formulas, for measurements and resamples alike.

    Parameters
    ----------
    dataset : str
        Its name.
    model, baseline : ErrorArrays
        With the same corruptions and number of severities; shapes broadcast.

    Returns
    -------
    dict of Where to ndarray
        NaN marks what is undefined; `summarise` and the intervals turn it into a reason.
    """
    n = model.n_severities
    ce = {c: _ratio(total, baseline.sums[c]) for c, total in model.sums.items()}
    relative_ce = {
        c: _ratio(total - n * model.clean, baseline.sums[c] - n * baseline.clean)
        for c, total in model.sums.items()
    }
    numbers = {
        "clean_accuracy": {"": 1 - model.clean},
        "average_accuracy": {"": 1 - mean_array({c: total / n for c, total in model.sums.items()})},
        "clean_error": {"": _ratio(model.clean, baseline.clean)},
        "ce": ce,
        "mce": {"": mean_array(ce)},
        "relative_ce": relative_ce,
        "relative_mce": {"": mean_array(relative_ce)},
    }
    return {(dataset, name, c): number for name, parts in numbers.items() for c, number in parts.items()}


def with_overall(numbers: Mapping[Where, T], mean: Callable[[Mapping[str, T]], T]) -> dict[Where, T]:
    """Return the numbers of datasets, and the mean over datasets of each that every dataset has.

    Parameters
    ----------
    numbers : mapping of Where to number
        Of one dataset or more.
    mean : callable
        Takes the datasets' numbers by name.
    """
    datasets = {dataset for dataset, _, _ in numbers}
    parts: dict[tuple[str, str], dict[str, T]] = {}
    for (dataset, name, corruption), number in numbers.items():
        parts.setdefault((name, corruption), {})[dataset] = number
    overall = {("", *part): mean(each) for part, each in parts.items() if len(each) == len(datasets)}
    return {**numbers, **overall}


def mean_array(parts: Mapping[str, FloatArray]) -> FloatArray:
    """Return the elementwise mean of named arrays of one shape."""
    return np.asarray(np.mean(list(parts.values()), axis=0), dtype=np.float64)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN where the denominator is not positive."""
    positive = denominator > _ZERO
    return np.asarray(np.where(positive, numerator / np.where(positive, denominator, 1.0), np.nan))
