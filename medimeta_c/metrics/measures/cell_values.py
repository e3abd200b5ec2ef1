"""A measure of accuracy in every cell, on the images themselves and on each resample of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.corruption_error import FloatArray
from medimeta_c.metrics.grid import ErrorGrid, Scope
from medimeta_c.metrics.intervals import Bootstrap
from medimeta_c.metrics.measures.answers import AnswerTable
from medimeta_c.metrics.measures.robustness import MeasureBootstrap
from medimeta_c.metrics.measures.samples import MACRO_AUROC, measure_cells

__all__ = ["CellValues", "accuracies", "constant", "measured"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellValues:
    """A measure of accuracy in every cell: top-1 or balanced accuracy, or AUROC.

    Parameters
    ----------
    scope : Scope
        What the means are taken over.
    chance : mapping of str to float
        By dataset, what a model that knows nothing scores.
    units : mapping of str to int
        By dataset, how many images, or groups of images, were drawn; figures without images have none.
    values : mapping of SetKey to ndarray of float64, shape (1 + R,)
        The measure on the images themselves, then on each of R resamples. Cells that are missing or invalid
        are absent.
    resamples : int
        R.
    level : float
        Of the intervals.
    """

    scope: Scope
    chance: Mapping[str, float]
    units: Mapping[str, int]
    values: Mapping[SetKey, FloatArray]
    resamples: int
    level: float


def accuracies(drawn: Bootstrap, chance: Mapping[str, float]) -> CellValues:
    """Return top-1 accuracy in every cell, on the images and on each resample.

    Parameters
    ----------
    drawn : Bootstrap
        The model's resamples.
    chance : mapping of str to float
        By dataset, the share of the most frequent class.
    """
    errors = {key: error for table in drawn.tables.values() for key, error in table.errors().items()}
    return CellValues(
        scope=drawn.scope,
        chance=chance,
        units={dataset: len(units.sizes) for dataset, units in drawn.units.items()},
        values={
            key: np.concatenate([[1 - errors[key]], samples]) for key, samples in drawn.accuracies.items()
        },
        resamples=drawn.plan.resamples,
        level=drawn.plan.level,
    )


def measured(
    drawn: MeasureBootstrap, tables: Mapping[str, AnswerTable], units: Mapping[str, int]
) -> CellValues:
    """Return balanced accuracy or AUROC in every cell, on the images and on each resample.

    Parameters
    ----------
    drawn : MeasureBootstrap
        The model's resamples.
    tables : mapping of str to AnswerTable
        Its answers, by dataset.
    units : mapping of str to int
        By dataset, how many images, or groups of images, were drawn.
    """
    measure, scope = drawn.measure, drawn.scope
    points = {key: one for table in tables.values() for key, one in measure_cells(table, measure).items()}
    present = {name: len(np.unique(table.labels)) for name, table in tables.items()}
    chance = {name: 0.5 if measure == MACRO_AUROC else 1 / present.get(name, 1) for name in scope.datasets}
    return CellValues(
        scope=scope,
        chance=chance,
        units=units,
        values={
            key: np.concatenate([[points[key].value], samples])
            for key, samples in drawn.cells.items()
            if points[key].value is not None
        },
        resamples=drawn.plan.resamples,
        level=drawn.plan.level,
    )


def constant(grids: Mapping[str, ErrorGrid], like: CellValues) -> CellValues:
    """Return figures without images, such as printed ones, as the same number on every resample.

    Parameters
    ----------
    grids : mapping of str to ErrorGrid
        By dataset. Where only the mean over severities is known, it stands at every severity: points lost by
        corruption are right then, those by severity are not to be shown.
    like : CellValues
        Of the model they stand beside.
    """
    values: dict[SetKey, FloatArray] = {}
    for dataset, corruptions in like.scope.corruptions.items():
        grid, severities = like.scope.grid(grids, dataset), like.scope.severities
        found = {(CLEAN, 0): grid.clean}
        for corruption in corruptions:
            row = grid.corrupted.get(corruption)
            total = None if row is None else row.over(severities)
            found |= {(corruption, s): None if total is None else total / len(severities) for s in severities}
        values |= {
            SetKey(dataset, like.scope.split, *part): np.full(1 + like.resamples, 1 - error)
            for part, error in found.items()
            if error is not None
        }
    return replace(like, values=values, units={})
