"""Corruption errors of another measure than top-1 accuracy, with intervals and paired differences.

The error of a cell is 1 minus the measure; the formulas and the order of averaging are those of
`medimeta_c.metrics.corruption_error`, and the resamples are those of top-1 accuracy, so that its numbers and
these meet the same images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.corruption_error import (
    FloatArray,
    Where,
    aggregate,
    mean_array,
    with_overall,
)
from medimeta_c.metrics.grid import ErrorGrid, Scope, error_grids
from medimeta_c.metrics.intervals import drawn_errors
from medimeta_c.metrics.measures.answers import AnswerTable
from medimeta_c.metrics.measures.samples import measure_cells, measure_samples, undefined_measure
from medimeta_c.metrics.resampling import Resampling, image_weights
from medimeta_c.metrics.robustness import summarise
from medimeta_c.metrics.summary import Scores
from medimeta_c.metrics.values import Difference, Estimate, Number, mean_number, paired, percentiles

__all__ = ["MeasureBootstrap", "Weights", "measure_bootstrap", "measure_differences", "measure_estimates"]

Weights = Callable[[CorrectnessTable, Resampling], Iterable[NDArray[np.int64]]]
"""How often each image of a table is drawn in each resample, as `resampling.image_weights` gives it."""

Samples = Mapping[SetKey, FloatArray]

_RATIOS = ("clean_error", "ce", "mce", "relative_ce", "relative_mce")
_EVEN = "the measure is the same on every resample"
_LACKING = "draw no image of a class, or leave the baseline nothing to divide by"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasureBootstrap:
    """One measure of a model on every resample.

    Parameters
    ----------
    measure : str
        Its name.
    plan : Resampling
        How the resamples were drawn.
    scope : Scope
        What the means are taken over.
    image_ids : mapping of str to tuple of str
        What was resampled, by dataset.
    baseline : mapping of str to ErrorGrid
        What CE divides by, on the images themselves.
    cells : mapping of SetKey to ndarray
        The measure of each cell on each of R resamples, shape (R,).
    point : Scores of Number
        The numbers on the images themselves.
    samples : mapping of Where to ndarray
        The same on each resample, shape (R,); NaN where undefined.
    """

    measure: str
    plan: Resampling
    scope: Scope
    image_ids: Mapping[str, tuple[str, ...]]
    baseline: Mapping[str, ErrorGrid]
    cells: Samples
    point: Scores[Number]
    samples: Mapping[Where, FloatArray]


def measure_bootstrap(  # noqa: PLR0913
    measure: str,
    tables: Mapping[str, AnswerTable],
    baseline: Mapping[str, AnswerTable],
    scope: Scope,
    plan: Resampling | None = None,
    *,
    weights: Weights = image_weights,
) -> MeasureBootstrap:
    """Resample the images of every dataset and compute a measure's robustness numbers on each resample.

    Parameters
    ----------
    measure : str
        ``"balanced_accuracy"`` or ``"macro_auroc"``.
    tables, baseline : mapping of str to AnswerTable
        The model's and the baseline's answers by dataset; datasets and cells may be missing.
    scope : Scope
        What the means are taken over.
    plan : Resampling, optional
        1000 resamples at 95 %, seed 0, by default.
    weights : callable
        How the images are drawn.

    Returns
    -------
    MeasureBootstrap
        For `measure_estimates` and `measure_differences`.

    Raises
    ------
    ConfigError
        If the measure is unknown, or the baseline's answers are to other images.
    """
    plan = plan or Resampling()
    cells: dict[SetKey, FloatArray] = {}
    samples: dict[Where, FloatArray] = {}
    numbers: dict[Where, Number] = {}
    grids: dict[str, ErrorGrid] = {}
    for dataset in scope.datasets:
        own, theirs = tables.get(dataset), baseline.get(dataset)
        if own and theirs and (own.image_ids, own.split) != (theirs.image_ids, theirs.split):
            raise ConfigError(
                f"the model and the baseline were not scored on the same images of {dataset}: pair only "
                "results of one benchmark fingerprint"
            )
        drawn, divisor = (_samples(measure, table, plan, weights) for table in (own, theirs))
        cells |= drawn
        samples |= aggregate(
            dataset,
            drawn_errors(drawn, scope, dataset, plan.resamples),
            drawn_errors(divisor, scope, dataset, plan.resamples),
        )
        grids |= (divisors := _grids(measure, theirs))
        point = summarise(_grids(measure, own), divisors, _part(scope, dataset), partial=True)
        numbers |= _explained(measure, point.datasets[dataset].numbers(dataset), own, theirs)
    return MeasureBootstrap(
        measure=measure,
        plan=plan,
        scope=scope,
        image_ids={name: table.image_ids for name, table in tables.items()},
        baseline=grids,
        cells=cells,
        point=Scores.of(with_overall(numbers, mean_number)),
        samples=with_overall(samples, mean_array),
    )


def measure_estimates(drawn: MeasureBootstrap) -> Scores[Estimate]:
    """Return every number with its interval, per dataset and over the datasets, without cells.

    There is no interval where the number is undefined on a resample, or where every resample has the same
    cells, as of a model that is always right.
    """
    varies: dict[Where, bool] = {}
    for dataset in drawn.scope.datasets:
        varies |= _varies(drawn, dataset)
    varies = with_overall(varies, lambda parts: any(parts.values()))
    return Scores.of(
        {
            where: percentiles(
                point,
                drawn.samples[where],
                drawn.plan.level,
                fixed=None if varies[where] else _EVEN,
                lacking=_LACKING,
            )
            for where, point in drawn.point.numbers().items()
        }
    )


def measure_differences(one: MeasureBootstrap, other: MeasureBootstrap) -> Scores[Difference]:
    """Return every number of one model minus the other's, with intervals paired by image.

    Raises
    ------
    ConfigError
        If the two differ in measure, scope, baseline or resampling, or were not scored on the same images.
    """
    terms = [(drawn.measure, drawn.plan, drawn.scope, drawn.baseline) for drawn in (one, other)]
    shared = {*one.image_ids} & {*other.image_ids}
    if terms[0] != terms[1] or any(one.image_ids[name] != other.image_ids[name] for name in shared):
        raise ConfigError(
            "the two models differ in measure, images, baseline, datasets, corruptions, severities or "
            "resampling: use the same"
        )
    seconds = other.point.numbers()
    return Scores.of(
        {
            where: paired(
                (first, one.samples[where]),
                (seconds[where], other.samples[where]),
                one.plan.level,
                fixed=None,
                lacking=_LACKING,
            )
            for where, first in one.point.numbers().items()
        }
    )


def _samples(measure: str, table: AnswerTable | None, plan: Resampling, weights: Weights) -> Samples:
    if table is None:
        return {}
    return measure_samples(table, weights(table.correctness, plan), [measure]).get(measure, {})


def _grids(measure: str, table: AnswerTable | None) -> dict[str, ErrorGrid]:
    if table is None:
        return {}
    cells = measure_cells(table, measure)
    return error_grids({key: 1 - cell.value for key, cell in cells.items() if cell.value is not None})


def _part(scope: Scope, dataset: str) -> Scope:
    return scope.model_copy(update={"corruptions": {dataset: scope.corruptions[dataset]}})


def _explained(
    measure: str, numbers: dict[Where, Number], own: AnswerTable | None, theirs: AnswerTable | None
) -> dict[Where, Number]:
    """Return one dataset's numbers; where it has no such measure at all, with the reason for that."""
    for table, owner, names in ((theirs, "the baseline: ", _RATIOS), (own, "", None)):
        reason = None if table is None else undefined_measure(table, measure)
        if reason is not None:
            nothing = Number.undefined(owner + reason)
            numbers = numbers | {where: nothing for where in numbers if names is None or where[1] in names}
    return numbers


def _varies(drawn: MeasureBootstrap, dataset: str) -> dict[Where, bool]:
    """Return by number whether a cell that it is made of differs between resamples."""
    keys = [key for key in drawn.scope.cells() if key.dataset == dataset and key in drawn.cells]
    moving = {key.corruption for key in keys if np.ptp(drawn.cells[key]) != 0}
    clean, corrupted = CLEAN in moving, bool(moving - {CLEAN})
    of_name = {"clean_accuracy": clean, "clean_error": clean, "average_accuracy": corrupted, "mce": corrupted}

    def varies(name: str, corruption: str) -> bool:
        if name in of_name:
            return of_name[name]
        own = corruption in moving if corruption else corrupted
        return own or (name.startswith("relative") and clean)

    return {where: varies(where[1], where[2]) for where in drawn.samples if where[0] == dataset}
