"""What the results of a comparison share: datasets, baseline, groups of images."""

from __future__ import annotations

from collections.abc import Sequence

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.metrics.baselines import Baseline
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.resampling import Groups
from medimeta_c.results.baseline_choice import NO_BASELINE, ChosenBaseline, baseline_of, choose_baseline
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import BenchmarkRecord
from medimeta_c.results.predictions import correctness_of
from medimeta_c.results.scoring import groups_of

__all__ = [
    "common_baseline",
    "common_benchmark",
    "common_scope",
    "named_baseline",
    "names_of",
    "shared_groups",
    "tables_of",
]


def named_baseline(baseline: StrPath, results: Sequence[SavedResult]) -> ChosenBaseline:
    """Return the baseline that is named, checked against what the results share."""
    name = baseline if isinstance(baseline, str) else str(as_path(baseline, "baseline"))
    if name == NO_BASELINE:
        raise ConfigError(
            "a comparison needs a baseline: give 'published' or a result, or leave the baseline out"
        )
    chosen = choose_baseline(name, common_benchmark(results), results[0].result.run.split)
    assert chosen is not None
    return chosen


def shared_groups(
    benchmark: Benchmark | StrPath | None, results: Sequence[SavedResult], scope: Scope
) -> Groups:
    """Return which images belong together; refuse a benchmark that is not the one that was scored."""
    if benchmark is None:
        return {}
    record = _benchmark(results[0], scope)
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
    return groups_of(opened, record.datasets, scope.split)


def common_benchmark(results: Sequence[SavedResult]) -> BenchmarkRecord:
    """Return the datasets that all results have with the same fingerprint, as a benchmark.

    Raises
    ------
    ConfigError
        If there are none.
    """
    return _benchmark(results[0], common_scope(results)[0])


def common_scope(results: Sequence[SavedResult]) -> tuple[Scope, tuple[str, ...]]:
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


def common_baseline(
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


def tables_of(saved: SavedResult, scope: Scope) -> dict[str, CorrectnessTable]:
    """Return which images of a scope are right, by dataset."""
    wanted = set(scope.cells())
    return correctness_of({key: cell for key, cell in saved.predictions.items() if key in wanted})


def names_of(results: Sequence[SavedResult]) -> list[str]:
    """Return a name for each result: the model's, with its head; the folder where two have the same."""
    specs = [saved.result.run.who for saved in results]
    names = [
        spec if specs.count(spec) == 1 else f"{spec} ({saved.path})"
        for spec, saved in zip(specs, results, strict=True)
    ]
    if len(set(names)) != len(names):
        raise ConfigError("duplicate result: give each result once")
    return names
