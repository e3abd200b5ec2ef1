"""Results and comparisons as tables, rows of a DataFrame and plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table, texts
from medimeta_c.metrics.intervals import Difference
from medimeta_c.metrics.summary import CellScore, Scores, Summary
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.results.cells import number_cell, rank_text
from medimeta_c.results.words.views import word_numbers

if TYPE_CHECKING:
    from medimeta_c.results.comparison import Compared, Comparison
    from medimeta_c.results.result import Result

__all__ = [
    "cell_rows",
    "comparison_rows",
    "comparison_tables",
    "comparison_values",
    "result_table",
]

_MEASURES = {"mCE": "mce", "Clean accuracy": "clean_accuracy", "Average accuracy": "average_accuracy"}
_ALL = "all"


def result_table(result: Result) -> Table:
    """Return a row for each dataset, and one for all: mCE, accuracies, and the cells scored."""
    measures = _measures(result.baseline is not None)
    words = {
        name: word_numbers(result, result.scope.datasets if name == _ALL else [name])
        for name in ((*result.scope.datasets, _ALL) if result.is_in_words else ())
    }
    cells = [cell.key.dataset for cell in result.scores.cells]
    wanted = [key.dataset for key in result.scope.cells()]
    rows = {
        name: (result.scores.datasets[name], cells.count(name), wanted.count(name))
        for name in result.scope.datasets
    }
    if len(rows) > 1:
        rows[_ALL] = (result.scores.overall, len(cells), len(wanted))
    return Table(
        caption=f"In percent, with {100 * result.resampling.level:g} % intervals.",
        columns=(
            Column("Dataset", "label"),
            *map(Column, (*measures, *words.get(_ALL, {}), "Cells")),
        ),
        rows=tuple(
            (
                Cell(name, strong=name == _ALL),
                *(number_cell(getattr(summary, measure), show=True) for measure in measures.values()),
                *map(number_cell, words.get(name, {}).values()),
                Cell(f"{done} of {every}"),
            )
            for name, (summary, done, every) in rows.items()
        ),
    )


def cell_rows(cells: Iterable[CellScore]) -> Iterator[dict[str, object]]:
    """Yield a cell's key, counts and metrics by column; None where a metric is undefined."""
    for cell in cells:
        yield {
            "dataset": cell.dataset,
            "split": cell.split,
            "corruption": cell.corruption,
            "severity": cell.severity,
            "images": cell.n,
            "invalid": cell.invalid,
            "correct": cell.correct,
            "unanswered": cell.unanswered,
            "top1_low": cell.top1.low,
            "top1_high": cell.top1.high,
            **{name: number.value for name, number in cell.scores.items()},
        }


def comparison_tables(comparison: Comparison) -> tuple[Table, Table]:
    """Return models side by side, best first, and the paired difference of each pair; ties are marked."""
    measures = _measures(comparison.baseline is not None)
    return _models(comparison, measures), _pairs(comparison, measures)


def comparison_rows(comparison: Comparison) -> Iterator[dict[str, object]]:
    """Yield a row for each model and dataset, and for each model over all."""
    measures = _measures(comparison.baseline is not None).values()
    for model in comparison.models:
        best, worst = model.ranks or (None, None)
        for dataset, summary in {_ALL: model.numbers.overall, **model.numbers.datasets}.items():
            row: dict[str, object] = {"model": model.name, "dataset": dataset}
            for measure in measures:
                number: Estimate = getattr(summary, measure)
                row |= {measure: number.value, f"{measure}_low": number.low, f"{measure}_high": number.high}
            ranked = dataset == _ALL
            yield {**row, "best_rank": best if ranked else None, "worst_rank": worst if ranked else None}


def comparison_values(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values."""
    return {
        "ranked_by": comparison.ranked_by,
        "baseline": comparison.baseline,
        "scope": comparison.scope.model_dump(),
        "notes": list(comparison.notes),
        "models": [
            {
                "name": model.name,
                "path": str(model.result.path),
                "complete": model.result.result.complete,
                "ranks": model.ranks,
                "numbers": _nested(model.numbers, _number),
                "intervals": _nested(model.numbers, _interval),
                **({"words": _plain_words(comparison, model)} if _is_in_words(model) else {}),
            }
            for model in comparison.models
        ],
        "differences": [
            {"first": first, "second": second, **_nested(found, _values_of_difference)}
            for (first, second), found in comparison.differences.items()
        ],
    }


def _measures(has_baseline: bool) -> dict[str, str]:
    return {name: each for name, each in _MEASURES.items() if has_baseline or each != "mce"}


def _models(comparison: Comparison, measures: dict[str, str]) -> Table:
    ranked_by = next(name for name, measure in _MEASURES.items() if measure == comparison.ranked_by)
    words = {each.name: _words(comparison, each) for each in comparison.models}
    headers = next(iter(words.values())) if any(map(_is_in_words, comparison.models)) else {}
    return Table(
        name=f"On {', '.join(comparison.scope.datasets)}, best first by {ranked_by}",
        columns=(
            *(Column(header, "label") for header in ("", "Model", "Rank")),
            *map(Column, (*measures, *headers)),
        ),
        rows=tuple(
            (
                *texts(f"[{index}]", model.name, rank_text(model.ranks)),
                *(number_cell(getattr(model.numbers.overall, each), show=True) for each in measures.values()),
                *(number_cell(words[model.name][each]) for each in headers),
            )
            for index, model in enumerate(comparison.models, start=1)
        ),
    )


def _words(comparison: Comparison, model: Compared) -> dict[str, Number]:
    """Return what stands beside the numbers of a model that answers in words."""
    return word_numbers(model.result.result, comparison.scope.datasets)


def _plain_words(comparison: Comparison, model: Compared) -> dict[str, Any]:
    return {name.lower(): _number(one) for name, one in _words(comparison, model).items()}


def _is_in_words(model: Compared) -> bool:
    return model.result.result.is_in_words


def _pairs(comparison: Comparison, measures: dict[str, str]) -> Table:
    """Return the differences, models by their number in the table above: two specs fill a terminal."""
    place = {model.name: index for index, model in enumerate(comparison.models, start=1)}
    return Table(
        name="Differences in points, paired image by image",
        columns=(Column("", "label"), *map(Column, measures)),
        rows=tuple(
            (
                Cell(f"[{place[first]}] minus [{place[second]}]"),
                *(_difference(getattr(suite.overall, measure)) for measure in measures.values()),
            )
            for (first, second), suite in comparison.differences.items()
        ),
    )


def _difference(found: Difference) -> Cell:
    if found.value is None:
        return Cell(UNDEFINED)
    low, high = found.low, found.high
    below = "" if low is None or high is None else f"{100 * low:+.1f} to {100 * high:+.1f}"
    return Cell(f"{100 * found.value:+.1f}{' tie' if found.tie else ''}", below=below)


def _nested(scores: Scores[Any], view: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    def summary(one: Summary[Any]) -> dict[str, Any]:
        return {
            name: {c: view(each) for c, each in held.items()} if isinstance(held, dict) else view(held)
            for name, held in one
            if name != "accuracy"
        }

    datasets = {name: summary(one) for name, one in scores.datasets.items()}
    return {"datasets": datasets, "overall": summary(scores.overall)}


def _number(one: Number) -> dict[str, Any]:
    return {"value": one.value, "reason": one.reason}


def _interval(one: Estimate) -> dict[str, Any]:
    return {"low": one.low, "high": one.high, "reason": one.interval_reason}


def _values_of_difference(one: Difference) -> dict[str, Any]:
    return {"value": _number(one), "interval": _interval(one), "tie": one.tie}
