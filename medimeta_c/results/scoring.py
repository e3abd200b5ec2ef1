"""Compute the numbers of a result from its predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from medimeta_c.errors import ConfigError, IncompleteGridError, ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.manifest.records import Manifest, PluginRecord
from medimeta_c.format.plugins import plugin_record
from medimeta_c.format.suites import DATASETS, in_order, suite_of
from medimeta_c.metrics.corruption_error import Where
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.intervals import bootstrap, cell_estimates, summary_estimates
from medimeta_c.metrics.registry import METRICS, Metric, chosen_metrics
from medimeta_c.metrics.resampling import Groups, Resampling
from medimeta_c.metrics.scores import checked_answers, score_cell
from medimeta_c.metrics.summary import CellScore, Scores
from medimeta_c.metrics.values import Estimate, Number, mean_number
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.identity import BenchmarkRecord, DatasetEntry, RunIdentity, restricted
from medimeta_c.results.predictions import CellPredictions, correctness_of
from medimeta_c.results.result import Environment, Result, StoredMark
from medimeta_c.results.words.summary import spoken

__all__ = ["Groups", "Terms", "groups_of", "is_result_of", "make_result", "scope_of", "score"]

_RATIOS = ("clean_error", "ce", "mce", "relative_ce", "relative_mce")
_MEANS = ("mce", "relative_mce")


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
    order = suite_of(manifest.suite, "this benchmark").corruptions
    corruptions: dict[str, tuple[str, ...]] = {}
    for dataset in in_order(wanted, DATASETS):
        built = {key.corruption for key in keys if key.dataset == dataset} - {CLEAN}
        if not built:
            raise ConfigError(
                f"no corrupted set of {dataset} is built for the {split} split: build it, or leave it out"
            )
        corruptions[dataset] = in_order(built, manifest.dataset(dataset).corruptions or order)
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
    undivided : str, optional
        The reason that an undefined CE states, if there is no baseline.
    resampling : Resampling
        How intervals are made.
    metrics : tuple of Metric
        What is computed of each cell; this package's are always among them.
    groups : mapping
        Which images belong together; see `Groups`. Intervals are over groups in the datasets that the
        resampling names.
    plugins : tuple of PluginRecord
        What other distributions brought to the predictions.
    """

    scope: Scope
    baseline: ChosenBaseline | None
    resampling: Resampling = field(default_factory=Resampling)
    metrics: tuple[Metric, ...] = field(default_factory=chosen_metrics)
    groups: Groups = field(default_factory=dict)
    plugins: tuple[PluginRecord, ...] = ()
    undivided: str = "no baseline was given to divide by"

    def over_groups(self, predictions: Mapping[SetKey, CellPredictions]) -> Terms:
        """Return the same terms, with intervals over groups wherever some of the images scored share one."""
        listings = {key.dataset: cell.image_ids for key, cell in predictions.items()}
        return replace(self, resampling=self.resampling.for_groups(self.groups, listings))


def groups_of(benchmark: Benchmark, entries: Iterable[DatasetEntry], split: str) -> Groups:
    """Return which images belong together, in the datasets that a benchmark has with the same fingerprint.

    Raises
    ------
    ShardError
        If the benchmark's file of groups is missing or damaged.
    """
    prints = {record.dataset: record.fingerprint for record in benchmark.manifest.datasets}
    same = {entry.dataset for entry in entries if prints.get(entry.dataset) == entry.fingerprint}
    return {name: known for name, known in benchmark.groups(split).items() if name in same}


def make_result(
    run: RunIdentity,
    environment: Environment,
    predictions: Mapping[SetKey, CellPredictions],
    terms: Terms,
    marks: tuple[StoredMark, ...] = (),
) -> Result:
    """Return the result of a run, complete or not.

    Parameters
    ----------
    run, environment : RunIdentity, Environment
        Who answered, and where. Of the run's datasets those of the scope are kept.
    predictions : mapping of SetKey to CellPredictions
        The cells there are.
    terms : Terms
        What was requested and what CE divides by. Where some images share a group, intervals are over groups.
    marks : tuple of str
        What sets it apart from a result that may be compared.

    Raises
    ------
    ResultError, ConfigError
        As `score` does.
    """
    terms = terms.over_groups(predictions)
    return Result(
        environment=environment,
        scores=score(predictions, run.benchmark, terms),
        **_asked(run, predictions, terms, marks),
        **spoken(predictions),
    )


def is_result_of(
    result: Result,
    run: RunIdentity,
    predictions: Mapping[SetKey, CellPredictions],
    terms: Terms,
    marks: tuple[StoredMark, ...] = (),
) -> bool:
    """Return whether a result that was made of these predictions was asked for as `make_result` is."""
    asked = _asked(run, predictions, terms.over_groups(predictions), marks)
    metrics = {metric.name for metric in terms.metrics}
    return metrics == {*result.metrics} and all(getattr(result, name) == each for name, each in asked.items())


