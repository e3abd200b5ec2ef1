"""The tables of a report, as text: the paper's Tables 2 and 3 for one model, and what else its cells say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medimeta_c.format.display import display_name
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.baselines import Baseline
from medimeta_c.metrics.registry import BUILT_IN, METRICS
from medimeta_c.metrics.summary import CellScore, Summary
from medimeta_c.metrics.values import Estimate, Number, mean_number
from medimeta_c.results.result import Result

__all__ = [
    "Cell",
    "Table",
    "further_tables",
    "interval_text",
    "main_tables",
    "metric_label",
    "other_scores_table",
    "percent",
    "severity_table",
]

UNDEFINED = "\N{EN DASH}"
ALL = "All datasets"
_MOST_REASONS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One number of a table.

    Parameters
    ----------
    text : str
        The number, in percent, or a dash.
    below : str
        Its interval, where the table shows it.
    note : str
        What to say on demand: the interval, or why there is no number.
    weight : float or None
        0 to 1 for tables that shade their cells.
    """

    text: str
    below: str = ""
    note: str = ""
    weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a named row a line; all cells are numbers.

    Parameters
    ----------
    title, caption : str
        What it shows, and how to read it.
    columns : tuple of str
        Headings, without the first column's.
    rows : mapping of str to tuple of Cell
        By row name.
    strong : tuple of str
        Columns and rows that carry the message.
    """

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Cell, ...]]
    strong: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why numbers are missing, each reason once; those that only point at another are left out."""
        cells = (cell for row in self.rows.values() for cell in row)
        found = list(dict.fromkeys(cell.note for cell in cells if cell.text == UNDEFINED and cell.note))
        direct = [reason for reason in found if not reason.startswith("undefined for")] or found
        more = len(direct) - _MOST_REASONS
        return (*direct[:_MOST_REASONS], *([f"and {more} more reasons of this kind"] if more > 0 else []))


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction in percent without the sign, or a dash."""
    return UNDEFINED if value is None else f"{100 * value:.{digits}f}"


def interval_text(estimate: Estimate, digits: int = 1) -> str:
    """Return an interval in percent, empty where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{percent(estimate.low, digits)} to {percent(estimate.high, digits)}"


def main_tables(result: Result) -> list[Table]:
    """Return the paper's two tables; that of errors only where there is a baseline to divide by."""
    accuracies = _accuracy_table(result)
    return [accuracies] if result.baseline is None else [_error_table(result, result.baseline), accuracies]


def further_tables(result: Result) -> list[Table]:
    """Return what else the cells say, below the main tables."""
    others = other_scores_table(result)
    return [others] if result.baseline is None else [_relative_table(result), others]


def _error_table(result: Result, baseline: Baseline) -> Table:
    """Return the paper's Table 2 for this model: clean error, CE by corruption and mCE."""
    corruptions = _common_corruptions(result)

    def row(summary: Summary[Estimate]) -> tuple[Cell, ...]:
        return (
            _cell(summary.clean_error),
            *(_cell(summary.ce[name]) for name in corruptions),
            _cell(summary.mce, show=True),
        )

    return Table(
        title="Errors against the baseline",
        caption=f"Errors in percent of those that {baseline.model} makes: 100 is as many, lower is better.",
        columns=("Clean", *map(display_name, corruptions), "mCE"),
        rows={name: row(summary) for name, summary in _summaries(result)},
        strong=("mCE", ALL),
    )


def _accuracy_table(result: Result) -> Table:
    """Return the paper's Table 3 for this model: top-1 accuracy, clean and by corruption."""
    corruptions = _common_corruptions(result)

    def row(summary: Summary[Estimate]) -> tuple[Cell, ...]:
        numbers = [summary.accuracy[name] for name in corruptions]
        return (
            _cell(summary.clean_accuracy, show=True),
            *(_cell(number) for number in numbers),
            _cell(summary.average_accuracy, show=True),
        )

    return Table(
        title="Accuracy",
        caption="Top-1 accuracy in percent; under a corruption, the mean over severities "
        f"{_range(result.scope.severities)}. Average is the mean over corruptions.",
        columns=("Clean", *map(display_name, corruptions), "Average"),
        rows={name: row(summary) for name, summary in _summaries(result)},
        strong=("Average", ALL),
    )


