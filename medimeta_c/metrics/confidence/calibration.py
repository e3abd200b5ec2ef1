"""Calibration of the predicted class: its expected error, and the bins of a reliability diagram.

References
----------
.. [1] C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, eqs. 1-3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ECE_BINS", "Reliability", "ece", "expected_calibration_error", "reliability"]

ECE_BINS = 15
"""Equal-width bins of the expected calibration error."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """The bars of a reliability diagram, one for each of `ECE_BINS` bins of confidence.

    Parameters
    ----------
    counts : ndarray of int64, shape (15,)
        Images in each bin.
    confidences, accuracies : ndarray of float64, shape (15,)
        Mean probability of the predicted class, and share of images predicted right; NaN in an empty bin.
    """

    counts: NDArray[np.int64]
    confidences: Floats
    accuracies: Floats

    @property
    def error(self) -> float:
        """The expected calibration error of these images."""
        full = self.counts > 0
        gaps = np.abs(self.accuracies[full] - self.confidences[full])
        return float(np.sum(self.counts[full] * gaps) / self.counts.sum())


def ece(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> float:
    """Return the `expected_calibration_error` of the predicted classes."""
    return expected_calibration_error(
        probabilities[np.arange(len(labels)), predictions], predictions == labels
    )


def expected_calibration_error(confidences: Floats, correct: NDArray[np.bool_]) -> float:
    """Return the top-label expected calibration error over `ECE_BINS` equal-width bins.

    ECE = Σ_b (n_b / N) · |accuracy_b - confidence_b|, where bin b holds the images whose confidence
    lies in ((b - 1)/15, b/15]; empty bins contribute nothing.

    Parameters
    ----------
    confidences : ndarray of float64, shape (N,), N >= 1
        Probability of the predicted class, in [0, 1].
    correct : ndarray of bool, shape (N,)
        Whether the prediction is the label.
    """
    # n_b |accuracy_b - confidence_b| is the absolute sum of the differences within the bin.
    gaps = np.bincount(_bins(confidences), weights=correct - confidences, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidences))


def reliability(confidences: Floats, correct: NDArray[np.bool_]) -> Reliability:
    """Return count, mean confidence and accuracy of each bin of `expected_calibration_error`.

    Parameters
    ----------
    confidences : ndarray of float64, shape (N,), N >= 1
        Probability of the predicted class, in [0, 1].
    correct : ndarray of bool, shape (N,)
        Whether the prediction is the label.
    """
    bins = _bins(confidences)
    counts = np.bincount(bins, minlength=ECE_BINS)

    def means(values: NDArray[np.float64 | np.bool_]) -> Floats:
        sums = np.bincount(bins, weights=values, minlength=ECE_BINS)
        return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)

    return Reliability(counts=counts, confidences=means(confidences), accuracies=means(correct))


def _bins(confidences: Floats) -> NDArray[np.int64]:
    """Return the bin of each confidence; its upper edge belongs to it."""
    edges = np.linspace(0, 1, ECE_BINS + 1)[1:-1]
    return np.asarray(np.searchsorted(edges, confidences, side="left"))
