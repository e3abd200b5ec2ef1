"""Comparisons as plain values and as rows of a DataFrame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from medimeta_c.io.records import dump
from medimeta_c.metrics.effective import EffectiveRobustness
from medimeta_c.metrics.loss import Loss
from medimeta_c.metrics.ranks.nested import LEVELS
from medimeta_c.metrics.ranks.ties import PairedTest
from medimeta_c.metrics.summary import Scores, Summary
from medimeta_c.metrics.values import Difference, Estimate, Number
from medimeta_c.results.views import ALL, measures_of
from medimeta_c.results.words.views import word_numbers

if TYPE_CHECKING:
    from medimeta_c.results.comparison.record import Compared, Comparison

__all__ = ["comparison_rows", "comparison_values"]


def comparison_rows(comparison: Comparison) -> Iterator[dict[str, object]]:
    """Yield a row for each model and dataset, and for each model over all."""
    for model in comparison.models:
        losses = {ALL: model.loss.overall, **model.loss.datasets}
        for dataset, summary in {ALL: model.numbers.overall, **model.numbers.datasets}.items():
            row: dict[str, object] = {"model": model.name, "dataset": dataset}
            numbers: dict[str, Estimate] = {
                measure: getattr(summary, measure)
                for measure in measures_of(comparison.baseline is not None).values()
            }
            for measure, number in {**numbers, **_lost(losses[dataset])}.items():
                row |= {measure: number.value, f"{measure}_low": number.low, f"{measure}_high": number.high}
            yield {**row, **_ranks(model, dataset == ALL)}


def comparison_values(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values."""
    return {
        "ranked_by": comparison.ranked_by,
        "baseline": comparison.baseline,
        "scope": comparison.scope.model_dump(),
        "resampling": dump(comparison.plan),
        "assumption": comparison.assumption,
        "notes": list(comparison.notes),
        "models": [
            {
                "name": model.name,
                "path": str(model.result.path),
                "complete": model.result.result.complete,
                "marks": [mark.name for mark in model.marks],
                "ranks": model.ranks,
                "rank_intervals": None if model.rank_intervals is None else asdict(model.rank_intervals),
                "borda": model.borda,
                "effective": None if model.effective is None else _effective(model.effective),
                "numbers": _nested(model.numbers, _number),
                "intervals": _nested(model.numbers, _interval),
                "loss": dump(model.loss),
                **({"words": _words(comparison, model)} if model.result.result.is_in_words else {}),
            }
            for model in comparison.models
        ],
        "differences": [
            {
                "first": pair[0],
                "second": pair[1],
                **_nested(found, _values_of_difference),
                "loss": dump(comparison.losses[pair]),
            }
            for pair, found in comparison.differences.items()
        ],
        "tests": [_test(test, comparison.plan.level) for test in comparison.tests],
    }


def _lost(loss: Loss[Estimate]) -> dict[str, Estimate]:
    return {"points_lost": loss.lost.points, "share_kept": loss.lost.share_kept}


def _ranks(model: Compared, overall: bool) -> dict[str, object]:
    """Return the columns of ranks, which stand in the row over all datasets."""
    intervals = model.rank_intervals if overall else None
    found: dict[str, object] = {}
    for prefix, ranks in {
        "": model.ranks if overall else None,
        **{f"{level}_": intervals and getattr(intervals, level) for level in LEVELS},
    }.items():
        best, worst = ranks or (None, None)
        found |= {f"{prefix}best_rank": best, f"{prefix}worst_rank": worst}
    marks = ", ".join(mark.name for mark in model.marks)
    borda = model.borda if overall else None
    effective = model.effective.points.value if overall and model.effective is not None else None
    return {**found, "borda": borda, "effective_robustness": effective, "marks": marks}


def _effective(found: EffectiveRobustness) -> dict[str, Any]:
    return {
        "residual": _number(found.residual),
        "points": _number(found.points),
        "models": None if found.line is None else found.line.models,
        "extrapolated": found.extrapolated,
    }


def _test(test: PairedTest, level: float) -> dict[str, Any]:
    return {**asdict(test), "tie": test.tie(level)}


def _words(comparison: Comparison, model: Compared) -> dict[str, Any]:
    found = word_numbers(model.result.result, comparison.scope.datasets)
    return {name.lower(): _number(one) for name, one in found.items()}


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
