"""A sweep over prompts as tables and one sentence."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from medimeta_c.errors import ResultError
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table, number
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.metrics.variance import VarianceSplit
from medimeta_c.results.cells import number_cell, percent
from medimeta_c.results.paraphrases.record import PromptsSweep, Spread, read_prompts_sweep
from medimeta_c.results.paraphrases.seeds import SeedSplit
from medimeta_c.results.result import Result

__all__ = ["LABELS", "prompts_sentence", "prompts_tables", "readable_sweep", "seeds_table"]

ALL = "All datasets"
LABELS = {
    "clean_accuracy": "Clean accuracy",
    "average_accuracy": "Accuracy under corruption",
    "points_lost": "Points lost",
    "mce": "mCE",
}
_SOURCES = {
    "images": "Images",
    "prompts": "Prompts",
    "seeds": "Seeds",
    "seeds_by_prompts": "Seeds by prompts",
}

T = TypeVar("T")
_logger = logging.getLogger(__name__)


def readable_sweep(folder: Path, result: Result) -> PromptsSweep | None:
    """Return the sweep beside a result, for a report of it; one that cannot be shown is named in the log."""
    try:
        return read_prompts_sweep(folder, result)
    except ResultError as error:
        _logger.warning("the report leaves out the sweep over prompts: %s", error)
        return None


def prompts_sentence(sweep: PromptsSweep, result: Result) -> str:
    """Return in one sentence what wording the prompts differently changes."""
    accuracy, lost = (sweep.overall.spreads[name] for name in ("average_accuracy", "points_lost"))
    count = min(len(one.paraphrases) for one in sweep.datasets.values())
    if accuracy.median.value is None or lost.median.value is None:
        reason = accuracy.median.reason or lost.median.reason
        return f"Over {count} wordings of the prompts, a number is undefined: {reason}."
    over = "" if len(sweep.datasets) == 1 else ", chosen for each dataset by itself,"
    marks = "".join(f" This is {mark.phrase}." for mark in result.standing)
    return (
        f"Over {count} wordings of the prompts{over} accuracy under corruption is "
        f"{percent(accuracy.low.value)} to {percent(accuracy.high.value)} % (median "
        f"{percent(accuracy.median.value)} %), and {percent(lost.low.value)} to {percent(lost.high.value)} "
        f"points are lost to corruption (median {percent(lost.median.value)}).{marks}"
    )


def prompts_tables(sweep: PromptsSweep, result: Result) -> list[Table]:
    """Return the spread of each number over paraphrases, and the split of its variance."""
    return [_spreads(sweep, result), *_variances(sweep)]


def _spreads(sweep: PromptsSweep, result: Result) -> Table:
    rows = []
    parts = _with_all({name: one.spreads for name, one in sweep.datasets.items()}, sweep.overall.spreads)
    for dataset, spreads in parts.items():
        same = dataset != ALL or set(sweep.datasets) == set(result.scores.datasets)
        summary = result.scores.overall if dataset == ALL else result.scores.datasets[dataset]
        for name, spread in spreads.items():
            if name == "mce" and result.meaningful_baseline is None:
                continue
            chosen = (
                _chosen(summary, name) if same else Number.undefined("the result has other datasets, too")
            )
            rows.append(
                (
                    Cell(dataset, strong=dataset == ALL),
                    Cell(LABELS[name]),
                    *map(number_cell, (chosen, spread.median)),
                    Cell(_range(spread), note=spread.low.reason or ""),
                    number_cell(spread.worst),
                    Cell(_worst_text(sweep, dataset, spread)),
                )
            )
    return Table(
        name="Wording of the prompts",
        caption=f"In percent, over the paraphrases of the set {sweep.prompts} (revision {sweep.revision}): "
        f"{_counts(sweep)} a dataset. Points lost are clean accuracy minus accuracy under corruption. Over "
        "all datasets these are means of the datasets' numbers: worst is each one's worst wording.",
        columns=(
            Column("", "label"),
            Column("Number", "label"),
            *map(Column, ("This run", "Median", "Range", "Worst")),
            Column("Worst wording", "text"),
        ),
        rows=tuple(rows),
        grouped=1,
    )


def _variances(sweep: PromptsSweep) -> list[Table]:
    splits = _with_all({name: one.variance for name, one in sweep.datasets.items()}, sweep.overall.variance)
    if not any(splits.values()):
        return []
    return [
        _variance_table(
            "Variance by images and prompts",
            "How much a number varies with the images drawn and with the wording of the prompts: standard "
            "deviations in points, and shares of the variance in brackets.",
            splits,
        )
    ]


def seeds_table(split: SeedSplit) -> Table:
    """Return the variance of adapters of several seeds, by images, prompts and seeds."""
    seeds = ", ".join(map(str, sorted(split.seeds.values())))
    return _variance_table(
        "Variance by images, prompts and seeds",
        f"Adapters of one recipe with the seeds {seeds}: standard deviations in points, and shares of the "
        "variance in brackets. Seeds by prompts are wordings that suit one seed and not another.",
        _with_all(split.datasets, split.overall),
    )


def _variance_table(name: str, caption: str, splits: Mapping[str, Mapping[str, VarianceSplit]]) -> Table:
    every = [split for numbers in splits.values() for split in numbers.values()]
    sources = list(dict.fromkeys(source for split in every for source in split.components))
    return Table(
        name=name,
        caption=caption,
        columns=(
            Column("", "label"),
            Column("Number", "label"),
            *(Column(_SOURCES[each]) for each in sources),
        ),
        rows=tuple(
            (
                Cell(dataset, strong=dataset == ALL),
                Cell(LABELS[number_name]),
                *(_part(split, each) for each in sources),
            )
            for dataset, numbers in splits.items()
            for number_name, split in numbers.items()
        ),
        grouped=1,
    )


def _part(split: VarianceSplit, source: str) -> Cell:
    deviation, shares = 100 * split.deviations[source], split.shares
    cell = number(deviation, 2)
    share = UNDEFINED if shares is None else f"{percent(shares[source], 0)} %"
    return Cell(cell.text, cell.value, below=share)


def _with_all(parts: Mapping[str, Mapping[str, T]], overall: Mapping[str, T]) -> dict[str, Mapping[str, T]]:
    """Return parts by dataset and, of several datasets, those over all."""
    return {**parts, ALL: overall} if len(parts) > 1 else dict(parts)


def _chosen(summary: Summary[Estimate], name: str) -> Number:
    """Return a number of the run's own prompts."""
    if name != "points_lost":
        found: Estimate = getattr(summary, name)
        return Number(value=found.value, reason=found.reason)
    clean, average = summary.clean_accuracy, summary.average_accuracy
    if clean.value is None or average.value is None:
        return Number.undefined(str(clean.reason or average.reason))
    return Number(value=clean.value - average.value)


def _range(spread: Spread) -> str:
    if spread.low.value is None:
        return UNDEFINED
    return f"{percent(spread.low.value)} to {percent(spread.high.value)}"


def _worst_text(sweep: PromptsSweep, dataset: str, spread: Spread) -> str:
    """Return the worst wording, as the first class is asked with it."""
    if spread.worst_paraphrase is None:
        return ""
    texts = sweep.datasets[dataset].paraphrases[spread.worst_paraphrase].texts
    return next(iter(texts.values()))


def _counts(sweep: PromptsSweep) -> str:
    counts = sorted({len(one.paraphrases) for one in sweep.datasets.values()})
    return " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
