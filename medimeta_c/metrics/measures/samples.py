"""Balanced accuracy and macro AUROC of every cell, on the images themselves and on resamples of them.

A resample is a weight for each image: how often it was drawn. Sums of weights are whole numbers, so that the
numbers depend neither on the order of rows nor on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.corruption_error import FloatArray
from medimeta_c.metrics.measures.answers import AnswerTable
from medimeta_c.metrics.values import Number
from medimeta_corruptions._jit import kernel
from medimeta_corruptions.registry import unknown

__all__ = [
    "BALANCED_ACCURACY",
    "MACRO_AUROC",
    "MEASURES",
    "measure_cells",
    "measure_samples",
    "undefined_measure",
]

BALANCED_ACCURACY = "balanced_accuracy"
MACRO_AUROC = "macro_auroc"

Weights = NDArray[np.int64]


def undefined_measure(table: AnswerTable, measure: str) -> str | None:
    """Return why a measure has no value in any cell of a dataset; None where it has.

    Raises
    ------
    ConfigError
        If the measure is not one of `MEASURES`.
    """
    if measure not in MEASURES:
        raise ConfigError(unknown("measure", measure, MEASURES))
    if measure != MACRO_AUROC:
        return None
    if table.probabilities is None:
        return "the model answered in words, without probabilities"
    images = np.bincount(table.labels, minlength=len(table.class_names))
    absent = [name for name, count in zip(table.class_names, images, strict=True) if count == 0]
    if absent:
        return f"no image has class {', '.join(absent)}, so its one-vs-rest AUROC does not exist"
    return None


def measure_cells(table: AnswerTable, measure: str) -> dict[SetKey, Number]:
    """Return a measure of every cell, as the metric of that name in the registry has it.

    Raises
    ------
    ConfigError
        If the measure is not one of `MEASURES`.
    """
    if reason := undefined_measure(table, measure):
        return dict.fromkeys(table.keys, Number.undefined(reason))
    once = np.ones((1, len(table.image_ids)), dtype=np.int64)
    (row,) = MEASURES[measure](table, once).tolist()
    return {key: Number(value=value) for key, value in zip(table.keys, row, strict=True)}


def measure_samples(
    table: AnswerTable, weights: Iterable[Weights], measures: Iterable[str] = (BALANCED_ACCURACY, MACRO_AUROC)
) -> dict[str, Mapping[SetKey, FloatArray]]:
    """Compute measures of every cell on every resample.

    Parameters
    ----------
    table : AnswerTable
        The answers to N images.
    weights : iterable of ndarray of int64, shape (r, N)
        How often each image was drawn, R resamples in all; see `resampling.image_weights`.
    measures : iterable of str
        Names of `MEASURES`.

    Returns
    -------
    dict of str to mapping of SetKey to ndarray
        By measure and cell, shape (R,). A class that a resample does not draw takes no part in balanced
        accuracy, and leaves AUROC undefined: NaN. A measure that has no value at all is absent.
    """
    defined = [measure for measure in measures if undefined_measure(table, measure) is None]
    parts: dict[str, list[FloatArray]] = {measure: [] for measure in defined}
    for counts in weights:
        for measure in defined:
            parts[measure].append(MEASURES[measure](table, counts))
    return {
        measure: dict(zip(table.keys, np.concatenate(chunks).T, strict=True))
        for measure, chunks in parts.items()
    }


def _balanced_accuracies(table: AnswerTable, weights: Weights) -> FloatArray:
    """Return the mean recall of the classes drawn, shape (r, M)."""
    recalls, present = np.zeros((len(weights), len(table.keys))), np.zeros(len(weights))
    for label in np.unique(table.labels):
        of_class = table.labels == label
        # Float32 holds whole numbers below 2**24 exactly.
        drawn = weights[:, of_class].astype(np.float32)
        right = (drawn @ (table.predictions[:, of_class] == label).T.astype(np.float32)).astype(np.float64)
        images = drawn.sum(axis=1, dtype=np.float64)
        recalls += right / np.maximum(images, 1)[:, None]
        present += images > 0
    return np.asarray(recalls / present[:, None])


def _macro_aurocs(table: AnswerTable, weights: Weights) -> FloatArray:
    """Return the mean one-vs-rest AUROC of the classes, shape (r, M); NaN where a class is not drawn."""
    assert table.probabilities is not None
    r, n = weights.shape
    # Resamples lie beside each other in blocks that stay in the processor's cache.
    padded = np.zeros((-(-r // _BLOCK) * _BLOCK, n), dtype=np.float32)
    padded[:r] = weights
    blocks = np.ascontiguousarray(padded.reshape(-1, _BLOCK, n).transpose(0, 2, 1))
    found = np.empty((r, len(table.keys)))
    areas = np.empty((len(blocks), len(table.class_names), _BLOCK))
    for place, probabilities in enumerate(table.probabilities):
        scores = np.ascontiguousarray(probabilities.T)
        order = np.argsort(scores, axis=1, kind="stable").astype(np.int32)
        ranked = np.take_along_axis(scores, order, axis=1)
        own = table.labels[order] == np.arange(len(order))[:, None]
        _areas(blocks, order, _roles(ranked, own), areas)
        found[:, place] = areas.mean(axis=1).ravel()[:r]
    return found


def _roles(ranked: FloatArray, own: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return what each image is to a class: see the constants.

    Parameters
    ----------
    ranked : ndarray of float64, shape (K, N)
        The scores of each class, ascending.
    own : ndarray of bool, shape (K, N)
        Which of these images are of the class.
    """
    ends = np.ones(ranked.shape, dtype=bool)
    ends[:, :-1] = ranked[:, 1:] != ranked[:, :-1]
    tie = (np.cumsum(ends) - ends.ravel()).reshape(ranked.shape)
    mixed = (np.bincount(tie.ravel(), weights=own.ravel()) > 0)[tie]
    roles = np.where(own, _OWN, np.where(mixed, _OTHER_AMONG_OWN, _OTHER))
    return (roles + np.where(ends & mixed, _LAST, 0)).astype(np.uint8)


