"""Compute the numbers of a sweep over prompts from its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ResultError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.grid import ErrorGrid, Scope, error_grids
from medimeta_c.metrics.robustness import summarise
from medimeta_c.metrics.values import Number
from medimeta_c.metrics.variance import VarianceSplit, variance_split
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.paraphrases.cells import SweptCell
from medimeta_c.results.paraphrases.record import DatasetSweep, Paraphrase, spreads_of

__all__ = ["MEANS", "dataset_sweep", "image_parts", "members_of"]

MEANS = ("clean_accuracy", "average_accuracy", "points_lost")
"""Numbers that are means over images."""


def dataset_sweep(  # noqa: PLR0913  (the parts of a dataset's sweep)
    dataset: str,
    cells: Mapping[SetKey, SweptCell],
    texts: Sequence[Mapping[str, str]],
    *,
    scope: Scope,
    chosen: ChosenBaseline | None,
    groups: Mapping[str, int] | None,
    origin: str,
) -> DatasetSweep:
    """Return the numbers of a sweep on one dataset.

    Parameters
    ----------
    dataset : str
        The dataset.
    cells : mapping of SetKey to SweptCell
        Its cells that are there.
    texts : sequence of mappings of str to str
        The paraphrases in the order of the cells' columns, each a text by class name.
    scope : Scope
        The cells requested, other datasets' included.
    chosen : ChosenBaseline or None
        What CE divides by.
    groups : mapping of str to int, or None
        By image id, which images belong together.
    origin : str
        As `DatasetSweep` has it.

    Raises
    ------
    ResultError
        If a cell has not a column for each paraphrase, or cells differ in their images.
    """
    own = scope.model_copy(update={"corruptions": {dataset: scope.corruptions[dataset]}})
    _check(dataset, cells, len(texts))
    base = _base(dataset, chosen)
    rates = {key: _error_rates(cell) for key, cell in cells.items()}
    paraphrases = [
        Paraphrase.of(
            dataset,
            one,
            _numbers(dataset, {key: float(each[place]) for key, each in rates.items()}, own, chosen, base),
        )
        for place, one in enumerate(texts)
    ]
    parts = image_parts(dataset, cells, scope)
    members = members_of(cells, groups)
    return DatasetSweep(
        origin=origin,
        paraphrases=tuple(paraphrases),
        spreads=spreads_of([one.numbers for one in paraphrases]),
        variance={name: _split(values, members) for name, values in parts.items() if values.shape[1] > 1},
    )


def _split(values: NDArray[np.float64], members: NDArray[np.int64] | None) -> VarianceSplit:
    return variance_split([values[None]], [members])


def image_parts(
    dataset: str, cells: Mapping[SetKey, SweptCell], scope: Scope
) -> dict[str, NDArray[np.float64]]:
    """Return each image's part of the numbers that are means over images, in the order of image ids.

    Returns
    -------
    dict of str to ndarray of float64, shape (P, N)
        By number; empty where a cell is missing or invalid.
    """
    keys = [key for key in scope.cells() if key.dataset == dataset]
    if any(key not in cells or not cells[key].valid.all() for key in keys):
        return {}
    corrupted = [key for key in keys if key.corruption != CLEAN]
    clean = cells[SetKey(dataset, scope.split, CLEAN, 0)].ordered.correct.T.astype(np.float64)
    total = np.zeros_like(clean)
    for key in corrupted:
        total += cells[key].ordered.correct.T
    average = total / len(corrupted)
    return {"clean_accuracy": clean, "average_accuracy": average, "points_lost": clean - average}


def members_of(
    cells: Mapping[SetKey, SweptCell], groups: Mapping[str, int] | None
) -> NDArray[np.int64] | None:
    """Return the group of each image, in the order of image ids; None where images are independent.

    Images of one group are one only if there are two groups or more.
    """
    if groups is None or not cells:
        return None
    ids = sorted(next(iter(cells.values())).image_ids)
    if alone := [image_id for image_id in ids if image_id not in groups]:
        raise ResultError(f"the groups do not contain {alone[0]!r}")
    found = np.array([groups[image_id] for image_id in ids], dtype=np.int64)
    return found if len(set(found.tolist())) > 1 else None


def _base(dataset: str, chosen: ChosenBaseline | None) -> dict[str, ErrorGrid]:
    entry = None if chosen is None else chosen.divisor.get(dataset)
    if entry is None:
        return {}
    return {dataset: entry} if isinstance(entry, ErrorGrid) else error_grids(entry.errors())


def _error_rates(cell: SweptCell) -> NDArray[np.float64]:
    """Return the error rate with each paraphrase, shape (P,); NaN where an image has no prediction."""
    wrong = len(cell) - np.count_nonzero(cell.correct, axis=0)
    return np.where(cell.valid, wrong / len(cell), np.nan)


def _numbers(
    dataset: str,
    errors: Mapping[SetKey, float],
    scope: Scope,
    chosen: ChosenBaseline | None,
    base: Mapping[str, ErrorGrid],
) -> dict[str, Number]:
    """Return the numbers of one paraphrase, by the formulas of every result."""
    grids = error_grids({key: error for key, error in errors.items() if not np.isnan(error)})
    found = summarise(grids, base, scope, partial=True).datasets[dataset]
    numbers = {
        "clean_accuracy": found.clean_accuracy,
        "average_accuracy": found.average_accuracy,
        "points_lost": _difference(found.clean_accuracy, found.average_accuracy),
    }
    if chosen is not None:
        narrowed = chosen.baseline.mce_scope(scope)
        numbers["mce"] = summarise(grids, base, narrowed, partial=True).datasets[dataset].mce
    return numbers


def _difference(clean: Number, average: Number) -> Number:
    if clean.value is None or average.value is None:
        return clean if clean.value is None else average
    return Number(value=clean.value - average.value)


def _check(dataset: str, cells: Mapping[SetKey, SweptCell], prompts: int) -> None:
    first = next(iter(cells.values()), None)
    for key, cell in cells.items():
        if cell.predictions.shape[1] != prompts:
            raise ResultError(f"{key} has {cell.predictions.shape[1]} predictions an image, not {prompts}")
        if first is not None and set(cell.image_ids) != set(first.image_ids):
            raise ResultError(f"{key} and {first.key} of a sweep over prompts are not over the same images")
