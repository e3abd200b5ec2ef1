"""Check a result against its own predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from medimeta_c.format.keys import SetKey
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Result
from medimeta_c.results.score_records import Number, Scores, SummaryRecord
from medimeta_c.results.scoring import Terms, score

__all__ = ["disagreements", "rescore"]

_TOLERANCE = 1e-6  # of the same number computed with another NumPy or scikit-learn


def rescore(result: Result, predictions: Mapping[SetKey, CellPredictions]) -> Scores:
    """Compute a result's numbers again from its predictions.

    Where the baseline was paired, its predictions are not part of a result: the intervals of CE then are not
    those stated; every number is the same.
    """
    chosen = None if result.baseline is None else ChosenBaseline(result.baseline.baseline())
    terms = Terms(scope=result.scope.scope(), baseline=chosen, resampling=result.resampling.plan())
    return score(predictions, result.run.benchmark, terms)


def disagreements(claimed: Scores, computed: Scores) -> tuple[str, ...]:
    """Return the numbers on which two sets of scores disagree, a sentence each.

    Counts and numbers are compared; intervals, which depend on NumPy's streams, are not.
    """
    ours, theirs = dict(_leaves(claimed)), dict(_leaves(computed))
    return tuple(
        f"{name} is {ours.get(name)!r}, recomputed {theirs.get(name)!r}"
        for name in sorted({*ours, *theirs})
        if not _same(ours.get(name), theirs.get(name))
    )


def _leaves(scores: Scores) -> Iterator[tuple[str, float | None]]:
    """Yield every count and number by a readable name."""
    for cell in scores.cells:
        for name in ("n", "invalid", "correct"):
            yield f"{name} of {cell.key}", getattr(cell, name)
        for name in ("top1", "balanced_accuracy", "macro_auroc", "ece"):
            yield f"{name} of {cell.key}", getattr(cell, name).value
    for owner, summary in (*scores.datasets.items(), ("all datasets", scores.overall)):
        for name in SummaryRecord.model_fields:
            held: Any = getattr(summary, name)
            numbers: dict[str, Number] = {name: held} if isinstance(held, Number) else held
            for each, number in numbers.items():
                yield f"{name if each == name else f'{name} under {each}'} of {owner}", number.value


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _TOLERANCE
