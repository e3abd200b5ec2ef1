"""Whether a result's probabilities can be trusted, clean and under corruption, from its predictions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import numpy as np

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.confidence.calibration import Reliability, reliability
from medimeta_c.metrics.confidence.conformal import ConformalPlan, calibrating, coverage, thresholds
from medimeta_c.metrics.loss import LossNumbers
from medimeta_c.metrics.measures.answers import AnswerTable, answer_table
from medimeta_c.metrics.measures.cell_values import measured
from medimeta_c.metrics.measures.robustness import MeasureBootstrap, measure_bootstrap
from medimeta_c.metrics.measures.samples import MEASURES
from medimeta_c.metrics.registry import METRICS, Answers
from medimeta_c.metrics.resampling import image_weights, resampled_units
from medimeta_c.metrics.scores import checked_answers
from medimeta_c.results.assessment.confidence_numbers import (
    SCORES,
    Confidence,
    ConfidenceNumbers,
    DatasetConfidence,
    Spread,
)
from medimeta_c.results.baseline_choice import baseline_of
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.scoring import Groups

__all__ = ["assess_confidence"]

_IN_WORDS = "the model answered in words, without probabilities"
_UNCALIBRATED = "sets are calibrated on clean images, and the clean cell is missing or invalid"


def assess_confidence(
    saved: SavedResult,
    *,
    groups: Groups | None = None,
    baseline: SavedResult | None = None,
    conformal: ConformalPlan | None = None,
    measures: Iterable[str] = MEASURES,
) -> Confidence:
    """Compute every number of confidence from a result's predictions.

    Parameters
    ----------
    saved : SavedResult
        Any result, old ones too; complete or not.
    groups : mapping, optional
        By dataset and image id, what belongs together: no group is both calibrated on and measured.
    baseline : SavedResult, optional
        What mCE by balanced accuracy and by AUROC divides by; without it they are undefined.
    conformal : ConformalPlan, optional
        Sets of 90 % and 100 splits, seed 0, by default.
    measures : iterable of str
        The measures whose robustness numbers are resampled; none makes it quicker.

    Returns
    -------
    Confidence

    Raises
    ------
    ConfigError
        If the baseline was not scored on the same images, the cells of a dataset differ in images or labels,
        or the group of an image is not known.
    """
    result, plan, known = saved.result, conformal or ConformalPlan(), groups or {}
    if baseline is not None:
        baseline_of(baseline, result.run.benchmark, result.scope.split)  # refuses what cannot be paired
    answers = _answers(saved)
    tables = _tables(saved, answers)
    cells: dict[SetKey, ConfidenceNumbers] = {}
    datasets: dict[str, DatasetConfidence] = {}
    for dataset in result.scope.datasets:
        sets = _conformal(tables.get(dataset), plan, known.get(dataset))
        keys = [key for key in result.scope.cells() if key.dataset == dataset]
        for key in keys:
            cells[key] = _cell(saved, key, answers.get(key), sets, plan)
        parts = [
            ConfidenceNumbers.average(
                {str(key): cells[key] for key in chosen},
                plan.level,
                _bins([answers[key] for key in chosen if key in answers]),
            )
            for chosen in (
                [key for key in keys if key.corruption == CLEAN],
                [key for key in keys if key.corruption != CLEAN],
            )
        ]
        datasets[dataset] = DatasetConfidence(clean=parts[0], corrupted=parts[1])
    divisor = {} if baseline is None else _tables(baseline, _answers(baseline))
    listings = {dataset: table.image_ids for dataset, table in tables.items()}
    resampling = result.resampling.model_copy(update={"grouped": ()}).for_groups(known, listings)
    weights = functools.partial(image_weights, groups=known)

    def drawn(
        own: Mapping[str, AnswerTable], other: Mapping[str, AnswerTable]
    ) -> dict[str, MeasureBootstrap]:
        return {
            measure: measure_bootstrap(measure, own, other, result.scope, resampling, weights=weights)
            for measure in measures
        }

    units = {name: len(resampled_units(one.correctness, resampling, known)) for name, one in tables.items()}
    bootstraps = drawn(tables, divisor)
    numbers = {measure: LossNumbers.of(measured(each, tables, units)) for measure, each in bootstraps.items()}
    theirs = drawn(divisor, {}) if divisor else {}
    return Confidence(
        conformal=plan,
        grouped=tuple(name for name in result.scope.datasets if name in known),
        cells=cells,
        datasets=datasets,
        overall=DatasetConfidence(
            clean=ConfidenceNumbers.average({name: d.clean for name, d in datasets.items()}, plan.level),
            corrupted=ConfidenceNumbers.average(
                {name: d.corrupted for name, d in datasets.items()}, plan.level
            ),
        ),
        baseline=None if baseline is None else baseline.result.run.who,
        measures=bootstraps,
        losses={measure: each.estimates() for measure, each in numbers.items()},
        loss_differences={
            measure: numbers[measure].minus(LossNumbers.of(measured(each, divisor, units)))
            for measure, each in theirs.items()
        },
    )


def _answers(saved: SavedResult) -> dict[SetKey, Answers]:
    """Return the answers of every valid cell, in the order of its rows."""
    return {
        key: checked_answers(
            cell.probabilities,
            cell.labels,
            predictions=cell.predictions,
            class_names=saved.result.run.benchmark.dataset(key.dataset).class_names,
        )
        for key, cell in saved.predictions.items()
        if cell.finite.all()
    }


def _tables(saved: SavedResult, answers: Mapping[SetKey, Answers]) -> dict[str, AnswerTable]:
    by_dataset: dict[str, dict[SetKey, tuple[tuple[str, ...], Answers]]] = {}
    for key, each in answers.items():
        by_dataset.setdefault(key.dataset, {})[key] = (saved.predictions[key].image_ids, each)
    return {dataset: answer_table(cells) for dataset, cells in by_dataset.items()}


def _conformal(
    table: AnswerTable | None, plan: ConformalPlan, groups: Mapping[str, int] | None
) -> Mapping[SetKey, tuple[Spread, Spread]] | str:
    """Return coverage and size of the sets of each valid cell of a dataset, or why there are none."""
    if table is None or (place := table.clean) is None:
        return _UNCALIBRATED
    if table.probabilities is None:
        return _IN_WORDS
    if groups is not None and (alone := sorted({*table.image_ids} - {*groups})):
        raise ConfigError(
            f"the group of the image {alone[0]!r} of {table.dataset} is not known: give the groups of the "
            "benchmark that was scored"
        )
    halves = calibrating(table.dataset, table.image_ids, plan, groups)
    if (fewest := int(halves.sum(axis=1).min())) < plan.fewest:
        return (
            f"half of the images are only {fewest}, and sets of {100 * plan.level:g} % need at least "
            f"{plan.fewest} to be calibrated on"
        )
    of_label = table.probabilities[place][np.arange(len(table.labels)), table.labels]
    least = thresholds(of_label, halves, plan)
    found = {}
    for key, probabilities in zip(table.keys, table.probabilities, strict=True):
        sets = coverage(table.labels, probabilities, least, halves)
        found[key] = Spread(samples=sets.shares), Spread(samples=sets.sizes)
    return found


def _cell(
    saved: SavedResult,
    key: SetKey,
    answers: Answers | None,
    sets: Mapping[SetKey, tuple[Spread, Spread]] | str,
    plan: ConformalPlan,
) -> ConfidenceNumbers:
    """Return one cell's numbers; a cell that is missing or invalid has the reason in place of each."""
    if answers is None:
        scored = saved.result.cell(key)
        return ConfidenceNumbers.undefined((scored and scored.top1.reason) or "not scored", plan.level)
    both = (Spread(reason=sets),) * 2 if isinstance(sets, str) else sets[key]
    scores = {name: METRICS[name](answers) for name in SCORES}
    return ConfidenceNumbers(scores=scores, coverage=both[0], size=both[1], level=plan.level)


def _bins(cells: list[Answers]) -> Reliability | None:
    """Return the bins over all images of some cells; None without probabilities."""
    parts = [
        (each.probabilities[np.arange(len(each.labels)), each.predictions], each.predictions == each.labels)
        for each in cells
        if each.probabilities is not None
    ]
    if not parts:
        return None
    confidences, correct = (np.concatenate(side) for side in zip(*parts, strict=True))
    return reliability(confidences, correct)
