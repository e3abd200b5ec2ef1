"""Selective prediction: how the error rate falls when a model may abstain where it is least confident.

References
----------
.. [1] Y. Geifman, G. Uziel and R. El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural
   Classifiers", ICLR 2019 (AURC).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["area_under_risk_coverage", "aurc"]


def aurc(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> float:
    """Return the `area_under_risk_coverage` of the predicted classes."""
    return area_under_risk_coverage(probabilities[np.arange(len(labels)), predictions], predictions == labels)


def area_under_risk_coverage(confidences: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Return the area under the risk-coverage curve, in [0, 1]; lower is better.

    AURC = (1/N) Σ_n risk(n), where risk(n) is the error rate on the n most confident images. Images of equal
    confidence have no order: risk(n) is its mean over all orders of theirs, so that rows in another order
    give the same number.

    Parameters
    ----------
    confidences : ndarray of float64, shape (N,), N >= 1
        Probability of the predicted class.
    correct : ndarray of bool, shape (N,)
        Whether the prediction is the label.
    """
    _, tie, sizes = np.unique(-confidences, return_inverse=True, return_counts=True)
    wrong = np.bincount(tie, weights=~correct)
    images_before, wrong_before = np.cumsum(sizes) - sizes, np.cumsum(wrong) - wrong
    kept = np.arange(1, len(confidences) + 1)
    of_tie = np.repeat(np.arange(len(sizes)), sizes)
    wrong_kept = wrong_before[of_tie] + (kept - images_before[of_tie]) * (wrong / sizes)[of_tie]
    return float(np.mean(wrong_kept / kept))
