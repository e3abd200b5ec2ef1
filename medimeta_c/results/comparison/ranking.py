"""Rank the models of a comparison."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from medimeta_c.format.keys import CLEAN
from medimeta_c.metrics.intervals import Bootstrap
from medimeta_c.metrics.ranks.borda import borda
from medimeta_c.metrics.ranks.nested import NestedRanks, RankedBy, nested_ranks, nested_samples
from medimeta_c.metrics.ranks.pairwise import ranks
from medimeta_c.metrics.ranks.ties import PairedTest, paired_tests

__all__ = ["Ranking", "rank"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The order of models, and how sure it is.

    Parameters
    ----------
    ranked_by : {"mce", "average_accuracy"}
        The number.
    order : tuple of str
        Models, best first; those that may not be ranked come after those that are, those without the number
        last.
    ranks, intervals, points : mapping
        Of the models that are ranked: see `Compared`.
    tests : tuple of PairedTest
        See `Comparison`.
    """

    ranked_by: RankedBy
    order: tuple[str, ...]
    ranks: Mapping[str, tuple[int, int]]
    intervals: Mapping[str, NestedRanks] = field(default_factory=dict)
    points: Mapping[str, float] = field(default_factory=dict)
    tests: tuple[PairedTest, ...] = ()


def rank(drawn: Mapping[str, Bootstrap], marked: Collection[str]) -> Ranking:
    """Rank models that were resampled alike.

    Parameters
    ----------
    drawn : mapping of str to Bootstrap
        By model.
    marked : collection of str
        Models that may not be ranked.
    """
    may = [name for name in drawn if name not in marked] or list(drawn)
    ranked_by: RankedBy = "mce"
    if any(_number(drawn[name], "mce") is None for name in may):
        ranked_by = "average_accuracy"
    sign = 1.0 if ranked_by == "mce" else -1.0
    numbers = {name: _number(each, ranked_by) for name, each in drawn.items()}

    def place(name: str) -> tuple[bool, bool, float]:
        number = numbers[name]
        return number is None, name in marked, 0.0 if number is None else sign * number

    order = tuple(sorted(drawn, key=place))
    known = {name: number for name in order if name not in marked and (number := numbers[name]) is not None}
    open_ranks = dict.fromkeys(known, (1, len(known)))
    if any(each.lone("") for each in drawn.values()):
        return Ranking(ranked_by=ranked_by, order=order, ranks=open_ranks)
    lower = ranked_by == "mce"
    samples = {name: nested_samples(drawn[name], ranked_by) for name in known}
    images = {name: each.images for name, each in samples.items()}
    level = next(iter(drawn.values())).plan.level
    pairwise = ranks(images, lower_is_better=lower, level=level)
    return Ranking(
        ranked_by=ranked_by,
        order=order,
        ranks={name: (each.best, each.worst) for name, each in pairwise.items()},
        intervals=nested_ranks(samples, lower_is_better=lower, level=level),
        points=borda({name: _errors(drawn[name]) for name in known}),
        tests=paired_tests(tuple(known), known, images),
    )


def _number(drawn: Bootstrap, ranked_by: RankedBy) -> float | None:
    value: float | None = getattr(drawn.point.overall, ranked_by).value
    return value


def _errors(drawn: Bootstrap) -> dict[tuple[str, str], float]:
    """Return the mean error over severities by dataset and corruption."""
    errors: dict[tuple[str, str], list[float]] = {}
    for table in drawn.tables.values():
        for key, error in table.errors().items():
            if key.corruption != CLEAN:
                errors.setdefault((key.dataset, key.corruption), []).append(error)
    return {cell: float(np.mean(each)) for cell, each in errors.items()}
