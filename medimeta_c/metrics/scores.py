"""Scores of one cell: what a model's probabilities on one set of images say about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medimeta_c.errors import ConfigError, MissingExtraError
from medimeta_c.metrics.values import Value

__all__ = [
    "ECE_BINS",
    "CellScore",
    "balanced_accuracy",
    "expected_calibration_error",
    "macro_auroc",
    "score_cell",
]

ECE_BINS = 15
"""Equal-width bins of the expected calibration error."""

_SUM_TOLERANCE = 0.01  # a row of half-precision probabilities may miss 1 by as much

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellScore:
    """Scores of one model on one set.

    Parameters
    ----------
    n : int
        Images in the set.
    invalid : int
        Images whose probabilities are not all finite. A single one leaves every score undefined:
        dropping such images would flatter the model, counting them as wrong would hide a defect.
    correct : int
        Images among the finite ones whose prediction is their label.
    top1, balanced_accuracy, macro_auroc, ece : Value
        Fractions in [0, 1].
    """

    n: int
    invalid: int
    correct: int
    top1: Value
    balanced_accuracy: Value
    macro_auroc: Value
    ece: Value

    @property
    def error(self) -> Value:
        """1 - top-1 accuracy, the E of every corruption error; undefined for an invalid cell."""
        if self.top1.value is None:
            return self.top1
        return Value((self.n - self.correct) / self.n)


def score_cell(
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    predictions: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
) -> CellScore:
    """Score one cell.

    The order of the images does not matter.

    Parameters
    ----------
    probabilities : array_like of float, shape (N, K)
        Class probabilities; every row sums to 1. Non-finite rows are counted as invalid.
    labels : array_like of int, shape (N,)
        True labels, 0 to K - 1.
    predictions : array_like of int, shape (N,), optional
        Predicted labels. By default the most probable class, the first one on a tie.
    class_names : sequence of str, optional
        Names in label order, for the reasons of undefined scores.

    Returns
    -------
    CellScore

    Raises
    ------
    ConfigError
        If the arrays do not fit together, or are not labels and probabilities.
    MissingExtraError
        If scikit-learn is not installed.
    """
    p, y = _checked(probabilities, labels)
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(p).all(axis=1))
    chosen = _predictions(p, finite, predictions)
    names = _class_names(class_names, p.shape[1])
    n, invalid = len(y), int(np.count_nonzero(~finite))
    correct = int(np.count_nonzero((chosen == y) & finite))
    if invalid:
        why = Value.undefined(f"the model gave NaN or infinite probabilities for {invalid} of {n} images")
        return CellScore(
            n=n, invalid=invalid, correct=correct, top1=why, balanced_accuracy=why, macro_auroc=why, ece=why
        )
    return CellScore(
        n=n,
        invalid=0,
        correct=correct,
        top1=Value(correct / n),
        balanced_accuracy=Value(balanced_accuracy(chosen, y)),
        macro_auroc=macro_auroc(p, y, names),
        ece=Value(expected_calibration_error(p[np.arange(n), chosen], chosen == y)),
    )


def balanced_accuracy(predictions: Labels, labels: Labels) -> float:
    """Return the mean, over the classes that have images, of the share of their images predicted right.

    Parameters
    ----------
    predictions, labels : ndarray of int64, shape (N,), N >= 1
        Non-negative labels.

    Returns
    -------
    float
        In [0, 1]. A class without images has no recall and takes no part.
    """
    images = np.bincount(labels)
    right = np.bincount(labels[predictions == labels], minlength=len(images))
    present = images > 0
    return float(np.mean(right[present] / images[present]))


def macro_auroc(probabilities: Probabilities, labels: Labels, class_names: Sequence[str]) -> Value:
    """Return the mean over classes of the one-vs-rest area under the ROC curve.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (N, K)
        The score of class k is column k. With two classes whose probabilities sum to 1, both
        one-vs-rest areas are the usual binary AUROC, and so is their mean.
    labels : ndarray of int64, shape (N,)
        True labels.
    class_names : sequence of str
        K names, for the reason.

    Returns
    -------
    Value
        In [0, 1]; undefined where a class has no images, or is the only one that has.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    """
    images = np.bincount(labels, minlength=len(class_names))
    absent = [name for name, count in zip(class_names, images, strict=True) if count == 0]
    if absent:
        return Value.undefined(
            f"no image has class {', '.join(absent)}, so its one-vs-rest AUROC does not exist"
        )
    roc_auc_score = _roc_auc_score()
    return Value(
        float(np.mean([roc_auc_score(labels == k, probabilities[:, k]) for k in range(len(class_names))]))
    )


def expected_calibration_error(confidences: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Return the top-label expected calibration error over `ECE_BINS` equal-width bins.

    ECE = Σ_b (n_b / N) · |accuracy_b - confidence_b|, where bin b holds the images whose confidence
    lies in ((b - 1)/15, b/15]; empty bins contribute nothing.

    Parameters
    ----------
    confidences : ndarray of float64, shape (N,), N >= 1
        Probability of the predicted class, in [0, 1].
    correct : ndarray of bool, shape (N,)
        Whether the prediction is the label.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    .. [1] C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, eq. 3.
    """
    edges = np.linspace(0, 1, ECE_BINS + 1)[1:-1]
    bins = np.searchsorted(edges, confidences, side="left")
    # n_b |accuracy_b - confidence_b| is the absolute sum of the differences within the bin.
    gaps = np.bincount(bins, weights=correct - confidences, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidences))


