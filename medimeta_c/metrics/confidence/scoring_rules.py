"""Proper scoring rules: the negative log-likelihood and the Brier score of class probabilities.

Both are lowest in expectation for the true probabilities, so they reward a model for being right and for
knowing when it is not.

References
----------
.. [1] T. Gneiting and A. E. Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", JASA 2007.
.. [2] G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review
   78, 1950.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_PROBABILITY", "MOST_BRIER", "MOST_NLL", "brier", "nll"]

LEAST_PROBABILITY = 2.0**-126
"""What stands for a smaller probability of the label: the smallest normal number of the stored type, float32.

A softmax in float32 gives 0 where the logits differ by more than about 104. The model did not say
"impossible", so its loss is not infinite; it is at least the one of this probability.
"""

MOST_NLL = 126 * math.log(2)
"""The largest negative log-likelihood, 87.3: that of `LEAST_PROBABILITY`."""

MOST_BRIER = 2.0
"""The largest Brier score: all probability on one wrong class."""


def nll(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Return the mean over images of -ln p, p the probability of the label, in [0, `MOST_NLL`] nats.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,), N >= 1
        True labels, 0 to K - 1.
    probabilities : ndarray of float64, shape (N, K)
        Class probabilities. Those below `LEAST_PROBABILITY` count as it.
    """
    of_label = probabilities[np.arange(len(labels)), labels]
    losses = -np.log(np.maximum(of_label, LEAST_PROBABILITY))
    return math.fsum(losses) / len(labels) + 0.0


def brier(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Return the mean over images of Σ_k (p_k - y_k)², y the label as a one-hot vector, in [0, 2].

    This is Brier's own form, over all classes. With two classes it is twice the mean of (p_1 - y_1)².

    Parameters
    ----------
    labels : ndarray of int64, shape (N,), N >= 1
        True labels, 0 to K - 1.
    probabilities : ndarray of float64, shape (N, K)
        Class probabilities.
    """
    distance = probabilities.copy()
    distance[np.arange(len(labels)), labels] -= 1
    # Rows may miss a sum of 1 by rounding, which must not lead out of the range.
    losses = np.minimum(np.square(distance).sum(axis=1), MOST_BRIER)
    return math.fsum(losses) / len(labels)
