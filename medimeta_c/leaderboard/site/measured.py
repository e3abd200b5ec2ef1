"""Compute the entries of a board: every number comes from the submissions' predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN
from medimeta_c.leaderboard.site.content.assessed import assessments
from medimeta_c.leaderboard.site.content.runs import (
    command_of,
    facts_of,
    has_weights,
    input_size,
    view_of,
    warnings_of,
)
from medimeta_c.leaderboard.site.entries import CellShown, Entry, Picture, Training
from medimeta_c.leaderboard.site.grouping import Group, Submitted
from medimeta_c.leaderboard.site.pairs.bits import packed_result
from medimeta_c.leaderboard.submission import Submission, slug
from medimeta_c.metrics.corruption_error import FloatArray
from medimeta_c.metrics.intervals import bootstrap
from medimeta_c.metrics.registry import METRICS
from medimeta_c.metrics.summary import Scores
from medimeta_c.metrics.values import Estimate, mean_number
from medimeta_c.reports.changed import most_changed, thumbnails
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.cells import metric_text
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import correctness_of
from medimeta_c.results.scoring import Terms, score
from medimeta_c.results.words.views import word_text

__all__ = ["Measured", "entry_key", "entry_place", "measure"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """An entry without its rank, and the number on every resample that it is ranked by."""

    entry: Entry
    samples: Mapping[str, FloatArray]


def measure(  # noqa: PLR0913  (what numbers on a board depend on)
    one: Submitted,
    saved: SavedResult,
    group: Group,
    chosen: ChosenBaseline | None,
    benchmark: Benchmark | None,
    *,
    flaw: str | None = None,
) -> Measured:
    """Compute a submission's numbers on one board.

    Parameters
    ----------
    one : Submitted
        A member of the group.
    saved : SavedResult
        The same with its predictions.
    group : Group
        The board.
    chosen : ChosenBaseline or None
        What CE divides by.
    benchmark : Benchmark or None
        Where sample images are taken from, on datasets of the same fingerprint.
    flaw : str or None
        Why the board's baseline divides nothing; see `Group.flaw`.

    Returns
    -------
    Measured
        With samples ``"mce"`` and ``"average_accuracy"`` if it has all of the board's datasets.
    """
    datasets = group.part(one)
    scope = group.scope(datasets)
    wanted = set(scope.cells())
    predictions = {key: cell for key, cell in saved.predictions.items() if key in wanted}
    known = tuple(METRICS[name] for name in saved.result.metrics if name in METRICS)
    terms = Terms(scope=scope, baseline=chosen, metrics=known, groups=group.image_groups)
    terms = terms if flaw is None else replace(terms, undivided=flaw)
    terms = terms.over_groups(predictions)
    scores = score(predictions, group.benchmark(datasets), terms)
    whole = set(datasets) == set(group.datasets)
    samples: dict[str, FloatArray] = {}
    if whole:
        if chosen is not None:
            scope = chosen.baseline.mce_scope(scope)
        divisor = {} if chosen is None else chosen.divisor
        tables = correctness_of(predictions)
        drawn = bootstrap(tables, divisor, scope, terms.resampling, terms.groups).samples
        samples = {name: drawn["", name, ""] for name in ("mce", "average_accuracy")}
    entry = replace(
        _entry(one.submission, saved, group.name, scores),
        overall=scores.overall if whole else None,
        assessed=assessments(saved, predictions, terms, whole=whole),
        pictures=_pictures(saved, datasets, benchmark),
        marks=saved.result.standing,
        right=packed_result(saved, datasets, group.image_groups),
    )
    return Measured(entry=entry, samples=samples)


def entry_key(collection: str, organisation: str, name: str, fingerprint: str) -> str:
    """Return the key of an entry: of nothing but its own identity, so that it stays when others are added.

    Organisation and name are slugs; the collection is named with its version.
    """
    return f"{slug(collection)}--{entry_place(organisation, name, fingerprint)}"


def entry_place(organisation: str, name: str, fingerprint: str) -> str:
    """Return what an entry's keys on all collections end with."""
    # Two dashes, which no slug has: "a-b" of "c" is not "b-c" of "a".
    return "--".join([organisation, name, fingerprint[:8]])


