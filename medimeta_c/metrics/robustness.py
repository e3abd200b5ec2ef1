"""Robustness numbers of a measured model, with a reason for each undefined one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from medimeta_c.errors import IncompleteGridError
from medimeta_c.format.keys import CLEAN
from medimeta_c.metrics.corruption_error import ErrorArrays, FloatArray, Where, aggregate, with_overall
from medimeta_c.metrics.grid import ErrorGrid, Scope
from medimeta_c.metrics.summary import Scores
from medimeta_c.metrics.values import Number, mean_number, undefined_parts

__all__ = ["error_arrays", "summarise"]


def summarise(
    grids: Mapping[str, ErrorGrid],
    baseline: Mapping[str, ErrorGrid],
    scope: Scope,
    *,
    partial: bool = False,
) -> Scores[Number]:
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
    Scores of Number
        Without cells. What the baseline cannot divide is undefined, with the reason.

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
    numbers: dict[Where, Number] = {}
    for dataset in scope.datasets:
        numbers |= _numbers(dataset, scope.grid(grids, dataset), scope.grid(baseline, dataset), scope)
    return Scores.of(with_overall(numbers, mean_number))


def _numbers(dataset: str, model: ErrorGrid, baseline: ErrorGrid, scope: Scope) -> dict[Where, Number]:
    """Compute one dataset's numbers, each with the reason should it be undefined."""
    corruptions, severities = scope.corruptions[dataset], scope.severities
    arrays = aggregate(
        dataset,
        error_arrays(model, corruptions, severities),
        error_arrays(baseline, corruptions, severities),
    )

    def lacking(owner: str, grid: ErrorGrid, row: str) -> str:
        if missing := grid.missing(dataset, row, severities):
            return f"{owner} {', '.join(map(str, missing))}"
        if row != CLEAN and grid.corrupted[row].over(severities) is None:
            return f"{owner} {dataset} under {row} at severities {severities} alone: only a mean is known"
        return ""

    rows = (CLEAN, *corruptions)
    unmeasured = {row: lacking("the model has no valid", model, row) for row in rows}
    unknown = {row: unmeasured[row] or lacking("the baseline has no", baseline, row) for row in rows}
    reasons = {
        ("clean_accuracy", ""): unmeasured[CLEAN],
        ("average_accuracy", ""): next((unmeasured[c] for c in corruptions if unmeasured[c]), ""),
        ("clean_error", ""): unknown[CLEAN] or f"the baseline makes no error on clean {dataset}",
    }
    for c in corruptions:
        reasons["ce", c] = unknown[c] or f"the baseline makes no error on {dataset} under {c}"
        reasons["relative_ce", c] = (
            unknown[CLEAN] or unknown[c] or f"the baseline loses no accuracy on {dataset} under {c}"
        )
    found = {
        (dataset, name, c): _number(arrays[dataset, name, c], reason) for (name, c), reason in reasons.items()
    }
    for mean, part in (("mce", "ce"), ("relative_mce", "relative_ce")):
        reason = undefined_parts({c: found[dataset, part, c] for c in corruptions})
        found[dataset, mean, ""] = _number(arrays[dataset, mean, ""], reason)
    return found


def _number(array: FloatArray, reason: str) -> Number:
    """Return the number, or the reason where it is NaN."""
    return Number(value=float(array)) if np.isfinite(array) else Number.undefined(reason)


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
