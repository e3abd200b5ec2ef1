"""Judgements: how a model compares with the baseline in what it loses, a small table of cases.

"More robust" is said only where the paired interval of the difference in points lost lies below 0 and clean
accuracy is not significantly lower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from medimeta_c.metrics.values import Difference, Estimate
from medimeta_c.results.assessment.loss import Assessment, Rival
from medimeta_c.results.assessment.phrases import at_chance, points, side, turned, within
from medimeta_c.results.assessment.standing import unranked_because

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A judgement and when it is said.

    Parameters
    ----------
    name : str
        Its name.
    holds : callable
        Takes an `Assessment`.
    says : callable
        Takes the same, where `holds`; returns one sentence.
    """

    name: str
    holds: Callable[[Assessment], bool]
    says: Callable[[Assessment], str]


def _rival(found: Assessment) -> Rival:
    assert found.rival is not None
    return found.rival


def _lost(found: Assessment) -> Difference:
    return _rival(found).difference.overall.lost.points


def _clean(found: Assessment) -> Difference:
    return _rival(found).difference.overall.clean


def _unpaired(found: Assessment) -> str:
    rival = _rival(found)
    theirs = rival.loss.overall.lost.points
    lost = f" It loses {points(theirs.value)} there." if theirs.value is not None else ""
    return (
        f"No verdict on robustness against {rival.model}: its numbers are {rival.note}, without predictions "
        f"to pair image by image.{lost}"
    )


def _more(found: Assessment) -> str:
    lost = _lost(found)
    return (
        f"More robust than {_rival(found).model}: it loses {points(-_value(lost))} less to corruption "
        f"{turned(lost)}, and is not significantly less accurate on clean images."
    )


def _steadier(found: Assessment) -> str:
    lost, clean = _lost(found), _clean(found)
    return (
        f"Loses less than {_rival(found).model}, but knows less: {points(-_value(lost))} less are lost to "
        f"corruption {turned(lost)}, from a clean accuracy {points(-_value(clean))} lower {turned(clean)}."
    )


def _fragile(found: Assessment) -> str:
    lost, clean = _lost(found), _clean(found)
    return (
        f"More accurate than {_rival(found).model}, but loses more: {points(lost.value)} more are lost to "
        f"corruption {within(lost)}, from a clean accuracy {points(clean.value)} higher {within(clean)}."
    )


def _less(found: Assessment) -> str:
    lost = _lost(found)
    return (
        f"Less robust than {_rival(found).model}: it loses {points(lost.value)} more to corruption "
        f"{within(lost)}, and is not significantly more accurate on clean images."
    )


def _tie(found: Assessment) -> str:
    lost = _lost(found)
    return (
        f"Not distinguishable from {_rival(found).model} in what it loses to corruption: a difference of "
        f"{points(lost.value)} {within(lost)}."
    )


def _value(one: Estimate) -> float:
    assert one.value is not None
    return one.value


CASES = (
    Case(
        name="marked",
        holds=lambda found: bool(found.saved.result.standing),
        says=lambda found: f"No verdict: this result is {unranked_because(found.saved.result.standing)}.",
    ),
    Case(
        name="no baseline",
        holds=lambda found: found.rival is None,
        says=lambda _: "No verdict on robustness against a baseline: the model was scored without one.",
    ),
    Case(
        name="at chance",
        holds=lambda found: at_chance(found.loss.overall),
        says=lambda _: "No verdict on robustness: at chance, a model has nothing to lose.",
    ),
    Case(name="not paired", holds=lambda found: not _rival(found).paired, says=_unpaired),
    Case(
        name="baseline at chance",
        holds=lambda found: at_chance(_rival(found).loss.overall),
        says=lambda found: (
            f"No verdict on robustness: {_rival(found).model} is at chance here, and has nothing to lose."
        ),
    ),
    Case(
        name="no difference known",
        holds=lambda found: side(_lost(found)) is None or side(_clean(found)) is None,
        says=lambda found: (
            f"No verdict on robustness against {_rival(found).model}: "
            f"{next(one.interval_reason for one in (_lost(found), _clean(found)) if one.interval_reason)}."
        ),
    ),
    Case(
        name="more robust",
        holds=lambda found: side(_lost(found)) == -1 and side(_clean(found)) != -1,
        says=_more,
    ),
    Case(name="loses less, knows less", holds=lambda found: side(_lost(found)) == -1, says=_steadier),
    Case(
        name="knows more, loses more",
        holds=lambda found: side(_lost(found)) == 1 and side(_clean(found)) == 1,
        says=_fragile,
    ),
    Case(name="less robust", holds=lambda found: side(_lost(found)) == 1, says=_less),
    Case(name="not distinguishable", holds=lambda _: True, says=_tie),
)
"""Every judgement, in the order in which they are tried."""
