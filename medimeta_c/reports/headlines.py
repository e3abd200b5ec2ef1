"""The numbers at the top of a report: what is lost and mCE together, accuracies, and the worst corruption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medimeta_c.format.display import display_name
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table, texts
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.assessment.loss import Assessment
from medimeta_c.results.cells import interval_text, percent
from medimeta_c.results.result import Result
from medimeta_c.results.words.views import word_text

__all__ = ["Headline", "headline_table", "headlines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One number at the top of a report.

    Parameters
    ----------
    label : str
        What it is.
    value : str
        The number with its unit, or a dash.
    note : str
        What it is measured against, or why it is missing.
    interval : str
        Its interval, empty where there is none.
    is_word : bool
        Whether it is a name rather than a number.
    """

    label: str
    value: str
    note: str
    interval: str = ""
    is_word: bool = False


def headlines(found: Assessment) -> tuple[Headline, ...]:
    """Return points lost, mCE, clean and average accuracy, and the worst corruption."""
    result = found.saved.result
    overall = result.scores.overall
    return (
        _headline("Lost to corruption", found.loss.overall.lost.points, _beside(found), unit=" points"),
        _mce(result),
        _headline("Clean accuracy", overall.clean_accuracy, _joined(_over(result), word_text(result))),
        _headline("Average accuracy", overall.average_accuracy, "over all corruptions and severities"),
        _worst(found),
    )


def headline_table(shown: Sequence[Headline]) -> Table:
    """Return the headlines one under the other."""
    return Table(
        columns=(Column("", "label"), Column(""), Column("Interval"), Column("", "text")),
        rows=tuple(
            (Cell(one.label, strong=True), *texts(one.value, one.interval, one.note)) for one in shown
        ),
    )


def _headline(label: str, estimate: Estimate, note: str, *, unit: str = " %") -> Headline:
    if estimate.value is None:
        return Headline(label=label, value=UNDEFINED, note=estimate.reason or "")
    value = f"{percent(estimate.value)}{unit}"
    return Headline(label=label, value=value, interval=interval_text(estimate), note=note)


def _beside(found: Assessment) -> str:
    """Return the difference to the baseline in points lost."""
    if found.rival is None:
        return "of clean accuracy"
    difference = found.rival.difference.overall.lost.points
    if difference.value is None:
        return f"of clean accuracy; against {found.rival.model}: {difference.reason}"
    paired = "paired" if found.rival.paired else "not paired"
    about = f"{interval_text(difference)}, {paired}" if interval_text(difference) else paired
    more = "more" if difference.value >= 0 else "less"
    return f"{percent(abs(difference.value))} {more} than {found.rival.model} ({about})"


def _mce(result: Result) -> Headline:
    mce, baseline = result.scores.overall.mce, result.baseline
    if baseline is None:
        return _headline("mCE", mce, "")
    if flaw := baseline.flaw(phantoms=bool(result.phantoms)):
        return Headline(label="mCE", value=UNDEFINED, note=flaw)
    note = "" if baseline.measured_on_these_shards else f", {baseline.note}"
    return _headline("mCE", mce, f"of the errors of {baseline.model}{note}")


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _over(result: Result) -> str:
    count = len(result.scope.corruptions)
    return (
        f"top-1, mean of {count} datasets"
        if count > 1
        else f"top-1 on {next(iter(result.scope.corruptions))}"
    )


def _worst(found: Assessment) -> Headline:
    """Return the corruption that costs the most accuracy, on the mean of the datasets that have it."""
    label, lists = "Worst corruption", found.saved.result.scope.corruptions
    lost = {name: one.points for name, one in found.loss.overall.corruptions.items()}
    known = {name: one.value for name, one in lost.items() if one.value is not None}
    if len(known) < len(lost):
        return Headline(label=label, value=UNDEFINED, note="not every cell is scored")
    name = max(known, key=lambda each: known[each])
    having = [dataset for dataset, names in lists.items() if name in names]
    where = "" if len(having) == len(lists) else f" on {', '.join(having)}"
    if known[name] >= 0:
        span = interval_text(lost[name])
        note = f"{percent(known[name])} points lost{where}{f' ({span})' if span else ''}"
    else:
        note = f"{percent(-known[name])} points gained{where}"
    return Headline(label=label, value=display_name(name), note=note, is_word=True)
