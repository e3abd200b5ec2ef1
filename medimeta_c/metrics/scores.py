"""Score one cell: from a model's answers on one set of images to its metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.registry import Answers, Labels, Metric, Probabilities, chosen_metrics
from medimeta_c.metrics.summary import CellScore
from medimeta_c.metrics.values import Estimate, Number

__all__ = ["NO_ANSWER", "NO_PREDICTION", "checked_answers", "score_cell"]

NO_PREDICTION = -1
"""The prediction of an image for which the model gave NaN or infinity: its cell is not valid."""

NO_ANSWER = -2
"""The prediction of an image for which a model that answers in words named no class: it is wrong."""

_SUM_TOLERANCE = 0.01  # a row of half-precision probabilities may miss 1 by as much


def score_cell(
    key: SetKey,
    answers: Answers,
    *,
    predictions_sha256: str,
    metrics: Iterable[Metric] | None = None,
) -> CellScore:
    """Score one cell. The order of the images does not matter.

    Parameters
    ----------
    key : SetKey
        Which.
    answers : Answers
        As `checked_answers` gives them.
    predictions_sha256 : str
        The digest of the predictions.
    metrics : iterable of Metric, optional
        What is computed; this package's by default.

    Returns
    -------
    CellScore
        Without intervals.

    Raises
    ------
    ConfigError
        If a metric is out of its range.
    MissingExtraError
        If scikit-learn is not installed.
    """
    n = len(answers.labels)
    invalid = int(np.count_nonzero(answers.predictions == NO_PREDICTION))
    correct = int(np.count_nonzero(answers.predictions == answers.labels))
    why = f"the model gave NaN or infinite probabilities for {invalid} of {n} images"
    scores = {
        metric.name: Number.undefined(why) if invalid else metric(answers)
        for metric in (chosen_metrics() if metrics is None else metrics)
    }
    top1 = scores.pop("top1").value
    return CellScore(
        **asdict(key),
        n=n,
        invalid=invalid,
        correct=correct,
        top1=Estimate.undefined(why)
        if top1 is None
        else Estimate(value=top1, low=None, high=None, interval_reason="not resampled"),
        balanced_accuracy=scores.pop("balanced_accuracy"),
        macro_auroc=scores.pop("macro_auroc"),
        ece=scores.pop("ece"),
        predictions_sha256=predictions_sha256,
        metrics=scores,
        unanswered=int(np.count_nonzero(answers.predictions == NO_ANSWER)),
    )


def checked_answers(
    probabilities: ArrayLike | None,
    labels: ArrayLike,
    *,
    predictions: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
) -> Answers:
    """Return a cell's answers in the types that metrics take.

    Parameters
    ----------
    probabilities : array_like of float, shape (N, K), or None
        Class probabilities; every row sums to 1. An image with a row that is not finite has no prediction.
        None of a model that answers in words, whose predictions and class names must then be given.
    labels : array_like of int, shape (N,)
        True labels, 0 to K - 1.
    predictions : array_like of int, shape (N,), optional
        Predicted labels. By default the most probable class, the first one on a tie.
    class_names : sequence of str, optional
        Names in label order, for the reasons of undefined scores.
    groups : array_like of int, shape (N,), optional
        Which images belong together.

    Raises
    ------
    ConfigError
        If the arrays do not fit together, or are not labels and probabilities.
    """
    y = np.asarray(labels)
    if probabilities is None:
        if predictions is None or class_names is None:
            raise ConfigError("without probabilities, predictions and class names are needed")
        p, finite, k = None, np.asarray(predictions) != NO_PREDICTION, len(class_names)
    else:
        p = _checked_probabilities(probabilities, y)
        finite, k = np.isfinite(p).all(axis=1), p.shape[1]
        if class_names is not None and len(class_names) != k:
            raise ConfigError(
                f"{len(class_names)} class names for {k} columns of probabilities: expected as many"
            )
    if len(y) == 0:
        raise ConfigError("there are no images to score: a cell needs at least one")
    _check_labels("labels", y, k)
    if predictions is None:
        chosen = np.asarray(np.where(finite[:, None], p, 0.0).argmax(axis=1))  # type: ignore[arg-type]
    else:
        chosen = np.asarray(predictions)
        if chosen.shape != y.shape:
            raise ConfigError(f"predictions have shape {chosen.shape} for {len(y)} images")
        answered = finite & (chosen != NO_ANSWER) if p is None else finite
        if answered.any():
            _check_labels("predictions", chosen[answered], k)
    return Answers(
        labels=y.astype(np.int64),
        predictions=np.where(finite, chosen, NO_PREDICTION).astype(np.int64),
        probabilities=p,
        class_names=class_names or [str(label) for label in range(k)],
        groups=None if groups is None else np.asarray(groups, dtype=np.int64),
    )


def _checked_probabilities(probabilities: ArrayLike, labels: NDArray[Any]) -> Probabilities:
    """Return probabilities in their working type, or refuse them."""
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or p.shape[1] < 2:
        raise ConfigError(
            f"probabilities have shape {p.shape}: expected (images, classes), two classes or more"
        )
    if labels.shape != p.shape[:1]:
        raise ConfigError(
            f"labels have shape {labels.shape} for {len(p)} rows of probabilities: expected one each"
        )
    rows = p[np.isfinite(p).all(axis=1)]
    off = (rows < 0).any(axis=1) | (rows > 1).any(axis=1) | (np.abs(rows.sum(axis=1) - 1) > _SUM_TOLERANCE)
    if off.any():
        raise ConfigError(
            f"{np.count_nonzero(off)} of {len(p)} rows are not probabilities: expected numbers from 0 to 1 "
            f"that sum to 1, not {rows[off][0].tolist()}"
        )
    return p


def _check_labels(what: str, values: Labels, n_classes: int) -> None:
    """Refuse anything but integers from 0 to `n_classes` - 1."""
    if values.dtype.kind not in "iu":
        raise ConfigError(f"{what} are of type {values.dtype}: expected integers")
    if values.min() < 0 or values.max() >= n_classes:
        raise ConfigError(f"{what} run from {values.min()} to {values.max()}: expected 0 to {n_classes - 1}")