def _relative_table(result: Result) -> Table:
    """Return the loss of accuracy under each corruption, divided by the baseline's loss."""
    corruptions = _common_corruptions(result)
    return Table(
        title="Relative corruption error",
        caption="Accuracy lost against clean images, in percent of what the baseline loses.",
        columns=(*map(display_name, corruptions), "Mean"),
        rows={
            name: (
                *(_cell(summary.relative_ce[c]) for c in corruptions),
                _cell(summary.relative_mce, show=True),
            )
            for name, summary in _summaries(result)
        },
        strong=("Mean", ALL),
    )


def severity_table(result: Result, dataset: str) -> Table:
    """Return the accuracy of every cell of one dataset."""
    severities = result.scope.severities
    rows = {
        display_name(corruption): tuple(
            _accuracy_cell(result.cell(SetKey(dataset, result.scope.split, corruption, severity)))
            for severity in severities
        )
        for corruption in result.scope.corruptions[dataset]
    }
    clean = _accuracy_cell(result.cell(SetKey(dataset, result.scope.split, CLEAN, 0)))
    return Table(
        title=dataset,
        caption=f"Top-1 accuracy in percent by severity; {clean.text} on clean images.",
        columns=tuple(f"Severity {severity}" for severity in severities),
        rows=rows,
    )


def other_scores_table(result: Result) -> Table:
    """Return balanced accuracy, AUROC and calibration, on clean images and as the mean under corruption."""
    # Top-1 accuracy has tables of its own.
    kinds = {metric_label(name): name for name in result.metrics if name != "top1"}
    rows = {}
    for entry in map(result.run.benchmark.dataset, result.scope.corruptions):
        keys = [key for key in result.scope.cells() if key.dataset == entry.dataset]
        clean = {key: result.cell(key) for key in keys if key.corruption == CLEAN}
        corrupted = {key: result.cell(key) for key in keys if key.corruption != CLEAN}
        rows[entry.dataset] = (
            Cell(text=str(entry.images)),
            Cell(text=str(len(entry.class_names))),
            *(_mean_cell(part, name) for name in kinds.values() for part in (clean, corrupted)),
        )
    return Table(
        title="Other scores",
        caption="In percent, on clean images and as the mean over all corrupted cells. Balanced accuracy is "
        "the mean recall of the classes; ECE is the expected calibration error, lower is better."
        + "".join(f" {label}: lower is better." for label, name in kinds.items() if _falls(name)),
        columns=(
            "Images",
            "Classes",
            *(f"{name}, {part}" for name in kinds for part in ("clean", "corrupted")),
        ),
        rows=rows,
    )


def metric_label(name: str) -> str:
    """Return a metric's name for people; one that is not installed has its own name only."""
    metric = METRICS.get(name)
    return name if metric is None else metric.label


def _falls(name: str) -> bool:
    """Return whether a metric that the caption does not explain is better when it is lower."""
    metric = METRICS.get(name)
    return metric is not None and metric.lower_is_better and name not in BUILT_IN


def _summaries(result: Result) -> list[tuple[str, Summary[Estimate]]]:
    own = [(name, result.scores.datasets[name]) for name in result.scope.corruptions]
    return own if len(own) == 1 else [*own, (ALL, result.scores.overall)]


def _common_corruptions(result: Result) -> tuple[str, ...]:
    first, *others = result.scope.corruptions.values()
    return tuple(name for name in first if all(name in other for other in others))


def _cell(number: Number, *, show: bool = False) -> Cell:
    """Return a number's cell, its interval beneath it or on demand."""
    if number.value is None:
        return Cell(text=UNDEFINED, note=number.reason or "")
    text = interval_text(number) if isinstance(number, Estimate) else ""
    reason = "" if text or not isinstance(number, Estimate) else number.interval_reason or ""
    return Cell(
        text=percent(number.value), below=text if show else "", note=f"interval {text}" if text else reason
    )


def _accuracy_cell(cell: CellScore | None) -> Cell:
    if cell is None:
        return Cell(text=UNDEFINED, note="not scored")
    drawn = _cell(cell.top1)
    return Cell(text=drawn.text, note=drawn.note, weight=cell.top1.value)


def _mean_cell(cells: Mapping[SetKey, CellScore | None], name: str) -> Cell:
    nothing = Number.undefined("not scored")
    return _cell(
        mean_number({str(key): nothing if cell is None else cell.scores[name] for key, cell in cells.items()})
    )


def _range(severities: Sequence[int]) -> str:
    """Return severities as people write them."""
    first, last = severities[0], severities[-1]
    whole = len(severities) > 2 and last - first == len(severities) - 1
    return f"{first} to {last}" if whole else ", ".join(map(str, severities))
