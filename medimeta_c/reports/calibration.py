"""How often a model is right, by its confidence: bins of clean and of corrupted images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from medimeta_c.figures.svg.reliability import reliability
from medimeta_c.format.keys import CLEAN
from medimeta_c.results.folder import SavedResult
from medimeta_c.results.predictions import CellPredictions

__all__ = ["ConfidenceBin", "confidence_bins", "reliability_diagram"]

_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceBin:
    """Images whose confidence lies in one range: mean confidence, share that is right, and number."""

    confidence: float
    accuracy: float
    count: int


def confidence_bins(cells: Sequence[CellPredictions]) -> tuple[ConfidenceBin, ...]:
    """Return the bins of equal width that hold images; cells without valid probabilities are left out."""
    held = [(one, one.probabilities) for one in cells if one.probabilities is not None and one.finite.all()]
    if not held:
        return ()
    confidence = np.concatenate(
        [p[np.arange(len(one)), one.predictions].astype(np.float64) for one, p in held]
    )
    right = np.concatenate([one.correct for one, _ in held])
    place = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    return tuple(
        ConfidenceBin(
            confidence=float(confidence[own].mean()), accuracy=float(right[own].mean()), count=int(own.sum())
        )
        for own in (place == index for index in range(_BINS))
        if own.any()
    )


def reliability_diagram(saved: SavedResult, dataset: str) -> Markup | None:
    """Draw the reliability of a dataset's clean and corrupted images; None without probabilities."""
    own = [cell for key, cell in saved.predictions.items() if key.dataset == dataset]
    series = {
        "clean": confidence_bins([cell for cell in own if cell.key.corruption == CLEAN]),
        "corrupted": confidence_bins([cell for cell in own if cell.key.corruption != CLEAN]),
    }
    if not any(series.values()):
        return None
    return reliability(series, f"Accuracy on {dataset} by confidence, clean and corrupted")
