"""Tables of a report, as text: the paper's Tables 2 and 3 for one model, and further scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.suites import DIGITAL
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table, texts
from medimeta_c.metrics.registry import BUILT_IN, METRICS
from medimeta_c.metrics.summary import CellScore, Summary
from medimeta_c.metrics.values import Estimate, Number, mean_number
from medimeta_c.results.cells import interval_text, metric_cell, number_cell, percent
from medimeta_c.results.paraphrases.record import PromptsSweep
from medimeta_c.results.paraphrases.views import prompts_tables
from medimeta_c.results.result import Result
from medimeta_c.results.words.views import confidence_table, word_numbers

__all__ = [
    "ALL",
    "MOST_LOST",
    "faults_table",
    "further_tables",
    "lost_table",
    "main_tables",
    "other_scores_table",
    "severity_table",
]

ALL = "All datasets"

MOST_LOST = 0.5
"""Of clean accuracy, where the shade of `lost_table` is strongest: one scale for every report."""


def main_tables(result: Result) -> list[Table]:
    """Return the paper's two tables for this model; that of errors only where there is a baseline.

    Table 2: clean error, CE by corruption and mCE. Table 3: top-1 accuracy, clean and by corruption.
    """
    accuracies = _by_dataset(
        result,
        "Accuracy",
        "Top-1 accuracy in percent; under a corruption, the mean over severities "
        f"{_range(result.scope.severities)}. Average is the mean over corruptions.",
        lambda one: {
            "Clean": one.clean_accuracy,
            **_common(one.accuracy, result),
            "Average": one.average_accuracy,
        },
        shown=("Clean", "Average"),
    )
    faults = [] if result.run.benchmark.suite is None else [faults_table(result)]
    baseline = result.meaningful_baseline
    if baseline is None:
        return [accuracies, *faults]
    errors = _by_dataset(
        result,
        "Errors against the baseline",
        f"Errors in percent of those that {baseline.model} makes: 100 is as many, lower is better.",
        lambda one: {"Clean": one.clean_error, **_common(one.ce, result), "mCE": one.mce},
        shown=("mCE",),
    )
    return [errors, accuracies, *faults]


def faults_table(result: Result) -> Table:
    """Return a row a corruption, over the datasets that have it, and one each of the two kinds of faults.

    For suites in which datasets differ in their corruptions. Physical are all but `DIGITAL`. Of a kind, the
    mean over a dataset's own corruptions of that kind comes first, then the mean over datasets.
    """
    lists, scores = result.scope.corruptions, result.scores.datasets
    suite = result.run.benchmark.suite
    names = dict.fromkeys(name for names in lists.values() for name in names)

    def row(label: str, chosen: Mapping[str, Sequence[str]], *, strong: bool = False) -> tuple[Cell, ...]:
        def over(numbers: Callable[[Summary[Estimate]], Mapping[str, Number]]) -> Cell:
            means = {
                dataset: mean_number({name: numbers(scores[dataset])[name] for name in own})
                for dataset, own in chosen.items()
            }
            return number_cell(mean_number(means))

        errors = [] if result.meaningful_baseline is None else [over(lambda one: one.ce)]
        return Cell(label, strong=strong), Cell(str(len(chosen))), over(lambda one: one.accuracy), *errors

    kinds = {"Physical faults": set(names) - {*DIGITAL}, "Digital faults": set(names) & {*DIGITAL}}
    parts = {
        label: {dataset: found for dataset, own in lists.items() if (found := [n for n in own if n in kind])}
        for label, kind in kinds.items()
    }
    columns = ("Datasets", "Accuracy", *(() if result.meaningful_baseline is None else ("CE",)))
    return Table(
        name=f"Faults of the suite {'core' if suite is None else suite.name}",
        caption="In percent, over the datasets that have the fault; their number is in the first column. Of "
        "physical and of digital faults, the mean over each dataset's own, then over datasets.",
        columns=(Column("", "label"), *map(Column, columns)),
        rows=(
            *(
                row(display_name(name), {dataset: [name] for dataset, own in lists.items() if name in own})
                for name in names
            ),
            *(row(label, chosen, strong=True) for label, chosen in parts.items() if chosen),
        ),
    )


def further_tables(result: Result, sweep: PromptsSweep | None = None) -> list[Table]:
    """Return what else the cells say: the loss of accuracy against the baseline's, and other scores."""
    others = [other_scores_table(result), *([confidence_table(result)] if result.stated else [])]
    others += [] if sweep is None else prompts_tables(sweep, result)
    if result.meaningful_baseline is None:
        return others
    relative = _by_dataset(
        result,
        "Relative corruption error",
        "Accuracy lost against clean images, in percent of what the baseline loses.",
        lambda one: {**_common(one.relative_ce, result), "Mean": one.relative_mce},
        shown=("Mean",),
    )
    return [relative, *others]


def lost_table(result: Result, dataset: str) -> Table:
    """Return the points of accuracy that every cell of one dataset loses, shaded up to `MOST_LOST`."""
    scope = result.scope
    clean = result.cell(SetKey(dataset, scope.split, CLEAN, 0))

    def cell(corruption: str, severity: int) -> Cell:
        found = result.cell(SetKey(dataset, scope.split, corruption, severity))
        if found is None or clean is None:
            return Cell(UNDEFINED, note="not scored")
        if found.top1.value is None or clean.top1.value is None:
            return Cell(UNDEFINED, note=found.top1.reason or clean.top1.reason or "")
        lost = clean.top1.value - found.top1.value
        span = interval_text(found.top1)
        note = f"accuracy {percent(found.top1.value)} %{f' ({span})' if span else ''}"
        shown = percent(round(lost, 2) + 0.0, 0)  # never -0
        return Cell(shown, 100 * lost, note=note, shade=max(0.0, lost / MOST_LOST))

    return Table(
        name=dataset,
        caption=f"{UNDEFINED if clean is None else percent(clean.top1.value)} % of clean images are right",
        columns=(Column("", "label"), *(Column(str(severity)) for severity in scope.severities)),
        rows=tuple(
            (Cell(display_name(name)), *(cell(name, severity) for severity in scope.severities))
            for name in scope.corruptions[dataset]
        ),
    )