def _asked(
    run: RunIdentity,
    predictions: Mapping[SetKey, CellPredictions],
    terms: Terms,
    marks: tuple[StoredMark, ...],
) -> dict[str, Any]:
    """Return the fields of a result that are no numbers."""
    scope, chosen = terms.scope, terms.baseline
    paired = chosen is not None and set(scope.datasets) <= set(chosen.tables)
    brought = {plugin_record(METRICS, metric.name, metric) for metric in terms.metrics} | {*terms.plugins}
    return {
        "complete": set(predictions) == set(scope.cells()),
        "run": restricted(run, scope.datasets),
        "baseline": None if chosen is None else chosen.baseline.for_scope(scope, paired=paired),
        "resampling": terms.resampling,
        "scope": scope,
        "marks": marks,
        "plugins": tuple(sorted((one for one in brought if one is not None), key=lambda one: one.name)),
    }


def score(
    predictions: Mapping[SetKey, CellPredictions], benchmark: BenchmarkRecord, terms: Terms
) -> Scores[Estimate]:
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
    cells = {key: _score_cell(predictions[key], benchmark, terms) for key in sorted(predictions)}
    divisor = {} if chosen is None else chosen.divisor
    tables = correctness_of(predictions)
    drawn = bootstrap(tables, divisor, scope, terms.resampling, terms.groups)
    numbers = summary_estimates(drawn).numbers()
    if chosen is None:
        nothing = Estimate.undefined(terms.undivided)
        numbers.update({where: nothing for where in numbers if where[1] in _RATIOS})
    else:
        if (narrowed := chosen.baseline.mce_scope(scope)) != scope:
            fewer = summary_estimates(
                bootstrap(tables, divisor, narrowed, terms.resampling, terms.groups)
            ).numbers()
            numbers.update({where: each for where, each in fewer.items() if where[1] in _MEANS})
        numbers.update(_means_lacking(cells, scope))
    estimates = cell_estimates(drawn)
    return Scores.of(
        numbers,
        cells=(
            cell.model_copy(update={"top1": estimates.get(key, cell.top1)}) for key, cell in cells.items()
        ),
        accuracy=_accuracies(cells, scope),
    )


def _score_cell(cell: CellPredictions, benchmark: BenchmarkRecord, terms: Terms) -> CellScore:
    known = terms.groups.get(cell.key.dataset)
    if known is not None and (alone := sorted({*cell.image_ids} - {*known})):
        raise ResultError(f"the groups of {cell.key.dataset} do not contain {alone[0]!r}")
    answers = checked_answers(
        cell.probabilities,
        cell.labels,
        predictions=cell.predictions,
        class_names=benchmark.dataset(cell.key.dataset).class_names,
        groups=None if known is None else [known[image_id] for image_id in cell.image_ids],
    )
    return score_cell(cell.key, answers, predictions_sha256=cell.digest, metrics=terms.metrics)


def _check_shapes(
    predictions: Mapping[SetKey, CellPredictions], benchmark: BenchmarkRecord, scope: Scope
) -> None:
    wanted = set(scope.cells())
    for key, cell in predictions.items():
        if key not in wanted:
            raise ResultError(f"there are predictions of {key}, which was not requested")
        entry = benchmark.dataset(key.dataset)
        if (len(cell), cell.classes or len(entry.class_names)) != (entry.images, len(entry.class_names)):
            raise ResultError(
                f"predictions of {key} are over {len(cell)} images and {cell.classes or 'unknown'} classes; "
                f"the benchmark has {entry.images} and {len(entry.class_names)}: evaluate the model again"
            )


def _means_lacking(cells: Mapping[SetKey, CellScore], scope: Scope) -> dict[Where, Estimate]:
    """Return the absence of every mean of CE over cells that are missing or invalid."""
    found = {}
    for dataset in ("", *scope.datasets):
        requested = [key for key in scope.cells() if dataset in ("", key.dataset)]
        lacking = [str(key) for key in requested if key not in cells or cells[key].invalid]
        if lacking:
            nothing = Estimate.undefined(str(IncompleteGridError(lacking, len(requested))))
            found.update({(dataset, name, ""): nothing for name in _MEANS})
    return found


def _accuracies(cells: Mapping[SetKey, CellScore], scope: Scope) -> dict[str, dict[str, Number]]:
    """Return top-1 accuracy by dataset and corruption, the mean over severities; under "" over datasets."""

    def top1(dataset: str, corruption: str, severity: int) -> Number:
        cell = cells.get(SetKey(dataset, scope.split, corruption, severity))
        return Number.undefined("not scored") if cell is None else cell.top1

    rows = {
        dataset: {
            c: mean_number({f"severity {s}": top1(dataset, c, s) for s in scope.severities})
            for c in corruptions
        }
        for dataset, corruptions in scope.corruptions.items()
    }
    first, *others = rows.values()
    common = [c for c in first if all(c in row for row in others)]
    overall = {c: mean_number({dataset: row[c] for dataset, row in rows.items()}) for c in common}
    return {"": overall, **rows}
