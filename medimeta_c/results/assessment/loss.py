"""What corruption costs a model, computed from its predictions, beside what it costs the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.intervals import bootstrap
from medimeta_c.metrics.loss import Losses, LossNumbers
from medimeta_c.metrics.measures.cell_values import accuracies, constant
from medimeta_c.metrics.resampling import Groups, Resampling
from medimeta_c.metrics.values import Difference, Estimate
from medimeta_c.results.baseline_choice import ChosenBaseline, baseline_of
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.predictions import CellPredictions, correctness_of

__all__ = ["Assessment", "Overconfidence", "Rival", "assess", "chance_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rival:
    """The baseline beside a model.

    Parameters
    ----------
    model : str
        Its name.
    note : str
        Where its numbers come from.
    paired : bool
        Whether its predictions are there, so that differences are paired image by image. Without them its
        numbers are constants, and the intervals leave its own uncertainty out.
    loss : Losses of Estimate
        What corruption costs it, under the corruptions that it has figures for.
    difference : Losses of Difference
        The model's minus the baseline's.
    """

    model: str
    note: str
    paired: bool
    loss: Losses[Estimate]
    difference: Losses[Difference]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overconfidence:
    """How far a model's confidence lies above its accuracy: the mean over datasets, with its interval.

    Parameters
    ----------
    clean, corrupted : Estimate
        Mean probability of the predicted class minus accuracy, a fraction; below 0 of a model that doubts too
        much.
    """

    clean: Estimate
    corrupted: Estimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assessment:
    """What a result says about its model, beside the numbers stored in it.

    Parameters
    ----------
    saved : SavedResult
        The result.
    plan : Resampling
        How intervals were made: over groups of images only if those were given.
    loss : Losses of Estimate
        What corruption costs the model.
    rival : Rival or None
        The baseline; None of a result without.
    overconfidence : Overconfidence
        Its confidence beside its accuracy.
    always : mapping of str to str
        By dataset, the class that the model gives to every image, clean and corrupted, where there is one.
    baseline : SavedResult or None
        The baseline's result, where its predictions are there.
    groups : mapping
        Which images belong together, as far as it is known.
    """

    saved: SavedResult
    plan: Resampling
    loss: Losses[Estimate]
    rival: Rival | None
    overconfidence: Overconfidence
    always: Mapping[str, str]
    baseline: SavedResult | None
    groups: Groups


def assess(
    saved: SavedResult, baseline: ChosenBaseline | None = None, groups: Groups | None = None
) -> Assessment:
    """Compute what a result says about its model from its predictions.

    Parameters
    ----------
    saved : SavedResult
        The result.
    baseline : ChosenBaseline, optional
        What its errors were divided by, with predictions. By default they are read from the baseline's result
        in the same folder of results. If there is none, the baseline's numbers are constants.
    groups : mapping, optional
        Which images belong together. Without it intervals take images as independent.
    """
    result = saved.result
    chance = chance_of(saved.predictions)
    scope, groups = result.scope, groups or {}
    listings = {key.dataset: cell.image_ids for key, cell in saved.predictions.items()}
    plan = result.resampling.model_copy(update={"grouped": ()}).for_groups(groups, listings)

    def numbers(cells: Mapping[SetKey, CellPredictions], part: Scope) -> LossNumbers:
        wanted = set(part.cells())
        tables = correctness_of({key: cell for key, cell in cells.items() if key in wanted})
        return LossNumbers.of(accuracies(bootstrap(tables, {}, part, plan, groups), chance))

    unscored = [dataset for dataset in scope.datasets if dataset not in chance]
    chance |= dict.fromkeys(unscored, 0.0)
    own = numbers(saved.predictions, scope)
    record = result.meaningful_baseline
    if record is not None and (baseline is None or not baseline.tables):
        baseline = _beside(saved) or ChosenBaseline(record)
    rival = None
    if record is not None and baseline is not None:
        shared = baseline.baseline.mce_scope(scope)
        model = own if shared == scope else numbers(saved.predictions, shared)
        paired = set(scope.datasets) <= set(baseline.tables)
        if paired:
            cells = accuracies(bootstrap(baseline.tables, {}, shared, plan, groups), chance)
        else:
            cells = constant(baseline.baseline.grids, model.cells)
        other = LossNumbers.of(cells)
        rival = Rival(
            model=record.model,
            note=record.note,
            paired=paired,
            loss=other.estimates(),
            difference=model.minus(other),
        )
    return Assessment(
        saved=saved,
        plan=plan,
        loss=own.estimates(),
        rival=rival,
        overconfidence=_overconfidence(saved, groups),
        always=_always(saved),
        baseline=None if baseline is None else baseline.saved,
        groups=groups,
    )


def chance_of(predictions: Mapping[SetKey, CellPredictions]) -> dict[str, float]:
    """Return by dataset the share of the most frequent class: what a model scores that knows nothing."""
    return {
        key.dataset: float(np.bincount(cell.labels).max() / len(cell)) for key, cell in predictions.items()
    }


def _beside(saved: SavedResult) -> ChosenBaseline | None:
    """Return the measured baseline with its predictions, where its result stands beside this one."""
    record = saved.result.baseline
    if record is None or not record.measured_on_these_shards:
        return None
    folder = saved.path.parent.parent / record.name
    if not folder.is_dir():
        return None
    try:
        found = baseline_of(read_saved(folder), saved.result.run.benchmark, saved.result.run.split)
    except (ConfigError, ResultError):
        return None
    # Scored again since, it may be another: only the one whose rates the result records will do.
    same = all(found.baseline.grids.get(name) == grid for name, grid in record.grids.items())
    return found if same else None


def _overconfidence(saved: SavedResult, groups: Groups) -> Overconfidence:
    cells = saved.predictions
    clean = {key: cell for key, cell in cells.items() if key.corruption == CLEAN}
    corrupted = {key: cell for key, cell in cells.items() if key not in clean}
    return Overconfidence(clean=_gap(clean, saved, groups), corrupted=_gap(corrupted, saved, groups))


def _gap(cells: Mapping[SetKey, CellPredictions], saved: SavedResult, groups: Groups) -> Estimate:
    """Return the mean over datasets of confidence minus accuracy, with a normal interval.

    Its variance is that between images, or between groups of them, whose deviations are summed first.
    """
    means, variances = [], []
    for dataset in saved.result.scope.datasets:
        own = [cell for key, cell in cells.items() if key.dataset == dataset]
        if not own:
            return Estimate.undefined(f"no cell of {dataset} is scored")
        gaps: dict[str, float] = {}
        for cell in own:
            if cell.probabilities is None:
                return Estimate.undefined("the model answered in words, without probabilities")
            if not cell.finite.all():
                return Estimate.undefined(f"the model has no valid {cell.key}")
            confidence = cell.probabilities[np.arange(len(cell)), cell.predictions].astype(np.float64)
            for image_id, gap in zip(cell.image_ids, (confidence - cell.correct).tolist(), strict=True):
                gaps[image_id] = gaps.get(image_id, 0.0) + gap / len(own)
        mean, known = float(np.mean(list(gaps.values()))), groups.get(dataset, {})
        deviations: dict[str | int, float] = {}
        for image_id, gap in gaps.items():
            unit = known.get(image_id, image_id)
            deviations[unit] = deviations.get(unit, 0.0) + gap - mean
        if (units := len(deviations)) < 2:
            return Estimate.undefined(f"{dataset} has a single image, or group of images")
        means.append(mean)
        spread = float(np.sum(np.square(list(deviations.values()))))
        variances.append(spread * units / (units - 1) / len(gaps) ** 2)
    value = float(np.mean(means))
    half = _normal(saved.result.resampling.level) * float(np.sqrt(np.sum(variances))) / len(means)
    return Estimate(value=value, low=value - half, high=value + half)


def _normal(level: float) -> float:
    """Return how many standard errors a normal interval reaches to either side."""
    from scipy.special import ndtri  # noqa: PLC0415  (slow to import, and not every outlet asks)

    return float(ndtri((1 + level) / 2))


def _always(saved: SavedResult) -> dict[str, str]:
    found = {}
    for dataset in saved.result.scope.datasets:
        given = [cell.predictions for key, cell in saved.predictions.items() if key.dataset == dataset]
        classes = np.unique(np.concatenate(given)) if given else np.array([])
        if len(classes) == 1 and classes[0] >= 0:
            found[dataset] = saved.result.run.benchmark.dataset(dataset).class_names[int(classes[0])]
    return found
