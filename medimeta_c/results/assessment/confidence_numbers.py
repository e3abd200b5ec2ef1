"""Records of confidence: numbers over cells and over random splits, and what is known of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medimeta_c.format.keys import SetKey
from medimeta_c.metrics.confidence.calibration import Reliability
from medimeta_c.metrics.confidence.conformal import ConformalPlan
from medimeta_c.metrics.corruption_error import FloatArray, mean_array
from medimeta_c.metrics.loss import Losses
from medimeta_c.metrics.measures.robustness import MeasureBootstrap
from medimeta_c.metrics.values import Difference, Estimate, Number, mean_number, undefined_parts

__all__ = ["SCORES", "Confidence", "ConfidenceNumbers", "DatasetConfidence", "Spread"]

SCORES = ("nll", "brier", "ece", "aurc")
"""The metrics of confidence, as the registry names them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """A number on each of S random splits, or the reason why there is none.

    Parameters
    ----------
    samples : ndarray of float64, shape (S,), or None
        The number on each split.
    reason : str
        Why there are none.
    """

    samples: FloatArray | None = None
    reason: str = ""

    @property
    def mean(self) -> Number:
        """The mean over the splits."""
        if self.samples is None:
            return Number.undefined(self.reason)
        return Number(value=float(self.samples.mean()))

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation over the splits; None where the number is undefined."""
        return None if self.samples is None else float(self.samples.std(ddof=1))

    @classmethod
    def average(cls, parts: Mapping[str, Spread]) -> Spread:
        """Return the mean of named numbers split by split; undefined, naming the parts, if any of them is."""
        known = {name: part.samples for name, part in parts.items() if part.samples is not None}
        if len(known) < len(parts):
            return cls(reason=_joint_reason({name: part.mean for name, part in parts.items()}))
        return cls(samples=mean_array(known))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfidenceNumbers:
    """Numbers of confidence of one cell, or their mean over cells or datasets.

    Parameters
    ----------
    scores : mapping of str to Number
        By name of `SCORES`.
    coverage, size : Spread
        Share of images whose conformal set holds the label, and mean number of classes in a set.
    level : float
        The share of images that the sets promise.
    bins : Reliability or None
        The bins of a reliability diagram over the images of all cells; None over several datasets, and where
        no cell has probabilities.
    """

    scores: Mapping[str, Number]
    coverage: Spread
    size: Spread
    level: float
    bins: Reliability | None = None

    @property
    def gap(self) -> Number:
        """Coverage minus the level promised; below 0, labels are missing from the sets."""
        mean = self.coverage.mean
        return mean if mean.value is None else Number(value=mean.value - self.level)

    @classmethod
    def average(
        cls, parts: Mapping[str, ConfidenceNumbers], level: float, bins: Reliability | None = None
    ) -> ConfidenceNumbers:
        """Return the mean of each number over named parts."""
        return cls(
            scores={
                name: _mean({part: each.scores[name] for part, each in parts.items()}) for name in SCORES
            },
            coverage=Spread.average({part: each.coverage for part, each in parts.items()}),
            size=Spread.average({part: each.size for part, each in parts.items()}),
            level=level,
            bins=bins,
        )

    @classmethod
    def undefined(cls, reason: str, level: float) -> ConfidenceNumbers:
        """Return the absence of every number, with its reason."""
        nothing = Spread(reason=reason)
        scores = dict.fromkeys(SCORES, Number.undefined(reason))
        return cls(scores=scores, coverage=nothing, size=nothing, level=level)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DatasetConfidence:
    """Confidence on clean images, and the mean over all corrupted cells: of a dataset, or over datasets."""

    clean: ConfidenceNumbers
    corrupted: ConfidenceNumbers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confidence:
    """How far a result's probabilities can be trusted.

    Parameters
    ----------
    conformal : ConformalPlan
        How conformal sets were made.
    grouped : tuple of str
        Datasets of which it is known what images belong together.
    cells : mapping of SetKey to ConfidenceNumbers
        Every cell of the scope.
    datasets : mapping of str to DatasetConfidence
        By dataset.
    overall : DatasetConfidence
        The mean over datasets.
    baseline : str or None
        The model that mCE by other measures divides by.
    measures : mapping of str to MeasureBootstrap
        By measure, the robustness numbers and their samples: for `measure_estimates` and
        `measure_differences`.
    losses : mapping of str to Losses of Estimate
        By measure, what corruption costs the model in it; chance is 1 / K for balanced accuracy, K the
        classes that have images, and 0.5 for AUROC.
    loss_differences : mapping of str to Losses of Difference
        The same minus the baseline's, paired image by image; empty without a baseline.
    """

    conformal: ConformalPlan
    grouped: tuple[str, ...]
    cells: Mapping[SetKey, ConfidenceNumbers]
    datasets: Mapping[str, DatasetConfidence]
    overall: DatasetConfidence
    baseline: str | None
    measures: Mapping[str, MeasureBootstrap]
    losses: Mapping[str, Losses[Estimate]]
    loss_differences: Mapping[str, Losses[Difference]]


def _mean(parts: Mapping[str, Number]) -> Number:
    mean = mean_number(parts)
    return mean if mean.value is not None else Number.undefined(_joint_reason(parts))


def _joint_reason(parts: Mapping[str, Number]) -> str:
    """Return why a mean is undefined; where all parts have one reason, that reason alone."""
    reasons = {part.reason or "" for part in parts.values()}
    return "".join(reasons) if len(reasons) == 1 else undefined_parts(parts)
