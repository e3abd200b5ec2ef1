"""The robustness numbers of a measured model, each with its reason where it is undefined."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medimeta_c.errors import IncompleteGridError
from medimeta_c.format.keys import CLEAN
from medimeta_c.metrics.corruption_error import (
    ErrorArrays,
    FloatArray,
    SuiteSummary,
    Summary,
    aggregate,
    combine,
)
from medimeta_c.metrics.grid import ErrorGrid, Scope
from medimeta_c.metrics.values import Value, mean_value, undefined_parts

__all__ = ["error_arrays", "summarise"]


def summarise(
    grids: Mapping[str, ErrorGrid],
    baseline: Mapping[str, ErrorGrid],
    scope: Scope,
    *,
    partial: bool = False,
) -> SuiteSummary[Value]:
    """Compute the robustness of a model, per dataset and over the datasets.

    The formulas and the order of averaging are those of `medimeta_c.metrics.corruption_error`.

    Parameters
    ----------
    grids, baseline : mapping of str to ErrorGrid
        The model's and the baseline's error rates by dataset.
    scope : Scope
        What the means are taken over.
    partial : bool
        Accept missing cells: what depends on them is then undefined, saying so.

    Returns
    -------
    SuiteSummary of Value
        What the baseline cannot divide is undefined, with the reason.

    Raises
    ------
    IncompleteGridError
        If the model lacks cells of the scope and `partial` is false.

    Examples
    --------
    >>> from medimeta_c.metrics.grid import error_grids
    >>> from medimeta_c.format.keys import SetKey
    >>> clean, blurred = SetKey("pbc", "test", "clean", 0), SetKey("pbc", "test", "motion_blur", 1)
    >>> scope = Scope(corruptions={"pbc": ("motion_blur",)}, severities=(1,))
    >>> model, baseline = error_grids({clean: 0.1, blurred: 0.3}), error_grids({clean: 0.2, blurred: 0.4})
    >>> summary = summarise(model, baseline, scope)
    >>> round(summary.overall.mce.percent, 1)
    75.0
    """
    missing = scope.missing(grids)
    if missing and not partial:
        raise IncompleteGridError(map(str, missing), len(scope.cells()))
    datasets = {
        dataset: _summarise_dataset(
            scope.grid(grids, dataset), scope.grid(baseline, dataset), corruptions, scope.severities
        )
        for dataset, corruptions in scope.corruptions.items()
    }
    return SuiteSummary(datasets=datasets, overall=combine(datasets, mean_value))


def _summarise_dataset(
    model: ErrorGrid, baseline: ErrorGrid, corruptions: tuple[str, ...], severities: tuple[int, ...]
) -> Summary[Value]:
    """Compute one dataset's numbers, each with the reason should it be undefined."""
    numbers = aggregate(
        error_arrays(model, corruptions, severities), error_arrays(baseline, corruptions, severities)
    )
    rows = (CLEAN, *corruptions)
    unmeasured = {row: _lacking("the model has no valid", model, row, severities) for row in rows}
    unknown = {
        row: unmeasured[row] or _lacking("the baseline has no", baseline, row, severities) for row in rows
    }
    name = model.dataset
    ce = {
        c: _value(numbers.ce[c], unknown[c] or f"the baseline makes no error on {name} under {c}")
        for c in corruptions
    }
    relative_ce = {
        c: _value(
            numbers.relative_ce[c],
            unknown[CLEAN] or unknown[c] or f"the baseline loses no accuracy on {name} under {c}",
        )
        for c in corruptions
    }
    return Summary(
        clean_accuracy=_value(numbers.clean_accuracy, unmeasured[CLEAN]),
        average_accuracy=_value(
            numbers.average_accuracy, next((unmeasured[c] for c in corruptions if unmeasured[c]), "")
        ),
        clean_error=_value(
            numbers.clean_error, unknown[CLEAN] or f"the baseline makes no error on clean {name}"
        ),
        ce=ce,
        mce=_value(numbers.mce, undefined_parts(ce)),
        relative_ce=relative_ce,
        relative_mce=_value(numbers.relative_mce, undefined_parts(relative_ce)),
    )


def error_arrays(grid: ErrorGrid, corruptions: tuple[str, ...], severities: tuple[int, ...]) -> ErrorArrays:
    """Return a grid's numbers as arrays without axes, NaN where it has none."""

    def scalar(number: float | None) -> FloatArray:
        return np.array(np.nan if number is None else number, dtype=np.float64)

    sums = {c: row.over(severities) if (row := grid.corrupted.get(c)) else None for c in corruptions}
    return ErrorArrays(
        clean=scalar(grid.clean),
        sums={c: scalar(total) for c, total in sums.items()},
        n_severities=len(severities),
    )


def _lacking(owner: str, grid: ErrorGrid, row: str, severities: tuple[int, ...]) -> str:
    """Return what a grid lacks of one row, as a reason; empty when it lacks nothing."""
    if missing := grid.missing(row, severities):
        return f"{owner} {', '.join(map(str, missing))}"
    if row != CLEAN and grid.corrupted[row].over(severities) is None:
        return f"{owner} {grid.dataset} under {row} at severities {severities} alone: only a mean is known"
    return ""


def _value(number: FloatArray, reason: str) -> Value:
    """Return the number, or the reason where it is NaN."""
    return Value(float(number)) if np.isfinite(number) else Value.undefined(reason)