def severity_table(result: Result, dataset: str) -> Table:
    """Return the accuracy of every cell of one dataset."""
    scope = result.scope

    def cell(corruption: str, severity: int) -> Cell:
        found = result.cell(SetKey(dataset, scope.split, corruption, severity))
        if found is None:
            return Cell(UNDEFINED, note="not scored")
        return replace(number_cell(found.top1), shade=found.top1.value)

    return Table(
        name=dataset,
        caption=f"Top-1 accuracy in percent by severity; {cell(CLEAN, 0).text} on clean images."
        + "".join(f" {label}: {number_cell(one).text}." for label, one in _words(result, dataset).items()),
        columns=(Column("", "label"), *(Column(f"Severity {severity}") for severity in scope.severities)),
        rows=tuple(
            (Cell(display_name(name)), *(cell(name, severity) for severity in scope.severities))
            for name in scope.corruptions[dataset]
        ),
    )


def other_scores_table(result: Result) -> Table:
    """Return balanced accuracy, AUROC and calibration, on clean images and as the mean under corruption."""
    # Top-1 accuracy has tables of its own.
    names = [name for name in result.metrics if name != "top1"]
    rows = []
    for entry in map(result.run.benchmark.dataset, result.scope.corruptions):
        keys = [key for key in result.scope.cells() if key.dataset == entry.dataset]
        clean = {key: result.cell(key) for key in keys if key.corruption == CLEAN}
        corrupted = {key: result.cell(key) for key in keys if key.corruption != CLEAN}
        rows.append(
            (
                *texts(entry.dataset, str(entry.images), str(len(entry.class_names))),
                *map(number_cell, _words(result, entry.dataset).values()),
                *(_mean_cell(part, name) for name in names for part in (clean, corrupted)),
            )
        )
    parts = (f"{_label(name)}, {part}" for name in names for part in ("clean", "corrupted"))
    columns = ("Images", "Classes", *_words(result, ALL), *parts)
    return Table(
        name="Other scores",
        caption="In percent, on clean images and as the mean over all corrupted cells. Balanced accuracy is "
        "the mean recall of the classes; ECE is the expected calibration error, lower is better."
        + "".join(_about(name) for name in names if name not in BUILT_IN),
        columns=(Column("", "label"), *map(Column, columns)),
        rows=tuple(rows),
    )


def _by_dataset(
    result: Result,
    name: str,
    caption: str,
    numbers: Callable[[Summary[Estimate]], Mapping[str, Number]],
    *,
    shown: Sequence[str],
) -> Table:
    """Return a row a dataset and one of all, the last column strong; intervals in columns `shown`."""
    summaries = {dataset: result.scores.datasets[dataset] for dataset in result.scope.corruptions}
    if len(summaries) > 1:
        summaries[ALL] = result.scores.overall
    rows = {
        dataset: {**_words(result, dataset), **numbers(summary)} for dataset, summary in summaries.items()
    }
    *others, last = next(iter(rows.values()))
    return Table(
        name=name,
        caption=caption,
        columns=(Column("", "label"), *map(Column, others), Column(last, strong=True)),
        rows=tuple(
            (
                Cell(dataset, strong=dataset == ALL),
                *(number_cell(one, show=header in shown) for header, one in row.items()),
            )
            for dataset, row in rows.items()
        ),
    )


def _words(result: Result, dataset: str) -> dict[str, Number]:
    """Return what stands beside every number of a model that answers in words."""
    if not result.is_in_words:
        return {}
    return word_numbers(result, result.scope.datasets if dataset == ALL else [dataset])


def _label(name: str) -> str:
    """Return a metric's name for people; one that is not installed has its own name only."""
    metric = METRICS.get(name)
    return name if metric is None else metric.label


def _about(name: str) -> str:
    """Return what the caption says of a metric that it does not explain."""
    metric = METRICS.get(name)
    if metric is None:
        return f" {name} is not in percent."
    unit = f"in {metric.unit}, " if metric.unit else ""
    exception = "" if metric.in_percent else f" {metric.label} is {unit}not in percent."
    return exception + (f" {metric.label}: lower is better." if metric.lower_is_better else "")


def _common(numbers: Mapping[str, Number], result: Result) -> dict[str, Number]:
    """Return numbers of the corruptions that all datasets have, by the name that a table shows."""
    first, *others = result.scope.corruptions.values()
    return {display_name(name): numbers[name] for name in first if all(name in other for other in others)}


def _mean_cell(cells: Mapping[SetKey, CellScore | None], name: str) -> Cell:
    nothing = Number.undefined("not scored")
    mean = mean_number(
        {str(key): nothing if cell is None else cell.scores[name] for key, cell in cells.items()}
    )
    return metric_cell(name, mean)


def _range(severities: Sequence[int]) -> str:
    """Return severities as people write them."""
    first, last = severities[0], severities[-1]
    whole = len(severities) > 2 and last - first == len(severities) - 1
    return f"{first} to {last}" if whole else ", ".join(map(str, severities))
