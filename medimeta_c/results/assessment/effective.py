"""Effective robustness of results: only of those that may be ranked, on equal images."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from medimeta_c.metrics.effective import EffectiveRobustness, ModelPoint, effective_robustness
from medimeta_c.metrics.values import Number
from medimeta_c.results.assessment.standing import unranked_because
from medimeta_c.results.result import Result

__all__ = ["effective_robustness_of"]


def effective_robustness_of(results: Sequence[Result]) -> list[dict[str, EffectiveRobustness]]:
    """Return the effective robustness of measured results, each against the line through the others.

    Parameters
    ----------
    results : sequence of Result
        Results of any benchmarks. Results with a mark (see `Result.standing`) are in no line and have no
        number. Results of one model, with other prompts say, count as one model.

    Returns
    -------
    list of dict of str to EffectiveRobustness
        For each result in order: by dataset, among the results with the same fingerprint, split, corruptions
        and severities of it; and under ``""`` over all its datasets, among those that have exactly the same.
    """
    found: list[dict[str, EffectiveRobustness]] = [{} for _ in results]
    for dataset in ("", *dict.fromkeys(name for result in results for name in result.scope.datasets)):
        alike: dict[Hashable, dict[str, ModelPoint]] = {}
        for place, result in enumerate(results):
            if dataset and dataset not in result.scope.corruptions:
                continue
            reason = unranked_because(result.standing)
            if reason is not None:
                nothing = Number.undefined(f"it is {reason}")
                found[place][dataset] = EffectiveRobustness(residual=nothing, points=nothing)
                continue
            alike.setdefault(_images(result, dataset), {})[str(place)] = _point(result, dataset)
        for points in alike.values():
            for name, number in effective_robustness(points).items():
                found[int(name)][dataset] = number
    return found


def _images(result: Result, dataset: str) -> Hashable:
    """Return what must be equal for accuracies to be of the same images."""
    scope = result.scope
    names = [dataset] if dataset else sorted(scope.datasets)
    return (
        result.run.benchmark.suite_name,
        scope.split,
        scope.severities,
        *(
            (name, result.run.benchmark.dataset(name).fingerprint, frozenset(scope.corruptions[name]))
            for name in names
        ),
    )


def _point(result: Result, dataset: str) -> ModelPoint:
    summary = result.scores.datasets[dataset] if dataset else result.scores.overall
    return ModelPoint(model=_model(result), clean=summary.clean_accuracy, corrupted=summary.average_accuracy)


def _model(result: Result) -> str:
    """Return what names a model: its weights and what they were loaded into, whatever it was asked."""
    model = result.run.model
    parts: Mapping[str, str] = {
        "weights": model.weights_sha256,
        "architecture": model.architecture,
        "head": result.run.added,
        "name": model.spec if model.caution else "",  # without a digest, the name is all there is
    }
    return "|".join(parts.values())
