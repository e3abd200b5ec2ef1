"""Tables and sentences of what readers' answers say."""

from __future__ import annotations

from collections.abc import Iterator

from medimeta_c.format.display import display_name
from medimeta_c.io.markdown import plain
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table, number, printed
from medimeta_c.metrics.values import Estimate
from medimeta_c.readers.scores import ReaderScores
from medimeta_c.results.cells import interval_text, number_cell, percent

__all__ = ["all_tables", "markdown_report", "sentences"]

_ASKED = {"compare": "which is worse", "read": "can be read"}


def all_tables(scores: ReaderScores) -> tuple[Table, ...]:
    """Return every table: corruptions, agreement, readers."""
    return _severities(scores), _agreement(scores), _readers(scores)


def sentences(scores: ReaderScores) -> Iterator[str]:
    """Yield what was shown, what readers say without corruption, and why numbers are missing."""
    images = f"Images of {scores.benchmark}, fingerprint {scores.fingerprint[:12]}."
    if scores.phantoms:
        images += f" Generated images, not medical ones: {', '.join(scores.phantoms)}."
    yield images
    yield f"False alarms, images without corruption that cannot be read: {_share(scores.false_alarms)}."
    yield f"Left of two equal images is called worse: {_share(scores.left)}."
    for one in scores.corruptions:
        for what, found in (("just noticeable", one.noticeable), ("limit of reading", one.readable)):
            reason = found.reason or found.interval_reason
            if reason:
                kind = "undefined" if found.reason else "no interval"
                yield f"{display_name(one.corruption)}, {what}, {kind}: {reason}."
    for one_question in scores.agreement:
        for what, found in (("equal answers", one_question.equal), ("alpha", one_question.alpha)):
            if reason := found.reason or found.interval_reason:
                kind = "undefined" if found.reason else "no interval"
                yield f"Agreement, {_ASKED[one_question.question]}, {what}, {kind}: {reason}."


def markdown_report(scores: ReaderScores) -> str:
    """Return tables and sentences as Markdown; untrusted text is escaped."""
    parts = [f"### {table.name}\n\n{table.caption}\n\n{markdown(table)}\n" for table in all_tables(scores)]
    return "\n".join([*parts, *(f"- {plain(one)}" for one in sentences(scores))]) + "\n"


def _share(one: Estimate) -> str:
    if one.value is None:
        return f"undefined, {one.reason}"
    interval = interval_text(one)
    return f"{percent(one.value)} %" + (f" ({interval})" if interval else f" ({one.interval_reason})")


def _severities(scores: ReaderScores) -> Table:
    """Return the just-noticeable and the limit-of-reading severity of each corruption."""
    return Table(
        name="What a severity means to these readers",
        caption=f"Severities, with {100 * scores.resampling.level:g} % intervals.",
        columns=(
            Column("Corruption", "label"),
            Column("Just noticeable"),
            Column("Limit of reading"),
            Column("Comparisons"),
            Column("Readings"),
        ),
        rows=tuple(
            (
                Cell(display_name(one.corruption)),
                _severity(one.noticeable),
                _severity(one.readable),
                Cell(str(count := sum(point.answers for point in one.compared)), count),
                Cell(str(count := sum(point.answers for point in one.read)), count),
            )
            for one in scores.corruptions
        ),
    )


def _agreement(scores: ReaderScores) -> Table:
    """Return how far readers agree, by question, and what they say without corruption."""
    return Table(
        name="Agreement between readers",
        caption="Alpha is 1 for agreement and 0 for what chance gives.",
        columns=(
            Column("Question", "label"),
            Column("Trials"),
            Column("Equal answers, %"),
            Column("Krippendorff's alpha"),
        ),
        rows=tuple(
            (
                Cell(_ASKED[one.question]),
                Cell(str(one.trials), one.trials),
                number_cell(one.equal, show=True),
                _severity(one.alpha),
            )
            for one in scores.agreement
        ),
    )


def _readers(scores: ReaderScores) -> Table:
    """Return a row for each reader."""
    return Table(
        name="Readers",
        caption="Right: comparisons. Shrunk: answers to images that the screen showed with fewer pixels.",
        columns=(
            Column("Reader", "label"),
            Column("Answers"),
            Column("Right, %"),
            Column("False alarms, %"),
            Column("Seconds"),
            Column("Shrunk"),
        ),
        rows=tuple(
            (
                Cell(one.reader),
                Cell(str(one.answers), one.answers),
                Cell(percent(one.right.value), one.right.percent, note=one.right.reason or ""),
                Cell(
                    percent(one.false_alarms.value),
                    one.false_alarms.percent,
                    note=one.false_alarms.reason or "",
                ),
                number(one.seconds, 1),
                Cell(str(one.shrunk), one.shrunk),
            )
            for one in scores.readers
        ),
    )


def _severity(one: Estimate) -> Cell:
    """Return a number with two digits, its interval below it."""
    if one.value is None:
        return Cell(UNDEFINED, note=one.reason or "")
    interval = (
        "" if one.low is None or one.high is None else f"{printed(one.low, 2)} to {printed(one.high, 2)}"
    )
    return Cell(printed(one.value, 2), one.value, below=interval, note=one.interval_reason or "")
