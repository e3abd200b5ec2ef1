"""What an entry loses to corruption: from its predictions, or as far as printed accuracies say."""

from __future__ import annotations

from collections.abc import Mapping

from medimeta_c.format.keys import SetKey
from medimeta_c.leaderboard.site.entries import REPORTED, Assessment, no_estimate
from medimeta_c.metrics.intervals import bootstrap
from medimeta_c.metrics.loss import loss
from medimeta_c.metrics.measures.cell_values import accuracies
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.assessment.confidence import assess_confidence
from medimeta_c.results.assessment.confidence_numbers import ConfidenceNumbers
from medimeta_c.results.assessment.loss import chance_of
from medimeta_c.results.cells import percent
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import CellPredictions, correctness_of
from medimeta_c.results.scoring import Terms

__all__ = ["assessments", "reported_assessments", "worst_corruption"]

_NO_PREDICTIONS = "needs predictions, and only accuracies were printed"


def assessments(
    saved: SavedResult, predictions: Mapping[SetKey, CellPredictions], terms: Terms, *, whole: bool
) -> dict[str, Assessment]:
    """Return what follows from predictions, by dataset; "" is the mean over all of them.

    Parameters
    ----------
    saved : SavedResult
        The whole result.
    predictions : mapping of SetKey to CellPredictions
        Those of the scope.
    terms : Terms
        The scope, and the resamples of its images that every number of the board is computed on.
    whole : bool
        Whether the entry has all of the board's datasets, so that there is a mean over them.
    """
    drawn = bootstrap(correctness_of(predictions), {}, terms.scope, terms.resampling, terms.groups)
    losses = loss(accuracies(drawn, chance_of(predictions)))
    parts = {**losses.datasets, **({"": losses.overall} if whole else {})}
    gaps = _coverage_gaps(saved, terms)
    return {
        name: Assessment(
            points_lost=part.lost.points,
            share_kept=part.lost.share_kept,
            coverage_gap=gaps[name],
        )
        for name, part in parts.items()
    }


def _coverage_gaps(saved: SavedResult, terms: Terms) -> dict[str, Estimate]:
    """Return coverage under corruption minus the level promised, and its mean over the scope's datasets."""
    found = assess_confidence(saved, groups=terms.groups, measures=())
    own = {name: found.datasets[name].corrupted for name in terms.scope.datasets}
    over = ConfidenceNumbers.average(own, found.conformal.level)
    return {name: _gap(numbers) for name, numbers in {**own, "": over}.items()}


def _gap(numbers: ConfidenceNumbers) -> Estimate:
    gap, deviation = numbers.gap, numbers.coverage.deviation
    if gap.value is None or deviation is None:
        return no_estimate(gap.reason or "")
    spread = f"a deviation of {percent(deviation)} points over random halves of the images"
    return Estimate(value=gap.value, low=None, high=None, interval_reason=spread)


def reported_assessments(
    overall: Summary[Estimate] | None, datasets: Mapping[str, Summary[Estimate]]
) -> dict[str, Assessment]:
    """Return what follows from printed accuracies, by dataset; "" is the mean over all of them."""
    summaries = {**datasets, **({} if overall is None else {"": overall})}
    return {name: _of_accuracies(summary) for name, summary in summaries.items()}


def _of_accuracies(summary: Summary[Estimate]) -> Assessment:
    nothing = no_estimate(_NO_PREDICTIONS)
    clean, average = summary.clean_accuracy.value, summary.average_accuracy.value
    lost = (
        nothing
        if clean is None or average is None
        else Estimate(value=clean - average, low=None, high=None, interval_reason=REPORTED)
    )
    return Assessment(points_lost=lost, share_kept=nothing, coverage_gap=nothing)


def worst_corruption(summary: Summary[Estimate]) -> tuple[str, float] | None:
    """Return the corruption with the lowest accuracy and what it costs, a fraction; the first of equals."""
    clean = summary.clean_accuracy.value
    found = {name: one.value for name, one in summary.accuracy.items() if one.value is not None}
    if clean is None or not found:
        return None
    name = min(found, key=lambda each: found[each])
    return name, clean - found[name]
