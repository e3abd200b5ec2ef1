"""Compare models on the images they share: paired differences, ranks, tests."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.io.settings import StrPath, several
from medimeta_c.metrics.intervals import bootstrap, difference, summary_estimates
from medimeta_c.metrics.loss import LossNumbers
from medimeta_c.metrics.measures.cell_values import accuracies
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.results.assessment.effective import effective_robustness_of
from medimeta_c.results.assessment.loss import chance_of
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.comparison.notes import forgotten_groups, settings_that_differ, unranked
from medimeta_c.results.comparison.ranking import rank
from medimeta_c.results.comparison.record import Compared, Comparison
from medimeta_c.results.comparison.shared import (
    common_baseline,
    common_scope,
    named_baseline,
    names_of,
    shared_groups,
    tables_of,
)
from medimeta_c.results.folder.saved import SavedResult, read_saved

__all__ = ["compare"]


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
    scope, skipped = common_scope(read)
    if baseline is not None and not isinstance(baseline, ChosenBaseline):
        baseline = named_baseline(baseline, read)
    chosen, note = (baseline, ()) if baseline is not None else common_baseline(read, scope)
    kinds = {entry.is_phantom for saved in read for entry in saved.result.run.benchmark.datasets}
    if chosen is not None and (flaw := chosen.baseline.flaw(phantoms=True in kinds)):
        chosen, note = None, (f"there is no mCE: {flaw}",)
    if chosen is not None:
        chosen.baseline.require(scope.datasets)
        skipped += tuple(
            f"{', '.join(names)} of {dataset} left out: the baseline has no figures for it"
            for dataset, names in chosen.baseline.lacks(scope).items()
        )
        scope = chosen.baseline.mce_scope(scope)
    divisor = {} if chosen is None else chosen.divisor
    by_name = dict(zip(names_of(read), read, strict=True))
    tables = {name: tables_of(saved, scope) for name, saved in by_name.items()}
    groups = shared_groups(benchmark, read, scope)
    listings = {dataset: table.image_ids for each in tables.values() for dataset, table in each.items()}
    plan = (plan or Resampling()).for_groups(groups, listings)
    drawn = {name: bootstrap(each, divisor, scope, plan, groups) for name, each in tables.items()}
    chance = dict.fromkeys(scope.datasets, 0.0)  # for one that no model has a cell of
    for saved in read:
        chance |= chance_of(saved.predictions)
    losses = {name: LossNumbers.of(accuracies(each, chance)) for name, each in drawn.items()}
    found = rank(drawn, [name for name, saved in by_name.items() if saved.result.standing])
    pairs = list(combinations(found.order, 2))
    effective = dict(zip(by_name, effective_robustness_of([one.result for one in read]), strict=True))
    return Comparison(
        models=tuple(
            Compared(
                name=name,
                result=by_name[name],
                numbers=summary_estimates(drawn[name]),
                loss=losses[name].estimates(),
                ranks=found.ranks.get(name),
                rank_intervals=found.intervals.get(name),
                borda=found.points.get(name),
                effective=effective[name].get(""),
            )
            for name in found.order
        ),
        ranked_by=found.ranked_by,
        differences={(a, b): difference(drawn[a], drawn[b]) for a, b in pairs},
        losses={(a, b): losses[a].minus(losses[b]) for a, b in pairs},
        tests=found.tests,
        plan=plan,
        scope=scope,
        baseline=None if chosen is None else f"{chosen.baseline.model}, {chosen.baseline.note}",
        notes=(
            *unranked(by_name),
            *skipped,
            *note,
            *forgotten_groups(read, plan, scope),
            *settings_that_differ(list(by_name), read, scope.datasets),
        ),
    )
