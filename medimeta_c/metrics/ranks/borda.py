"""Borda count: points for every model beaten, dataset by dataset and corruption by corruption.

mCE averages sizes of differences, so that one dataset with large ratios can decide it. The Borda count
averages ranks: every cell weighs the same, and sizes do not count.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

from medimeta_c.metrics.ranks.pairwise import DIGITS

__all__ = ["borda"]

Cell = TypeVar("Cell", bound=Hashable)


def borda(errors: Mapping[str, Mapping[Cell, float]]) -> dict[str, float]:
    """Return the points of each model: one for each model beaten in a cell, half for each tied one.

    Parameters
    ----------
    errors : mapping of str to mapping of cell to float
        By model and cell, such as (dataset, corruption); lower is better. All have the same cells.

    Returns
    -------
    dict of str to float
        From 0 to (models - 1) times cells.

    Examples
    --------
    >>> borda({"a": {"x": 0.1, "y": 0.2}, "b": {"x": 0.3, "y": 0.2}})
    {'a': 1.5, 'b': 0.5}
    """
    cells = list(next(iter(errors.values()), {}))
    table = np.round([[own[cell] for cell in cells] for own in errors.values()], DIGITS)
    return {
        name: float(np.sum(table > own) + 0.5 * (np.sum(table == own) - len(cells)))
        for name, own in zip(errors, table, strict=True)
    }
