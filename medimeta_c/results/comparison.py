"""Compare models on the images they share: paired differences, and ranks with ties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.io.settings import StrPath, as_path, several
from medimeta_c.io.shown import short_repr
from medimeta_c.io.tables.frame import data_frame
from medimeta_c.io.tables.notebook import notebook_html
from medimeta_c.metrics.baselines import Baseline
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.intervals import Bootstrap, Difference, bootstrap, difference, summary_estimates
from medimeta_c.metrics.resampling import Groups, Resampling
from medimeta_c.metrics.summary import Scores
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.results.baseline_choice import NO_BASELINE, ChosenBaseline, baseline_of, choose_baseline
from medimeta_c.results.folder import SavedResult, read_saved
from medimeta_c.results.identity import BenchmarkRecord
from medimeta_c.results.predictions import correctness_of
from medimeta_c.results.scoring import groups_of
from medimeta_c.results.views import comparison_rows, comparison_tables, comparison_values

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Compared", "Comparison", "common_benchmark", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """One model of a comparison.

    Parameters
    ----------
    name : str
        How the comparison calls it.
    result : SavedResult
        Its result.
    numbers : Scores of Estimate
        Its numbers on the images all models share, with their intervals; without cells.
    ranks : (int, int) or None
        Best and worst rank the images allow: equal when the model differs from every other. None where
        it cannot be ranked.
    """

    name: str
    result: SavedResult
    numbers: Scores[Estimate]
    ranks: tuple[int, int] | None

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Models side by side.

    Parameters
    ----------
    models : tuple of Compared
        Best first.
    ranked_by : {"mce", "average_accuracy"}
        mCE where all have it, else average accuracy.
    differences : mapping of (str, str) to Scores of Difference
        First minus second, for every pair in the order of `models`.
    scope : Scope
        The datasets, corruptions and severities all models were scored on.
    baseline : str or None
        What CE divides by.
    notes : tuple of str
        What a reader must know: datasets left out, and settings in which the runs differ.
    """

    models: tuple[Compared, ...]
    ranked_by: str
    differences: Mapping[tuple[str, str], Scores[Difference]]
    scope: Scope
    baseline: str | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        names = ", ".join(repr(model.name) for model in self.models)
        return f"Comparison({names}; best first by {self.ranked_by}, on {', '.join(self.scope.datasets)})"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return comparison_values(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each model and dataset, and for each model over all (dataset ``"all"``).

        Numbers are fractions; one that is undefined is NaN.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame(comparison_rows(self))

    def _repr_html_(self) -> str:
        """Return the models and their differences as tables, for a notebook."""
        notes = [] if self.baseline is None else [f"CE divides by {self.baseline}."]
        return notebook_html("Comparison", comparison_tables(self), [*notes, *self.notes])


def compare(
    results: Iterable[SavedResult | StrPath],
    *,
    baseline: ChosenBaseline | StrPath | None = None,
    plan: Resampling | None = None,
    benchmark: Benchmark | StrPath | None = None,
) -> Comparison:
    """Compare models on the datasets on which all have the same fingerprint.

    Parameters
    ----------
    results : sequence of SavedResult, str or path
        Results, or their folders; at least two.
    baseline : str, path, or ChosenBaseline, optional
        What CE divides by: ``"published"`` or the folder of a result; by default what all the results that
        have a baseline divided by.
    plan : Resampling, optional
        1000 resamples at 95 %, seed 0, by default.
    benchmark : Benchmark, str or path, optional
        A copy of the benchmark that was scored, or its directory or repository. It knows which images belong
        to one patient; without it, intervals take images as independent, and a note says so.

    Returns
    -------
    Comparison

    Raises
    ------
    ConfigError
        If there are fewer than two, or they share no dataset of equal fingerprint.
    """
    read = [one if isinstance(one, SavedResult) else read_saved(one) for one in several(results)]
    if len(read) < 2:
        fault = "one result cannot be compared" if read else "no result is given"
        raise ConfigError(f"{fault}: give two or more")
    scope, skipped = _common_scope(read)
    if baseline is not None and not isinstance(baseline, ChosenBaseline):
        baseline = _named_baseline(baseline, read)
    chosen, note = (baseline, ()) if baseline is not None else _common_baseline(read, scope)
    if chosen is not None:
        chosen.baseline.require(scope.datasets)
        skipped += tuple(
            f"{', '.join(names)} of {dataset} left out: the baseline has no figures for it"
            for dataset, names in chosen.baseline.lacks(scope).items()
        )
        scope = chosen.baseline.mce_scope(scope)
    divisor = {} if chosen is None else chosen.divisor
    names = _names(read)
    tables = {name: _tables(saved, scope) for name, saved in zip(names, read, strict=True)}
    groups = _groups(benchmark, _benchmark(read[0], scope), scope.split)
    listings = {dataset: table.image_ids for each in tables.values() for dataset, table in each.items()}
    plan = (plan or Resampling()).for_groups(groups, listings)
    drawn = {name: bootstrap(each, divisor, scope, plan, groups) for name, each in tables.items()}
    ranked_by, order = _order(drawn)
    unranked = {name: saved.result.unranked_as for name, saved in zip(names, read, strict=True)}
    ranked = [
        name for name in order if unranked[name] is None and _number(drawn[name], ranked_by) is not None
    ]
    differences = {(a, b): difference(drawn[a], drawn[b]) for a, b in combinations(order, 2)}
    by_name = dict(zip(names, read, strict=True))
    return Comparison(
        models=tuple(
            Compared(
                name=name,
                result=by_name[name],
                numbers=summary_estimates(drawn[name]),
                ranks=_ranks(name, ranked, differences, ranked_by),
            )
            for name in order
        ),
        ranked_by=ranked_by,
        differences=differences,
        scope=scope,
        baseline=None if chosen is None else f"{chosen.baseline.model}, {chosen.baseline.note}",
        notes=(
            *(f"{name} is {unranked[name]}; no rank" for name in order if unranked[name] is not None),
            *skipped,
            *note,
            *_forgotten_groups(read, plan, scope),
            *_settings_that_differ(names, read, scope.datasets),
        ),
    )


def _groups(benchmark: Benchmark | StrPath | None, record: BenchmarkRecord, split: str) -> Groups:
    """Return which images belong together; refuse a benchmark that is not the one that was scored."""
    if benchmark is None:
        return {}
    opened = benchmark if isinstance(benchmark, Benchmark) else open_benchmark(benchmark)
    prints = {entry.dataset: entry.fingerprint for entry in opened.manifest.datasets}
    for entry in record.datasets:
        if prints.get(entry.dataset) != entry.fingerprint:
            raise ConfigError(
                f"{opened.name} is not the benchmark that was scored: "
                + (
                    f"its {entry.dataset} has another fingerprint"
                    if entry.dataset in prints
                    else f"it does not have {entry.dataset}"
                ),
                remedy=[Remedy("name a copy of the one that was scored with {benchmark}")],
            )
    return groups_of(opened, record.datasets, split)


def _forgotten_groups(results: Sequence[SavedResult], plan: Resampling, scope: Scope) -> tuple[str, ...]:
    """Return a note where results were made with groups of images that the comparison does not know."""
    grouped = {name for saved in results for name in saved.result.resampling.grouped}
    if not (forgotten := sorted((grouped & {*scope.datasets}) - {*plan.grouped})):
        return ()
    return (
        f"{', '.join(forgotten)}: some images are of one patient, but intervals, ties and ranks take all as "
        "independent and so claim too much; give the benchmark, which says whose they are",
    )


def _named_baseline(baseline: StrPath, results: Sequence[SavedResult]) -> ChosenBaseline:
    name = baseline if isinstance(baseline, str) else str(as_path(baseline, "baseline"))
    if name == NO_BASELINE:
        raise ConfigError(
            "a comparison needs a baseline: give 'published' or a result, or leave the baseline out"
        )
    chosen = choose_baseline(name, common_benchmark(results), results[0].result.run.split)
    assert chosen is not None
    return chosen


def common_benchmark(results: Sequence[SavedResult]) -> BenchmarkRecord:
    """Return the datasets that all results have with the same fingerprint, as a benchmark.

    Raises
    ------
    ConfigError
        If there are none.
    """
    return _benchmark(results[0], _common_scope(results)[0])


def _common_scope(results: Sequence[SavedResult]) -> tuple[Scope, tuple[str, ...]]:
    """Return what all results were scored on, and a sentence for each dataset left out."""
    suites = {saved.result.run.benchmark.suite_name for saved in results}
    if len(suites) > 1:
        raise ConfigError(
            f"the results are of the suites {', '.join(sorted(suites))}, whose numbers mean different "
            "things: compare results of one suite"
        )
    splits = {saved.result.run.split for saved in results}
    if len(splits) > 1:
        raise ConfigError(f"the results are of splits {', '.join(sorted(splits))}: compare one split")
    prints = [
        {entry.dataset: entry.fingerprint for entry in saved.result.run.benchmark.datasets}
        for saved in results
    ]
    scopes = [saved.result.scope for saved in results]
    kept: dict[str, tuple[str, ...]] = {}
    notes = []
    for dataset in dict.fromkeys(name for scope in scopes for name in scope.datasets):
        held = {each.get(dataset) for each in prints}
        if None in held:
            notes.append(f"{dataset} is left out: not every result has it")
        elif len(held) > 1:
            notes.append(f"{dataset} is left out: the results are of different fingerprints of it")
        else:
            rows = [scope.corruptions[dataset] for scope in scopes]
            kept[dataset] = tuple(name for name in rows[0] if all(name in row for row in rows))
    severities = tuple(s for s in scopes[0].severities if all(s in scope.severities for scope in scopes))
    if not kept or not severities or not all(kept.values()):
        raise ConfigError(
            "the results share no dataset of equal fingerprint, corruption and severity "
            f"({'; '.join(notes) or 'other severities'}): evaluate the models on one benchmark"
        )
    return Scope(corruptions=kept, severities=severities, split=splits.pop()), tuple(notes)


def _common_baseline(
    results: Sequence[SavedResult], scope: Scope
) -> tuple[ChosenBaseline | None, tuple[str, ...]]:
    """Return the baseline shared by all results that have one, or a sentence why there is none."""
    records = [saved.result.baseline for saved in results if saved.result.baseline is not None]
    if not records:
        return None, ("no result has a baseline, so there is no mCE: name one",)
    if any(_grids(record, scope) != _grids(records[0], scope) for record in records):
        models = ", ".join(dict.fromkeys(f"{record.model} ({record.name})" for record in records))
        return None, (f"the results divide by different baselines ({models}), so there is no mCE: name one",)
    chosen = ChosenBaseline(records[0])
    for saved in results:  # the baseline itself is among them: pair its images
        if saved.name == records[0].name:
            paired = baseline_of(saved, _benchmark(saved, scope), scope.split)
            if all(paired.baseline.grids.get(d) == chosen.baseline.grids.get(d) for d in scope.datasets):
                chosen = paired
    return chosen, ()


def _grids(record: Baseline, scope: Scope) -> dict[str, object]:
    return {dataset: record.grids.get(dataset) for dataset in scope.datasets}


def _benchmark(saved: SavedResult, scope: Scope) -> BenchmarkRecord:
    record = saved.result.run.benchmark
    kept = tuple(entry for entry in record.datasets if entry.dataset in scope.datasets)
    return record.model_copy(update={"datasets": kept})


def _tables(saved: SavedResult, scope: Scope) -> dict[str, CorrectnessTable]:
    wanted = set(scope.cells())
    return correctness_of({key: cell for key, cell in saved.predictions.items() if key in wanted})


def _names(results: Sequence[SavedResult]) -> list[str]:
    """Return a name for each result: the model's, with its head; the folder where two have the same."""
    specs = [saved.result.run.who for saved in results]
    names = [
        spec if specs.count(spec) == 1 else f"{spec} ({saved.path})"
        for spec, saved in zip(specs, results, strict=True)
    ]
    if len(set(names)) != len(names):
        raise ConfigError("duplicate result: give each result once")
    return names


def _order(drawn: Mapping[str, Bootstrap]) -> tuple[str, list[str]]:
    """Return what ranks the models, and their names best first; those without the number come last."""
    mces = {name: _number(each, "mce") for name, each in drawn.items()}
    if all(value is not None for value in mces.values()):
        return "mce", sorted(drawn, key=lambda name: mces[name] or 0.0)
    accuracies = {name: _number(each, "average_accuracy") for name, each in drawn.items()}
    return "average_accuracy", sorted(
        drawn, key=lambda name: -1.0 if (value := accuracies[name]) is None else value, reverse=True
    )


def _number(drawn: Bootstrap, ranked_by: str) -> float | None:
    found: Number = getattr(drawn.point.overall, ranked_by)
    return found.value


def _ranks(
    name: str,
    ranked: Sequence[str],
    differences: Mapping[tuple[str, str], Scores[Difference]],
    ranked_by: str,
) -> tuple[int, int] | None:
    """Return the best and the worst rank of a model: ties with a model could go either way."""
    if name not in ranked:
        return None
    best, worst = 1, len(ranked)
    for pair, summary in differences.items():
        if name not in pair:
            continue
        found: Difference = getattr(summary.overall, ranked_by)
        if found.tie is False and found.value is not None:
            first_is_better = (found.value < 0) == (ranked_by == "mce")
            if first_is_better == (name == pair[0]):
                worst -= 1
            else:
                best += 1
    return best, worst


def _settings_that_differ(
    names: Sequence[str], results: Sequence[SavedResult], datasets: Sequence[str]
) -> list[str]:
    """Return a sentence for each setting in which the runs differ, and each result to be careful with."""
    asked = [saved.result.run.prompts for saved in results]
    parts = [prompts and prompts.restricted(datasets) for prompts in asked]
    settings: dict[str, list[str]] = {
        # By digest: two files of one name may ask other things.
        "prompts": [f"{part.name} ({part.digest[:12]})" if part else "none" for part in parts],
        "precision": [saved.result.run.precision for saved in results],
        "package version": [saved.result.run.package_version for saved in results],
    }
    notes = [
        f"{setting} differ: "
        + ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
        for setting, values in settings.items()
        if len(set(values)) > 1
    ]
    for name, saved in zip(names, results, strict=True):
        lacking = len(saved.result.missing) + len(saved.result.invalid)
        if lacking:
            notes.append(f"{name} is incomplete: {lacking} cells are missing or invalid")
    notes += [caution for saved in results if (caution := saved.result.run.model.caution)]
    return notes