def _entry(
    submission: Submission,
    saved: SavedResult,
    collection: str,
    scores: Scores[Estimate],
) -> Entry:
    training = submission.training_data
    result = saved.result
    run = result.run
    organisation, name = slug(submission.organisation), slug(submission.name)
    return Entry(
        key=entry_key(collection, organisation, name, run.benchmark.fingerprint),
        name=submission.name,
        organisation=submission.organisation,
        backbone=submission.backbone,
        source="unverified" if result.is_unverified else "measured",
        training=Training(
            kind=training.kind,
            description=training.description,
            overlap=training.overlap,
            statement=training.statement,
        ),
        adaptation=submission.adaptation,
        overall=None,
        datasets=scores.datasets,
        cells=_cells(scores),
        parameters=run.model.parameters,
        third_party=submission.submitted_by,
        code=submission.code,
        paper=submission.paper,
        model=submission.model,
        notes=submission.notes or "",
        facts={**facts_of(submission, result), **_other_metrics(scores)},
        warnings=warnings_of(submission, result),
        words=word_text(result),
        view=view_of(submission, result),
        date=submission.date,
        input_size=input_size(run),
        weights=has_weights(submission, run),
        command=command_of(result),
    )


def _cells(scores: Scores[Estimate]) -> dict[str, dict[str, dict[int, CellShown]]]:
    found: dict[str, dict[str, dict[int, CellShown]]] = {}
    for cell in scores.cells:
        row = found.setdefault(cell.dataset, {}).setdefault(cell.corruption, {})
        if cell.top1.value is not None:
            row[cell.severity] = CellShown(
                top1=cell.top1.value, low=cell.top1.low, high=cell.top1.high, images=cell.n
            )
    return found


def _other_metrics(scores: Scores[Estimate]) -> dict[str, str]:
    """Return the metrics of other distributions: the mean over clean cells, and over corrupted ones."""
    found = {}
    for name in dict.fromkeys(name for cell in scores.cells for name in cell.metrics):
        metric, parts = METRICS[name], []
        for what, clean in (("clean", True), ("corrupted", False)):
            cells = [cell for cell in scores.cells if (cell.corruption == CLEAN) == clean]
            mean = mean_number({str(cell.key): cell.metrics[name] for cell in cells})
            parts.append(f"{what} {metric_text(name, mean)}")
        better = "lower" if metric.lower_is_better else "higher"
        found[metric.label] = f"{', '.join(parts)}; {better} is better"
    return found


def _pictures(
    saved: SavedResult, datasets: tuple[str, ...], benchmark: Benchmark | None
) -> tuple[Picture, ...]:
    """Return, of each dataset the benchmark has, the images that corruption changed most."""
    if benchmark is None:
        return ()
    found = []
    for name in datasets:
        entry = saved.result.run.benchmark.dataset(name)
        if name not in benchmark.datasets or benchmark.dataset(name).fingerprint != entry.fingerprint:
            continue
        changes = most_changed(saved, name)
        pairs = ((key, one.image_id) for one in changes for key in (one.clean, one.corrupted))
        images = thumbnails(benchmark, pairs)
        found += [
            Picture(
                dataset=name,
                credit=f"{entry.title}, {benchmark.dataset(name).license}",
                clean=images[one.clean, one.image_id],
                corrupted=images[one.corrupted, one.image_id],
                condition=f"{display_name(one.corrupted.corruption)}, severity {one.corrupted.severity}",
                truth=entry.class_names[one.label],
                prediction=entry.class_names[one.prediction],
                before=one.before,
                after=one.after,
                image_id=one.image_id,
            )
            for one in changes
        ]
    return tuple(found)