def _checked(probabilities: ArrayLike, labels: ArrayLike) -> tuple[Probabilities, Labels]:
    """Return both arrays in their working types, or refuse them."""
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if p.ndim != 2 or p.shape[1] < 2:
        raise ConfigError(
            f"probabilities have shape {p.shape}: expected (images, classes), two classes or more"
        )
    if y.shape != p.shape[:1]:
        raise ConfigError(
            f"labels have shape {y.shape} for {len(p)} rows of probabilities: expected one each"
        )
    if len(p) == 0:
        raise ConfigError("there are no images to score: a cell needs at least one")
    _check_labels("labels", y, p.shape[1])
    rows = p[np.isfinite(p).all(axis=1)]
    off = (rows < 0).any(axis=1) | (rows > 1).any(axis=1) | (np.abs(rows.sum(axis=1) - 1) > _SUM_TOLERANCE)
    if off.any():
        raise ConfigError(
            f"{np.count_nonzero(off)} of {len(p)} rows are not probabilities: expected numbers from 0 to 1 "
            f"that sum to 1, not {rows[off][0].tolist()}"
        )
    return p, y.astype(np.int64)


def _check_labels(what: str, values: NDArray[Any], n_classes: int) -> None:
    """Refuse anything but integers from 0 to `n_classes` - 1."""
    if values.dtype.kind not in "iu":
        raise ConfigError(f"{what} are of type {values.dtype}: expected integers")
    if values.min() < 0 or values.max() >= n_classes:
        raise ConfigError(f"{what} run from {values.min()} to {values.max()}: expected 0 to {n_classes - 1}")


def _predictions(p: Probabilities, finite: NDArray[np.bool_], predictions: ArrayLike | None) -> Labels:
    """Return the predicted labels, 0 where the probabilities are not finite."""
    if predictions is None:
        return np.asarray(np.where(finite[:, None], p, 0.0).argmax(axis=1), dtype=np.int64)
    chosen = np.asarray(predictions)
    if chosen.shape != p.shape[:1]:
        raise ConfigError(f"predictions have shape {chosen.shape} for {len(p)} rows of probabilities")
    if finite.any():
        _check_labels("predictions", chosen[finite], p.shape[1])
    labels = np.zeros(len(chosen), dtype=np.int64)
    labels[finite] = chosen[finite]
    return labels


def _class_names(names: Sequence[str] | None, n_classes: int) -> Sequence[str]:
    """Return K names: those given, or the labels themselves."""
    if names is None:
        return [str(label) for label in range(n_classes)]
    if len(names) != n_classes:
        raise ConfigError(
            f"{len(names)} class names for {n_classes} columns of probabilities: expected as many"
        )
    return names


def _roc_auc_score() -> Callable[..., float]:
    """Import scikit-learn's function where it is needed: the base install does not have it."""
    try:
        module = import_module("sklearn.metrics")
    except ImportError as error:
        raise MissingExtraError("macro AUROC", "leaderboard") from error  # who evaluates has it
    return cast("Callable[..., float]", module.roc_auc_score)
