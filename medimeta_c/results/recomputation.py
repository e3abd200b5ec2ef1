"""Check a result against its own predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.registry import METRICS, Metric
from medimeta_c.metrics.summary import Scores
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Result
from medimeta_c.results.scoring import Groups, Terms, score

__all__ = ["disagreements", "named_estimates", "registered_metrics", "rescore"]

_TOLERANCE = 1e-7  # of the same number computed with another NumPy or scikit-learn


def rescore(
    result: Result, predictions: Mapping[SetKey, CellPredictions], groups: Groups | None = None
) -> Scores[Estimate]:
    """Compute a result's numbers again from its predictions.

    Where the baseline was paired, its predictions are not part of a result: the intervals of CE then are not
    those stated; every number is the same.

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
                    f"{metric.name} was computed with the benchmark's groups of images: give the benchmark"
                )
    terms = Terms(
        scope=result.scope,
        baseline=None if result.baseline is None else ChosenBaseline(result.baseline),
        resampling=result.resampling,
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
            whose = f"{origin.distribution} {origin.version}" if origin else "no distribution that it names"
            raise ResultError(
                f"the metric {name!r} is of {whose} and not known here, so that it cannot be computed again"
            ) from error
    return tuple(found)


def disagreements(claimed: Scores[Estimate], computed: Scores[Estimate]) -> tuple[str, ...]:
    """Return the numbers on which two sets of scores disagree, a sentence each.

    Counts and numbers are compared; intervals, which depend on NumPy's streams, are not.
    """
    ours, theirs = dict(_leaves(claimed)), dict(_leaves(computed))
    return tuple(
        f"{name} is {ours.get(name)!r}, recomputed {theirs.get(name)!r}"
        for name in sorted({*ours, *theirs})
        if not _same(ours.get(name), theirs.get(name))
    )


def named_estimates(scores: Scores[Estimate]) -> dict[str, Estimate]:
    """Return every number that has an interval, by a readable name."""
    found = {f"top1 of {cell.key}": cell.top1 for cell in scores.cells}
    for (dataset, name, corruption), one in scores.numbers().items():
        what = f"{name} under {corruption}" if corruption else name
        found[f"{what} of {dataset or 'all datasets'}"] = one
    return found


def _leaves(scores: Scores[Estimate]) -> Iterator[tuple[str, float | None]]:
    """Yield every count and number by a readable name."""
    for cell in scores.cells:
        for count in ("n", "invalid", "correct"):
            yield f"{count} of {cell.key}", getattr(cell, count)
        for name, number in cell.scores.items():
            yield f"{name} of {cell.key}", number.value
    for name, number in named_estimates(scores).items():
        yield name, number.value
    for owner, summary in (*scores.datasets.items(), ("all datasets", scores.overall)):
        for corruption, number in summary.accuracy.items():
            yield f"accuracy under {corruption} of {owner}", number.value


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _TOLERANCE
