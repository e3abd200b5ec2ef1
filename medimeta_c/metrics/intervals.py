"""Confidence intervals by bootstrap over images or groups of them, for one model and for a difference.

The units are resampled as `resampling` says, and every number is computed on each resample by the formulas
of `corruption_error`. Where the baseline's predictions are there it is resampled along, image by image, so
that what is hard for both models cancels; published figures stay constant.

Percentile intervals rather than BCa: the numbers most looked at are means of ratios over independent
datasets, for which BCa's acceleration has no single jackknife; percentiles need none, and they transform
with the statistic, so that the interval of an error is that of its accuracy mirrored. Their coverage is
checked by simulation in the tests.

References
----------
.. [1] B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall 1993, chapter 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.corruption_error import (
    ErrorArrays,
    FloatArray,
    Where,
    aggregate,
    mean_array,
    with_overall,
)
from medimeta_c.metrics.grid import ErrorGrid, Scope, error_grids
from medimeta_c.metrics.resampling import (
    Groups,
    Resampling,
    Units,
    resampled_accuracies,
    resampled_units,
)
from medimeta_c.metrics.robustness import error_arrays, summarise
from medimeta_c.metrics.summary import Scores
from medimeta_c.metrics.values import Difference, Estimate, Number, paired, percentiles

__all__ = [
    "Bootstrap",
    "bootstrap",
    "cell_estimates",
    "difference",
    "drawn_errors",
    "summary_estimates",
]


_NOTHING = "leave the baseline nothing to divide by"
_EXTREME = "the model is right on all images, or wrong on all: resamples cannot differ"
_EVEN = "the model is right as often in every group of images: resamples cannot differ"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bootstrap:
    """A model's numbers on every resample.

    Parameters
    ----------
    plan : Resampling
        How the resamples were drawn.
    scope : Scope
        What the means are taken over.
    tables : mapping of str to CorrectnessTable
        What was resampled, by dataset.
    units : mapping of str to Units
        What was drawn, by dataset: images or groups.
    baseline : mapping of str to ErrorGrid
        What CE divides by, on the images themselves.
    accuracies : mapping of SetKey to ndarray
        Top-1 accuracy of each cell on each of R resamples, shape (R,).
    point : Scores of Number
        The numbers on the images themselves.
    samples : mapping of Where to ndarray
        The same on each resample, shape (R,); NaN where undefined.
    """

    plan: Resampling
    scope: Scope
    tables: Mapping[str, CorrectnessTable]
    units: Mapping[str, Units]
    baseline: Mapping[str, ErrorGrid]
    accuracies: Mapping[SetKey, FloatArray]
    point: Scores[Number]
    samples: Mapping[Where, FloatArray]

    def lone(self, dataset: str) -> str | None:
        """Return why a dataset, or with ``""`` the mean over all, cannot be resampled; None if it can."""
        for name, units in self.units.items():
            if dataset in ("", name) and len(units) == 1 and name in self.plan.grouped:
                return f"all images of {name} belong to one group: resamples cannot differ"
        return None


def bootstrap(
    tables: Mapping[str, CorrectnessTable],
    baseline: Mapping[str, CorrectnessTable | ErrorGrid],
    scope: Scope,
    plan: Resampling | None = None,
    groups: Groups | None = None,
) -> Bootstrap:
    """Resample every dataset and compute every number on each resample.

    Parameters
    ----------
    tables : mapping of str to CorrectnessTable
        The model's, by dataset. Cells may be missing: what depends on them is then undefined.
    baseline : mapping of str to CorrectnessTable or ErrorGrid
        By dataset: the baseline's table, paired with the model's images, or constants.
    scope : Scope
        What the means are taken over.
    plan : Resampling, optional
        1000 resamples of images at 95 %, seed 0, by default.
    groups : mapping, optional
        Which images belong together, for the datasets in which the plan draws groups.

    Returns
    -------
    Bootstrap
        For `cell_estimates`, `summary_estimates` and `difference`.

    Raises
    ------
    ConfigError
        If a baseline's table is not over the model's images, or the group of an image is not known.
    """
    plan = plan or Resampling()
    grids = {name: grid for table in tables.values() for name, grid in error_grids(table.errors()).items()}
    constants = {
        name: entry if isinstance(entry, ErrorGrid) else error_grids(entry.errors())[name]
        for name, entry in baseline.items()
    }
    accuracies: dict[SetKey, FloatArray] = {}
    samples: dict[Where, FloatArray] = {}
    for dataset, corruptions in scope.corruptions.items():
        own, theirs = _resample(tables.get(dataset), baseline.get(dataset), plan, groups)
        accuracies.update(own)
        fixed = error_arrays(scope.grid(constants, dataset), corruptions, scope.severities)
        samples |= aggregate(
            dataset,
            drawn_errors(own, scope, dataset, plan.resamples),
            fixed if theirs is None else drawn_errors(theirs, scope, dataset, plan.resamples),
        )
    return Bootstrap(
        plan=plan,
        scope=scope,
        tables=dict(tables),
        units={name: resampled_units(table, plan, groups) for name, table in tables.items()},
        baseline=constants,
        accuracies=accuracies,
        point=summarise(grids, constants, scope, partial=True),
        samples=with_overall(samples, mean_array),
    )


def cell_estimates(drawn: Bootstrap) -> dict[SetKey, Estimate]:
    """Return every cell's top-1 accuracy with its interval.

    A cell whose images are all right, or all wrong, has none: every resample equals the images
    themselves, and an interval of width zero would claim a certainty that N images do not give. The same
    holds of a cell with the same accuracy in every group.
    """
    found = {}
    for dataset, table in drawn.tables.items():
        n, varies = len(table.image_ids), _varying_cells(drawn, dataset)
        for key, right in zip(table.keys, np.count_nonzero(table.correct, axis=0).tolist(), strict=True):
            if key in drawn.accuracies:
                fixed = drawn.lone(dataset)
                if fixed is None and not varies[key]:
                    fixed = _EVEN if 0 < right < n else _EXTREME
                found[key] = percentiles(
                    Number(value=right / n),
                    drawn.accuracies[key],
                    drawn.plan.level,
                    fixed=fixed,
                    lacking=_NOTHING,
                )
    return found


def summary_estimates(drawn: Bootstrap) -> Scores[Estimate]:
    """Return every robustness number with its interval, per dataset and over the datasets.

    An interval is undefined where the number itself is, where a resample leaves the baseline nothing to
    divide by, and where the model is right on all images, or wrong on all (see `cell_estimates`).
    """
    varies: dict[Where, bool] = {}
    for dataset in drawn.scope.datasets:
        varies |= _varies(drawn, dataset)
    varies = with_overall(varies, lambda parts: any(parts.values()))
    still = _EVEN if drawn.plan.grouped else _EXTREME
    return Scores.of(
        {
            where: percentiles(
                point,
                drawn.samples[where],
                drawn.plan.level,
                fixed=drawn.lone(where[0]) or (None if varies[where] else still),
                lacking=_NOTHING,
            )
            for where, point in drawn.point.numbers().items()
        }
    )


def difference(one: Bootstrap, other: Bootstrap) -> Scores[Difference]:
    """Return every robustness number of one model minus the other's, with paired intervals.

    Both models met the same resamples, so images that are hard for both cancel: the interval is
    narrower than the two models' own intervals suggest, and it alone decides a tie.

    Parameters
    ----------
    one, other : Bootstrap
        Made with the same plan, scope and baseline, over the same images.

    Returns
    -------
    Scores of Difference
        For errors and CE, negative means that the first model is better.

    Raises
    ------
    ConfigError
        If the two were not scored on the same images, or not resampled alike.
    """
    if (one.plan, one.scope, one.baseline) != (other.plan, other.scope, other.baseline):
        raise ConfigError(
            "the two models differ in baseline, datasets, corruptions, severities or resampling: use the same"
        )
    for dataset in one.scope.datasets:
        a, b = (drawn.tables.get(dataset) for drawn in (one, other))
        if a is None or b is None:
            continue
        units, theirs = (drawn.units[dataset].of_image for drawn in (one, other))
        if a.image_ids != b.image_ids or not np.array_equal(units, theirs):
            raise ConfigError(
                f"the two models were not scored on the same images of {dataset}: compare one fingerprint"
            )

    seconds = other.point.numbers()
    return Scores.of(
        {
            where: paired(
                (first, one.samples[where]),
                (seconds[where], other.samples[where]),
                one.plan.level,
                fixed=one.lone(where[0]),
                lacking=_NOTHING,
            )
            for where, first in one.point.numbers().items()
        }
    )


def drawn_errors(
    cells: Mapping[SetKey, FloatArray], scope: Scope, dataset: str, resamples: int
) -> ErrorArrays:
    """Return the errors of one dataset's cells on every resample, NaN where a cell is missing.

    Parameters
    ----------
    cells : mapping of SetKey to ndarray of float64, shape (R,)
        Accuracy, or another measure of it, of each cell on each resample; an error is 1 minus that.
    scope : Scope
        The cells that are summed.
    dataset : str
        Whose cells.
    resamples : int
        R.
    """
    unknown = np.full(resamples, np.nan)

    def error(corruption: str, severity: int) -> FloatArray:
        return 1 - cells.get(SetKey(dataset, scope.split, corruption, severity), unknown)

    return ErrorArrays(
        clean=error(CLEAN, 0),
        sums={
            corruption: np.sum([error(corruption, s) for s in scope.severities], axis=0)
            for corruption in scope.corruptions[dataset]
        },
        n_severities=len(scope.severities),
    )


def _resample(
    table: CorrectnessTable | None,
    baseline: CorrectnessTable | ErrorGrid | None,
    plan: Resampling,
    groups: Groups | None,
) -> tuple[dict[SetKey, FloatArray], dict[SetKey, FloatArray] | None]:
    """Return the accuracies of the model and, when its predictions are there, of the baseline."""
    if table is None:
        return {}, None
    paired = [table, baseline] if isinstance(baseline, CorrectnessTable) else [table]
    parts = [
        dict(zip(entry.keys, columns.T, strict=True))
        for entry, columns in zip(paired, resampled_accuracies(paired, plan, groups), strict=True)
    ]
    return parts[0], parts[1] if len(parts) == 2 else None


def _varying_cells(drawn: Bootstrap, dataset: str) -> dict[SetKey, bool]:
    """Return by cell whether its accuracy tells any two units apart."""
    table, units = drawn.tables[dataset], drawn.units[dataset]
    rates = units.sums(table.correct) / units.sizes[:, None]
    return dict(zip(table.keys, (rates.min(axis=0) != rates.max(axis=0)).tolist(), strict=True))


def _varies(drawn: Bootstrap, dataset: str) -> dict[Where, bool]:
    """Return by number whether the cells it is made of tell any two units apart."""
    scope = drawn.scope
    cells = _varying_cells(drawn, dataset) if dataset in drawn.tables else {}
    clean = cells.get(SetKey(dataset, scope.split, CLEAN, 0), False)
    rows = {
        c: any(cells.get(SetKey(dataset, scope.split, c, s), False) for s in scope.severities)
        for c in scope.corruptions[dataset]
    }
    corrupted = any(rows.values())
    found = {"clean_accuracy": clean, "average_accuracy": corrupted, "clean_error": clean}
    found |= {"mce": corrupted, "relative_mce": clean or corrupted}
    return {
        **{(dataset, name, ""): each for name, each in found.items()},
        **{(dataset, "ce", c): row for c, row in rows.items()},
        **{(dataset, "relative_ce", c): clean or row for c, row in rows.items()},
    }
