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
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["ErrorArrays", "FloatArray", "SuiteSummary", "Summary", "aggregate", "combine", "mean_array"]

T = TypeVar("T")
U = TypeVar("U")
V = TypeVar("V")
FloatArray = NDArray[np.float64]

_ZERO = 1e-9
"""Denominators up to this are zero: differences of equal sums leave 1e-16, real ones at least 1/N."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Generic[T]):
    """Every robustness number of one model on one dataset, or over the datasets.

    ``Summary[Value]`` holds the numbers, ``Summary[Interval]`` their intervals.

    Parameters
    ----------
    clean_accuracy, average_accuracy
        Top-1 accuracy on clean images, and the mean over corruptions of the mean over severities.
    clean_error
        Clean error divided by the baseline's (1.0: as many errors as the baseline).
    ce, mce
        Corruption error by corruption, and their mean.
    relative_ce, relative_mce
        Loss of accuracy by corruption, Σ_s (E_s,c - E_clean), divided by the baseline's; and their mean.
    """

    clean_accuracy: T
    average_accuracy: T
    clean_error: T
    ce: Mapping[str, T]
    mce: T
    relative_ce: Mapping[str, T]
    relative_mce: T

    def zip(self, other: Summary[U], function: Callable[[T, U], V]) -> Summary[V]:
        """Return a summary of `function` of the two summaries' numbers, field by field."""
        return Summary(
            clean_accuracy=function(self.clean_accuracy, other.clean_accuracy),
            average_accuracy=function(self.average_accuracy, other.average_accuracy),
            clean_error=function(self.clean_error, other.clean_error),
            ce={name: function(part, other.ce[name]) for name, part in self.ce.items()},
            mce=function(self.mce, other.mce),
            relative_ce={
                name: function(part, other.relative_ce[name]) for name, part in self.relative_ce.items()
            },
            relative_mce=function(self.relative_mce, other.relative_mce),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSummary(Generic[T]):
    """Summaries per dataset, and the mean over the datasets."""

    datasets: Mapping[str, Summary[T]]
    overall: Summary[T]

    def zip(self, other: SuiteSummary[U], function: Callable[[T, U], V]) -> SuiteSummary[V]:
        """Return a suite summary of `function` of the two summaries' numbers, field by field."""
        return SuiteSummary(
            datasets={name: part.zip(other.datasets[name], function) for name, part in self.datasets.items()},
            overall=self.overall.zip(other.overall, function),
        )


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


def aggregate(model: ErrorArrays, baseline: ErrorArrays) -> Summary[FloatArray]:
    """Compute every robustness number: the formulas, for measurements and resamples alike.

    Parameters
    ----------
    model, baseline : ErrorArrays
        With the same corruptions and number of severities; shapes broadcast.

    Returns
    -------
    Summary of ndarray
        NaN marks what is undefined; `summarise` and the intervals turn it into a reason.
    """
    n = model.n_severities
    ce = {c: _ratio(total, baseline.sums[c]) for c, total in model.sums.items()}
    relative_ce = {
        c: _ratio(total - n * model.clean, baseline.sums[c] - n * baseline.clean)
        for c, total in model.sums.items()
    }
    return Summary(
        clean_accuracy=1 - model.clean,
        average_accuracy=1 - mean_array({c: total / n for c, total in model.sums.items()}),
        clean_error=_ratio(model.clean, baseline.clean),
        ce=ce,
        mce=mean_array(ce),
        relative_ce=relative_ce,
        relative_mce=mean_array(relative_ce),
    )


def combine(summaries: Mapping[str, Summary[T]], mean: Callable[[Mapping[str, T]], U]) -> Summary[U]:
    """Return the mean over datasets of each number.

    Parameters
    ----------
    summaries : mapping of str to Summary
        By dataset, at least one.
    mean : callable
        Takes the datasets' numbers by name.

    Returns
    -------
    Summary
        CE by corruption is there for the corruptions that every dataset has.
    """
    first, *others = summaries.values()
    common = [c for c in first.ce if all(c in other.ce for other in others)]

    def over(get: Callable[[Summary[T]], T]) -> U:
        return mean({dataset: get(summary) for dataset, summary in summaries.items()})

    def by_corruption(get: Callable[[Summary[T]], Mapping[str, T]]) -> dict[str, U]:
        return {c: mean({name: get(summary)[c] for name, summary in summaries.items()}) for c in common}

    return Summary(
        clean_accuracy=over(lambda s: s.clean_accuracy),
        average_accuracy=over(lambda s: s.average_accuracy),
        clean_error=over(lambda s: s.clean_error),
        ce=by_corruption(lambda s: s.ce),
        mce=over(lambda s: s.mce),
        relative_ce=by_corruption(lambda s: s.relative_ce),
        relative_mce=over(lambda s: s.relative_mce),
    )


def mean_array(parts: Mapping[str, FloatArray]) -> FloatArray:
    """Return the elementwise mean of named arrays of one shape."""
    return np.asarray(np.mean(list(parts.values()), axis=0), dtype=np.float64)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide; NaN where the denominator is not positive."""
    positive = denominator > _ZERO
    return np.asarray(np.where(positive, numerator / np.where(positive, denominator, 1.0), np.nan))
