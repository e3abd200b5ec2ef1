"""Tests of paired differences with Holm's correction: which models cannot be told from their neighbours.

References
----------
.. [1] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
   6 (1979) 65-70.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medimeta_c.metrics.corruption_error import FloatArray
from medimeta_c.metrics.ranks.pairwise import DIGITS

__all__ = ["PairedTest", "holm", "paired_tests"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest:
    """Whether two models differ, by the number they are ranked by.

    Parameters
    ----------
    first, second : str
        The models; the first has the better rank.
    difference : float
        First minus second.
    standard_error : float or None
        Standard deviation of the paired difference over the resamples.
    p : float or None
        Two-sided, of the difference divided by its standard error, as a normal number.
    adjusted : float or None
        The same with Holm's correction over all tests made together.
    reason : str or None
        Why there is no p.
    """

    first: str
    second: str
    difference: float
    standard_error: float | None
    p: float | None
    adjusted: float | None
    reason: str | None = None

    def tie(self, level: float) -> bool | None:
        """Return whether the two cannot be told apart at a confidence level; None where there is no test."""
        return None if self.adjusted is None else self.adjusted >= 1 - level


def paired_tests(
    ranked: Sequence[str], points: Mapping[str, float], samples: Mapping[str, FloatArray]
) -> tuple[PairedTest, ...]:
    """Test each model against the leader and against the next in rank.

    Parameters
    ----------
    ranked : sequence of str
        Models, best first, all on one fingerprint.
    points : mapping of str to float
        The number that they are ranked by.
    samples : mapping of str to ndarray, shape (R,)
        The same on each resample; all resampled alike.

    Returns
    -------
    tuple of PairedTest
        With the leader first, in the order of ranks; the first two models are tested once.
    """
    with_leader = [(first, name) for first in ranked[:1] for name in ranked[1:]]
    neighbours = pairwise(ranked[1:])
    found = []
    for first, second in (*with_leader, *neighbours):
        difference = points[first] - points[second]
        error, p, reason = _test(difference, samples[first] - samples[second])
        found.append((first, second, difference, error, p, reason))
    adjusted = iter(holm([p for *_, p, _ in found if p is not None]))
    return tuple(
        PairedTest(
            first=first,
            second=second,
            difference=difference,
            standard_error=error,
            p=p,
            adjusted=None if p is None else next(adjusted),
            reason=reason,
        )
        for first, second, difference, error, p, reason in found
    )


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values with Holm's correction, in the order given.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p)), key=p.__getitem__)
    adjusted, largest = [0.0] * len(p), 0.0
    for step, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - step) * p[index]))
        adjusted[index] = largest
    return adjusted


def _test(difference: float, samples: FloatArray) -> tuple[float | None, float | None, str | None]:
    """Return the standard error, p and the reason why there is none."""
    if not np.isfinite(samples).all():
        return None, None, "the difference is undefined on some resamples"
    error = float(np.std(samples, ddof=1))
    if np.ptp(np.round(samples, DIGITS)) > 0:
        return error, math.erfc(abs(difference) / error / math.sqrt(2)), None
    if round(difference, DIGITS) == 0:
        return 0.0, 1.0, None
    return 0.0, None, "the difference is the same on every resample"
