"""From predictions to numbers: the one place where the numbers of a result are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medimeta_c.errors import ConfigError, IncompleteGridError, ResultError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.manifest import Manifest
from medimeta_c.format.suites import CORE, DATASETS, in_order
from medimeta_c.metrics.corruption_error import SuiteSummary, Summary
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.intervals import Bootstrap, bootstrap, cell_intervals, summary_intervals
from medimeta_c.metrics.resampling import RESAMPLING_SCHEME, Resampling
from medimeta_c.metrics.scores import CellScore, score_cell
from medimeta_c.metrics.values import Interval, Value, mean_value
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.identity import BenchmarkRecord, RunIdentity, restricted
from medimeta_c.results.predictions import CellPredictions, correctness_of
from medimeta_c.results.result import BaselineRecord, Environment, ResamplingRecord, Result, ScopeRecord
from medimeta_c.results.score_records import CellRecord, Estimate, Number, Scores, SummaryRecord

__all__ = ["Terms", "make_result", "scope_of", "score"]

_NO_BASELINE = "no baseline was given to divide by"


def scope_of(manifest: Manifest, *, datasets: Iterable[str] | None = None, split: str = "test") -> Scope:
    """Return everything that was built of some datasets, as the scope of an evaluation.

    Parameters
    ----------
    manifest : Manifest
        What was built.
    datasets : iterable of str, optional
        The datasets wanted; all by default. Those of a suite come in the paper's order.
    split : str
        The split scored.

    Returns
    -------
    Scope
        Every corruption each dataset has, at every severity any of them has: a cell of it that was not
        built is missing, and an mCE over it is refused.

    Raises
    ------
    ConfigError
        If a dataset has no corrupted set of the split.
    """
    keys = [record.key for record in manifest.sets if record.key.split == split]
    wanted = set(datasets) if datasets is not None else {key.dataset for key in keys}
    corruptions: dict[str, tuple[str, ...]] = {}
    for dataset in in_order(wanted, DATASETS):
        built = {key.corruption for key in keys if key.dataset == dataset} - {CLEAN}
        if not built:
            raise ConfigError(
                f"no corrupted set of {dataset} is built for the {split} split: build it, or leave it out"
            )
        corruptions[dataset] = in_order(built, CORE.corruptions)
    severities = {key.severity for key in keys if key.dataset in corruptions} - {0}
    return Scope(corruptions=corruptions, severities=tuple(sorted(severities)), split=split)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """On what terms predictions become numbers.

    Parameters
    ----------
    scope : Scope
        The cells requested: what the means are taken over.
    baseline : ChosenBaseline or None
        What CE divides by; without one every CE is undefined.
    resampling : Resampling
        How intervals are made.
    """

    scope: Scope
    baseline: ChosenBaseline | None
    resampling: Resampling = field(default_factory=Resampling)


def make_result(
    run: RunIdentity,
    environment: Environment,
    predictions: Mapping[SetKey, CellPredictions],
    terms: Terms,
) -> Result:
    """Return the result of a run, complete or not.

    Parameters
    ----------
    run, environment : RunIdentity, Environment
        Who answered, and where. Of the run's datasets those of the scope are kept.
    predictions : mapping of SetKey to CellPredictions
        The cells there are.
    terms : Terms
        What was requested and what CE divides by.

    Raises
    ------
    ResultError, ConfigError
        As `score` does.
    """
    scope, chosen, plan = terms.scope, terms.baseline, terms.resampling
    scores = score(predictions, run.benchmark, terms)
    baseline = None
    if chosen is not None:
        paired = set(scope.datasets) <= set(chosen.tables)
        baseline = BaselineRecord.of(chosen.baseline, scope, paired=paired)
    return Result(
        complete=set(predictions) == set(scope.cells()),
        run=restricted(run, scope.datasets),
        environment=environment,
        baseline=baseline,
        resampling=ResamplingRecord(
            scheme=RESAMPLING_SCHEME,
            resamples=plan.resamples,
            level=plan.level,
            seed=plan.seed,
            numpy=np.__version__,
        ),
        scope=ScopeRecord.of(scope),
        scores=scores,
    )


def score(predictions: Mapping[SetKey, CellPredictions], benchmark: BenchmarkRecord, terms: Terms) -> Scores:
    """Compute every number that follows from predictions.

    Parameters
    ----------
    predictions : mapping of SetKey to CellPredictions
        Cells of the scope; those missing leave what depends on them undefined, with the reason.
    benchmark : BenchmarkRecord
        Class names and numbers of images.
    terms : Terms
        What was requested and what CE divides by.

    Returns
    -------
    Scores

    Raises
    ------
    ResultError
        If predictions are not of the scope's cells, or do not have the benchmark's classes and images.
    ConfigError
        If the baseline has not the scope's datasets, or is over other images.
    """
    scope, chosen = terms.scope, terms.baseline
    _check_shapes(predictions, benchmark, scope)
    if chosen is not None:
        chosen.baseline.require(scope.datasets)
    cells = {
        key: score_cell(
            predictions[key].probabilities,
            predictions[key].labels,
            predictions=predictions[key].predictions,
            class_names=benchmark.dataset(key.dataset).class_names,
        )
        for key in sorted(predictions)
    }
    divisor = {} if chosen is None else chosen.divisor
    tables = correctness_of(predictions)
    drawn = bootstrap(tables, divisor, scope, terms.resampling)
    summary = drawn.point.zip(summary_intervals(drawn), Estimate.with_interval)
    if chosen is None:
        summary = _without_ratios(summary)
    elif (narrowed := chosen.baseline.mce_scope(scope)) != scope:
        summary = _with_means_of(summary, bootstrap(tables, divisor, narrowed, terms.resampling))
    return Scores(cells=tuple(_cell_records(cells, drawn, predictions)), **_summaries(cells, summary, scope))


def _check_shapes(
    predictions: Mapping[SetKey, CellPredictions], benchmark: BenchmarkRecord, scope: Scope
) -> None:
    wanted = set(scope.cells())
    for key, cell in predictions.items():
        if key not in wanted:
            raise ResultError(f"there are predictions of {key}, which was not requested")
        entry = benchmark.dataset(key.dataset)
        shape = (entry.images, len(entry.class_names))
        if cell.probabilities.shape != shape:
            raise ResultError(
                f"predictions of {key} are over {len(cell)} images and {cell.probabilities.shape[1]} "
                f"classes; the benchmark has {shape[0]} and {shape[1]}: evaluate the model again"
            )


def _cell_records(
    cells: Mapping[SetKey, CellScore], drawn: Bootstrap, predictions: Mapping[SetKey, CellPredictions]
) -> Iterator[CellRecord]:
    intervals = cell_intervals(drawn)
    for key, cell in cells.items():
        interval = intervals.get(key) or Interval.undefined(cell.top1.reason or "")
        yield CellRecord(
            dataset=key.dataset,
            split=key.split,
            corruption=key.corruption,
            severity=key.severity,
            n=cell.n,
            invalid=cell.invalid,
            correct=cell.correct,
            top1=Estimate.with_interval(cell.top1, interval),
            balanced_accuracy=Number.of(cell.balanced_accuracy),
            macro_auroc=Number.of(cell.macro_auroc),
            ece=Number.of(cell.ece),
            predictions_sha256=predictions[key].digest,
        )


def _summaries(
    cells: Mapping[SetKey, CellScore], suite: SuiteSummary[Estimate], scope: Scope
) -> dict[str, Any]:
    """Return the summaries by dataset and over them, as the fields of `Scores`."""
    rows = {dataset: _accuracies(cells, scope, dataset) for dataset in scope.datasets}
    common = [c for c in suite.overall.ce if all(c in row for row in rows.values())]
    overall = {c: mean_value({dataset: row[c] for dataset, row in rows.items()}) for c in common}

    def record(
        summary: Summary[Estimate], accuracy: Mapping[str, Value], dataset: str | None
    ) -> SummaryRecord:
        requested = [key for key in scope.cells() if dataset in (None, key.dataset)]
        lacking = [str(key) for key in requested if key not in cells or cells[key].invalid]
        if lacking and summary.mce.reason != _NO_BASELINE:
            summary = _without_mce(summary, str(IncompleteGridError(lacking, len(requested))))
        return SummaryRecord.of(accuracy, summary)

    return {
        "datasets": {name: record(part, rows[name], name) for name, part in suite.datasets.items()},
        "overall": record(suite.overall, overall, None),
    }


def _accuracies(cells: Mapping[SetKey, CellScore], scope: Scope, dataset: str) -> dict[str, Value]:
    """Return top-1 accuracy by corruption, the mean over severities."""

    def top1(corruption: str, severity: int) -> Value:
        cell = cells.get(SetKey(dataset, scope.split, corruption, severity))
        return cell.top1 if cell is not None else Value.undefined("not scored")

    return {
        corruption: mean_value({f"severity {s}": top1(corruption, s) for s in scope.severities})
        for corruption in scope.corruptions[dataset]
    }


def _without_mce(summary: Summary[Estimate], reason: str) -> Summary[Estimate]:
    nothing = _undefined(reason)
    return replace(summary, mce=nothing, relative_mce=nothing)


def _without_ratios(suite: SuiteSummary[Estimate]) -> SuiteSummary[Estimate]:
    nothing = _undefined(_NO_BASELINE)

    def strip(part: Summary[Estimate]) -> Summary[Estimate]:
        none = dict.fromkeys(part.ce, nothing)
        return replace(
            part, clean_error=nothing, ce=none, mce=nothing, relative_ce=none, relative_mce=nothing
        )

    return SuiteSummary(
        datasets={name: strip(part) for name, part in suite.datasets.items()}, overall=strip(suite.overall)
    )


def _with_means_of(suite: SuiteSummary[Estimate], narrowed: Bootstrap) -> SuiteSummary[Estimate]:
    """Return the summaries with the means of CE over fewer corruptions; every other number stays."""
    over = narrowed.point.zip(summary_intervals(narrowed), Estimate.with_interval)

    def merge(part: Summary[Estimate], other: Summary[Estimate]) -> Summary[Estimate]:
        return replace(part, mce=other.mce, relative_mce=other.relative_mce)

    return SuiteSummary(
        datasets={name: merge(part, over.datasets[name]) for name, part in suite.datasets.items()},
        overall=merge(suite.overall, over.overall),
    )


def _undefined(reason: str) -> Estimate:
    return Estimate.with_interval(Value.undefined(reason), Interval.undefined(reason))
