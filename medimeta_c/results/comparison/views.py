"""Comparisons as tables, and their rank intervals as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from medimeta_c.io.tables.rankplot import RankRow, rank_plot
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table, number, printed, texts
from medimeta_c.metrics.effective import EffectiveRobustness
from medimeta_c.metrics.loss import Loss
from medimeta_c.metrics.ranks.nested import LEVELS
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Difference, Number
from medimeta_c.results.cells import ZERO_WIDTH, number_cell, rank_text
from medimeta_c.results.views import MEASURES, measures_of
from medimeta_c.results.words.views import word_numbers

if TYPE_CHECKING:
    from medimeta_c.results.comparison.record import Compared, Comparison

__all__ = ["comparison_figure", "comparison_notes", "comparison_tables"]

_LOST = {"Points lost": "points", "Share kept": "share_kept"}
_SMALLEST_P = 0.001


def comparison_tables(comparison: Comparison) -> tuple[Table, ...]:
    """Return the tables of a comparison, models best first.

    Two tables show each model: errors under corruption beside loss to corruption, then the other accuracies.
    Two show the paired difference of each pair in the same numbers; ties are marked. Where several models are
    ranked, one shows rank intervals and points, and one the tests; where there are enough for a line, one
    shows effective robustness.
    """
    ranked_by = next(name for name, measure in MEASURES.items() if measure == comparison.ranked_by)
    others = [name for name in measures_of(comparison.baseline is not None) if name != ranked_by]
    several = len(comparison.ranked) > 1
    return (
        _answers(comparison, ranked_by),
        _accuracies(comparison, others),
        _pairs(comparison, f"Differences in {ranked_by} and loss, in points, paired", (ranked_by, *_LOST)),
        _pairs(comparison, "Differences in accuracy, in points, paired", tuple(others)),
        *([_ranks(comparison)] if several else []),
        *([_tests(comparison, ranked_by)] if comparison.tests else []),
        *([_effective(comparison)] if any(map(_distance, comparison.models)) else []),
    )


def comparison_notes(comparison: Comparison) -> tuple[str, ...]:
    """Return what stands below the tables: the baseline, what intervals assume, why numbers are missing."""
    divided = [] if comparison.baseline is None else [f"CE divides by {comparison.baseline}."]
    tables = comparison_tables(comparison)[:2]
    reasons = dict.fromkeys(reason for table in tables for reason in table.reasons)
    return (*divided, comparison.assumption, *(f"{UNDEFINED}: {reason}." for reason in reasons))


def comparison_figure(comparison: Comparison) -> Markup:
    """Return the rank intervals drawn as SVG; empty where fewer than two models are ranked."""
    rows = [
        RankRow(name=model.name, intervals=tuple(getattr(model.rank_intervals, each) for each in LEVELS))
        for model in comparison.ranked
        if model.rank_intervals is not None
    ]
    return rank_plot(rows, levels=_levels(comparison), count=len(rows)) if len(rows) > 1 else Markup("")


def _levels(comparison: Comparison) -> tuple[str, ...]:
    """Return what is resampled at each level, in words."""
    units = "groups of images" if comparison.plan.grouped else "images"
    return (units, "and datasets", "and corruptions")


def _cell(model: Compared, header: str) -> Cell:
    """Return the cell of a number of a model over all datasets."""
    summary, lost = model.numbers.overall, model.loss.overall.lost
    found: Number = getattr(lost, _LOST[header]) if header in _LOST else getattr(summary, MEASURES[header])
    return number_cell(found, show=True)


def _answers(comparison: Comparison, ranked_by: str) -> Table:
    headers = (ranked_by, *_LOST)
    marked = any(model.marks for model in comparison.models)
    return Table(
        name=f"On {', '.join(comparison.scope.datasets)}, best first by {ranked_by}",
        caption="Points lost: clean accuracy minus average accuracy. Share kept: of accuracy above chance.",
        columns=(
            *(Column(header, "label") for header in ("", "Model", "Rank")),
            *([Column("Mark", "text")] if marked else []),
            *map(Column, headers),
        ),
        rows=tuple(
            (
                *texts(f"[{index}]", model.name, rank_text(model.ranks)),
                *(texts(", ".join(mark.label for mark in model.marks)) if marked else ()),
                *(_cell(model, header) for header in headers),
            )
            for index, model in enumerate(comparison.models, start=1)
        ),
    )


def _accuracies(comparison: Comparison, headers: list[str]) -> Table:
    """Return the other numbers of each model, and what stands beside those of one that answers in words."""
    words = {
        model.name: word_numbers(model.result.result, comparison.scope.datasets)
        for model in comparison.models
    }
    spoken = any(model.result.result.is_in_words for model in comparison.models)
    added = tuple(next(iter(words.values()))) if spoken else ()
    return Table(
        name="Accuracies",
        columns=(Column("", "label"), *map(Column, (*headers, *added))),
        rows=tuple(
            (
                Cell(f"[{index}]"),
                *(_cell(model, header) for header in headers),
                *(number_cell(words[model.name][header]) for header in added),
            )
            for index, model in enumerate(comparison.models, start=1)
        ),
    )


def _places(comparison: Comparison) -> dict[str, str]:
    """Return how tables call the models: two specs fill a terminal."""
    return {model.name: f"[{index}]" for index, model in enumerate(comparison.models, start=1)}


def _pairs(comparison: Comparison, name: str, headers: tuple[str, ...]) -> Table:
    place = _places(comparison)

    def cells(pair: tuple[str, str]) -> tuple[Cell, ...]:
        summary: Summary[Difference] = comparison.differences[pair].overall
        loss: Loss[Difference] = comparison.losses[pair].overall
        return tuple(
            _difference(
                getattr(loss.lost, _LOST[each]) if each in _LOST else getattr(summary, MEASURES[each])
            )
            for each in headers
        )

    return Table(
        name=name,
        columns=(Column("", "label"), *map(Column, headers)),
        rows=tuple(
            (Cell(f"{place[first]} minus {place[second]}"), *cells((first, second)))
            for first, second in comparison.differences
        ),
    )


def _difference(found: Difference) -> Cell:
    if found.value is None:
        return Cell(UNDEFINED, note=found.reason or "")
    low, high = found.low, found.high
    below, note = "", found.interval_reason or ""
    if low is not None and high is not None:
        below = ZERO_WIDTH if low == high else f"{100 * low:+.1f} to {100 * high:+.1f}"
    return Cell(
        f"{100 * found.value:+.1f}{' tie' if found.tie else ''}", 100 * found.value, below=below, note=note
    )


def _ranks(comparison: Comparison) -> Table:
    """Return where each rank falls under the three resamplings, and the Borda count."""
    place, level = _places(comparison), 100 * comparison.plan.level
    cells = sum(map(len, comparison.scope.corruptions.values()))
    most = (len(comparison.ranked) - 1) * cells
    units, *more = _levels(comparison)
    headers = (units.capitalize(), *(f"… {each}" for each in more), f"Borda, of {most}")
    rows = []
    for model in comparison.ranked:
        intervals = model.rank_intervals
        drawn = (None if intervals is None else getattr(intervals, each) for each in LEVELS)
        rows.append((Cell(place[model.name]), *map(Cell, map(rank_text, drawn)), number(model.borda, 1)))
    return Table(
        name=f"Ranks, {level:g} % intervals",
        caption="By what is drawn again, each with all before it. Borda: a point for each model beaten under "
        "a corruption of a dataset, half of one for a tie.",
        columns=(Column("", "label"), *map(Column, headers)),
        rows=tuple(rows),
    )


def _tests(comparison: Comparison, ranked_by: str) -> Table:
    """Return the tests with the leader and between neighbours in rank."""
    place, level = _places(comparison), comparison.plan.level
    verdicts = {True: "tie", False: "differ", None: UNDEFINED}
    return Table(
        name=f"Tests of {ranked_by}: with the leader, and between neighbours in rank",
        caption="Difference and its standard error in points; p is two-sided and normal, and corrected by "
        "Holm's method for all these tests.",
        columns=(
            Column("", "label"),
            *map(Column, ("Difference", "Std. error", "p", "p, Holm")),
            Column("", "text"),
        ),
        rows=tuple(
            (
                Cell(f"{place[test.first]} minus {place[test.second]}"),
                Cell(f"{100 * test.difference:+.1f}", 100 * test.difference),
                number(None if test.standard_error is None else 100 * test.standard_error, 2),
                _p(test.p, test.reason),
                _p(test.adjusted, test.reason),
                Cell(verdicts[test.tie(level)]),
            )
            for test in comparison.tests
        ),
    )


def _distance(model: Compared) -> EffectiveRobustness | None:
    """Return how far a model is from the line through the others, where there is a line."""
    found = model.effective
    return found if found is not None and found.points.value is not None else None


def _effective(comparison: Comparison) -> Table:
    place = _places(comparison)
    rows = []
    for model in comparison.models:
        found = _distance(model)
        if found is None:
            continue
        models = "" if found.line is None else f"{found.line.models} others"
        note = f"{models}, none as accurate or as weak" if found.extrapolated else models
        rows.append(
            (
                Cell(place[model.name]),
                number(found.residual.value, 2),
                number(found.points.percent, 1),
                *texts(note),
            )
        )
    return Table(
        name="Effective robustness",
        caption="Accuracy under corruption beyond what clean accuracy lets expect: the distance from the "
        "line through the other models, on the logit axis and in points. Above 0 it loses less than they do.",
        columns=(Column("", "label"), Column("Logit"), Column("Points"), Column("Line", "text")),
        rows=tuple(rows),
    )


def _p(p: float | None, reason: str | None) -> Cell:
    if p is not None and p < _SMALLEST_P:
        return Cell(f"< {_SMALLEST_P}", p)
    return Cell(UNDEFINED, note=reason or "") if p is None else Cell(printed(p, 3), p)
