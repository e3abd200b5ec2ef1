"""Check a result against its own predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.registry import METRICS, Metric
from medimeta_c.metrics.summary import Scores
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Result
from medimeta_c.results.scoring import Groups, Terms, score

__all__ = ["disagreements", "registered_metrics", "rescore"]

_TOLERANCE = 1e-7  # of the same number computed with another NumPy or scikit-learn


def rescore(
    result: Result, predictions: Mapping[SetKey, CellPredictions], groups: Groups | None = None
) -> Scores[Estimate]:
    """Compute a result's numbers again from its predictions.

    Where the baseline was paired, its predictions are not part of a result: the intervals of CE then are not
    those stated. Where groups were drawn and are not given, images are drawn, so that no interval is the one
    stated. Every number is the same.

    Raises
    ------
    ResultError
        If a metric is not installed here, or needs the benchmark's groups, which were not given.
    """
    metrics = registered_metrics(result)
    if result.run.benchmark.groups_sha256 is not None and groups is None:
        for metric in metrics:
            if "groups" in metric.inputs:
                raise ResultError(
                    f"{metric.name} was computed with the benchmark's groups of images, which are not "
                    "available: it cannot be computed again"
                )
    terms = Terms(
        scope=result.scope,
        baseline=None if result.baseline is None else ChosenBaseline(result.baseline),
        resampling=result.resampling
        if groups is not None
        else result.resampling.model_copy(update={"grouped": ()}),
        metrics=metrics,
        groups=groups or {},
    )
    return score(predictions, result.run.benchmark, terms)


def registered_metrics(result: Result) -> tuple[Metric, ...]:
    """Return the metrics of a result's cells; a ResultError names who defines one that is unknown here."""
    found = []
    for name in result.metrics:
        try:
            found.append(METRICS.find(name))
        except ConfigError as error:
            origin = next((one for one in result.plugins if one.name == name), None)
            whose = f"{origin.distribution} {origin.version}" if origin else "an unnamed distribution"
            raise ResultError(
                f"the metric {name!r} comes from {whose} and is unknown here, so it cannot be computed again"
            ) from error
    return tuple(found)


def disagreements(
    claimed: Scores[Estimate], computed: Scores[Estimate], *, intervals: bool = False
) -> tuple[str, ...]:
    """Return the numbers on which two sets of scores disagree, a sentence each.

    Counts and numbers are compared; intervals, which depend on NumPy's streams, only if asked for.
    """
    ours, theirs = dict(_leaves(claimed, intervals)), dict(_leaves(computed, intervals))
    return tuple(
        f"{name} is {_said(ours.get(name))}, recomputed {_said(theirs.get(name))}"
        for name in sorted({*ours, *theirs})
        if not _same(ours.get(name), theirs.get(name))
    )


def _leaves(scores: Scores[Estimate], intervals: bool) -> Iterator[tuple[str, tuple[float | None, ...]]]:
    """Yield every count, number and interval by a readable name."""
    for cell in scores.cells:
        for count in ("n", "invalid", "correct", "unanswered"):
            yield f"{count} of {cell.key}", (getattr(cell, count),)
    for name, number in _named(scores):
        yield name, (number.value,)
        if intervals and isinstance(number, Estimate):
            yield f"the interval of {name}", (number.low, number.high)


def _named(scores: Scores[Estimate]) -> Iterator[tuple[str, Number]]:
    for cell in scores.cells:
        for name, number in cell.scores.items():
            yield f"{name} of {cell.key}", number
    for owner, summary in (*scores.datasets.items(), ("all datasets", scores.overall)):
        for (_, name, c), number in summary.numbers().items():
            yield f"{name} under {c} of {owner}" if c else f"{name} of {owner}", number
        for c, number in summary.accuracy.items():
            yield f"accuracy under {c} of {owner}", number


def _said(numbers: tuple[float | None, ...] | None) -> str:
    return repr(numbers[0] if numbers and len(numbers) == 1 else numbers and list(numbers))


def _same(one: tuple[float | None, ...] | None, other: tuple[float | None, ...] | None) -> bool:
    if one is None or other is None or None in one or None in other:
        return one == other
    return np.allclose(one, other, rtol=0, atol=_TOLERANCE)  # type: ignore[arg-type]  # None is looked for above
