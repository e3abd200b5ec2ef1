"""Numbers that follow from a model's words: blind controls, calibration of the confidence stated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.records import Record
from medimeta_c.metrics.confidence.calibration import expected_calibration_error
from medimeta_c.metrics.values import Number, mean_number
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.words.answers import answers_sha256

__all__ = ["StatedConfidence", "spoken"]


class StatedConfidence(Record):
    """Calibration of the confidence that a model states in words, on one dataset.

    Attributes
    ----------
    clean : Number
        Expected calibration error on clean images, as `expected_calibration_error` has it.
    corrupted : Number
        Its mean over the corrupted cells.
    shift : Number
        `corrupted` - `clean`.
    read : Number
        Share of the images, over all cells, whose answer was a number from 0 to 100. The others take no part.
    """

    clean: Number
    corrupted: Number
    shift: Number
    read: Number


def spoken(predictions: Mapping[SetKey, CellPredictions]) -> dict[str, Any]:
    """Return the fields of a result that follow from a model's words; none of a model that says nothing."""
    said = {key: cell.answers for key, cell in predictions.items() if cell.answers is not None}
    if not said:
        return {}
    blind, grey, stated = {}, {}, {}
    for dataset in dict.fromkeys(key.dataset for key in sorted(said)):
        cells = {key: predictions[key] for key in sorted(said) if key.dataset == dataset}
        # Neither control sees the image, so every set of a dataset has the same answers: the first will do.
        first = next(iter(cells))
        labels, answers = cells[first].labels, said[first]
        blind[dataset] = Number(value=float(np.mean(answers.without_image == labels)))
        grey[dataset] = Number(value=float(np.mean(answers.with_grey_image == labels)))
        if answers.confidences is not None:
            stated[dataset] = _stated(cells)
    return {"blind": blind, "blind_grey": grey, "stated": stated, "answers_sha256": answers_sha256(said)}


def _stated(cells: Mapping[SetKey, CellPredictions]) -> StatedConfidence:
    errors = {key: _calibration(cell) for key, cell in cells.items()}
    clean = mean_number({str(key): one for key, one in errors.items() if key.corruption == CLEAN})
    corrupted = mean_number({str(key): one for key, one in errors.items() if key.corruption != CLEAN})
    if clean.value is None or corrupted.value is None:
        shift = Number.undefined(clean.reason or corrupted.reason or "")
    else:
        shift = Number(value=corrupted.value - clean.value)
    read = [np.isfinite(_confidences(cell)) for cell in cells.values()]
    return StatedConfidence(
        clean=clean, corrupted=corrupted, shift=shift, read=Number(value=float(np.mean(np.concatenate(read))))
    )


def _calibration(cell: CellPredictions) -> Number:
    confidences = _confidences(cell)
    read = np.isfinite(confidences)
    if not read.any():
        return Number.undefined("the model stated no number from 0 to 100 for any image")
    return Number(value=expected_calibration_error(confidences[read].astype(np.float64), cell.correct[read]))


def _confidences(cell: CellPredictions) -> Any:
    """Return the confidences of a cell; NaN where none was read."""
    found = None if cell.answers is None else cell.answers.confidences
    return np.full(len(cell), np.nan) if found is None else found