_BLOCK = 64
_OTHER, _OTHER_AMONG_OWN, _OWN, _LAST = 0, 1, 2, 4
"""An image of another class, alone or with the same score as one of the class; one of the class; and, added
to it, the last image of a score that one of the class has."""


@kernel("(float32[:, :, ::1], int32[:, ::1], uint8[:, ::1], float64[:, :, ::1])")
def _areas(  # type: ignore[no-untyped-def]
    weights, order, roles, areas
) -> None:
    """Write the AUROC of each class on each resample; equal scores count half.

    Sums are of whole numbers below 2**53, and so exact.
    """
    width = weights.shape[2]
    own, other, twice = np.empty(width), np.empty(width), np.empty(width)
    own_here, other_here = np.empty(width), np.empty(width)
    for b in range(weights.shape[0]):
        for c in range(order.shape[0]):
            for r in range(width):
                own[r] = other[r] = twice[r] = own_here[r] = other_here[r] = 0.0
            for i in range(order.shape[1]):
                image, role = order[c, i], roles[c, i]
                into = other if role == 0 else own_here if role & 2 else other_here
                for r in range(width):
                    into[r] += weights[b, image, r]
                if role & 4:
                    for r in range(width):
                        twice[r] += own_here[r] * (2.0 * other[r] + other_here[r])
                        own[r] += own_here[r]
                        other[r] += other_here[r]
                        own_here[r] = other_here[r] = 0.0
            for r in range(width):
                areas[b, c, r] = twice[r] / (2.0 * own[r] * other[r]) if own[r] * other[r] > 0 else np.nan


MEASURES: Mapping[str, Callable[[AnswerTable, Weights], FloatArray]] = {
    BALANCED_ACCURACY: _balanced_accuracies,
    MACRO_AUROC: _macro_aurocs,
}
"""The measures of this module by name: from answers and (r, N) weights to (r, M) numbers."""
