"""How far readers agree: pairs of equal answers, and Krippendorff's alpha, which takes off chance.

Alpha is for nominal answers and takes trials that some readers left out; with two readers and no gaps it is
Scott's pi but for its correction for few answers.

References
----------
.. [1] K. Krippendorff, "Content Analysis", 4th edition, Sage 2019, chapter 12.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["agreement"]

FloatArray = NDArray[np.float64]


def agreement(yes: FloatArray, answers: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the share of pairs of answers that are equal, and alpha, of each of R samples of the trials.

    With m answers to a trial, k of them yes, the trial has m answers and observed disagreement
    ``2 k (m - k) / (m - 1)``. Over all trials with two answers or more, with N answers, K of them yes and
    observed disagreement D, the share is ``1 - D / N`` and alpha ``1 - D (N - 1) / (2 K (N - K))``.

    Parameters
    ----------
    yes, answers : ndarray of shape (T,)
        How many readers said yes, or the first of two words, to each trial, and how many answered it.
    weights : ndarray of shape (R, T)
        How often each trial is in each sample.

    Returns
    -------
    share, alpha : ndarray of shape (R,)
        NaN where no trial has two answers; alpha also where all answers are the same.

    Examples
    --------
    >>> share, alpha = agreement(np.array([2.0, 0, 1, 2]), np.full(4, 2.0), np.ones((1, 4)))
    >>> float(share[0]), round(float(alpha[0]), 4)
    (0.75, 0.5333)
    """
    used = answers >= 2
    yes, answers, weights = yes[used], answers[used], weights[:, used]
    apart = weights @ (2 * yes * (answers - yes) / np.maximum(answers - 1, 1))
    total, ones = weights @ answers, weights @ yes
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1 - apart / total
        alpha = 1 - apart * (total - 1) / (2 * ones * (total - ones))
    return share, np.where(ones * (total - ones) > 0, alpha, np.nan)
