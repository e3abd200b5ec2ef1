"""A model's accuracies from clean images to the highest severity, with gaps where cells are missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.results.result import Result

__all__ = ["accuracies"]


def accuracies(
    result: Result, dataset: str, corruption: str
) -> tuple[list[int], tuple[NDArray[np.float64], ...]]:
    """Return the top-1 accuracies of a dataset under a corruption.

    Parameters
    ----------
    result : Result
        Its cells.
    dataset, corruption : str
        Which of them.

    Returns
    -------
    severities : list of int
        From 0, which is clean.
    points : tuple of ndarray of float64
        Accuracies, 0 to 1, and the lower and upper ends of their intervals; NaN where a cell is missing or
        invalid, or has no interval.
    """
    severities = [0, *result.scope.severities]
    points: list[tuple[float | None, ...]] = []
    for severity in severities:
        cell = result.cell(SetKey(dataset, result.scope.split, corruption if severity else CLEAN, severity))
        known = None if cell is None or cell.invalid else cell.top1
        points.append((None,) * 3 if known is None else (known.value, known.low, known.high))
    return severities, tuple(np.array(points, dtype=np.float64).T)
