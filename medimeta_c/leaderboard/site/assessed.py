"""What an entry loses to corruption, from its summaries."""

from __future__ import annotations

from collections.abc import Mapping

from medimeta_c.leaderboard.site.entries import REPORTED, Assessment, no_estimate
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate

__all__ = ["reported_assessments", "worst_corruption"]

_NO_PREDICTIONS = "needs predictions, and only accuracies were printed"


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
