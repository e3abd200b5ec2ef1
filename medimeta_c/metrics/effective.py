"""Effective robustness: accuracy under corruption beyond what clean accuracy alone lets expect.

Over many models, accuracy under a shift follows accuracy without it closely, on a line if both have logit
axes. A model above the line loses less than models of its clean accuracy do. Its own line is fitted
through the other models only: with few models a line bends towards each of them, so that a model would hide
a part of its own distance, most at the ends.

References
----------
.. [1] R. Taori et al., "Measuring Robustness to Natural Distribution Shifts in Image Classification",
   NeurIPS 2020 (effective robustness, section 2; logit axes).
.. [2] J. P. Miller et al., "Accuracy on the Line: On the Strong Correlation Between Out-of-Distribution and
   In-Distribution Generalization", ICML 2021 (linear fits on transformed axes).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy.special import expit

from medimeta_c.metrics.values import Number

__all__ = [
    "FEWEST_MODELS",
    "EffectiveRobustness",
    "Line",
    "ModelPoint",
    "effective_robustness",
    "fitted_line",
]

FEWEST_MODELS = 8
"""The fewest models that a line is fitted through."""

_NO_LOGIT = "an accuracy of 0 or 1 has no logit"
_SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPoint:
    """Two accuracies of one result.

    Parameters
    ----------
    model : str
        What names the model: results of one model with other prompts, say, are not two models.
    clean, corrupted : Number
        Accuracy on clean images, and average accuracy under corruption.
    """

    model: str
    clean: Number
    corrupted: Number

    @property
    def logits(self) -> tuple[float, float] | None:
        """Both accuracies on logit axes; None where one is undefined, 0 or 1."""
        if self.reason is not None or self.clean.value is None or self.corrupted.value is None:
            return None
        return _logit(self.clean.value), _logit(self.corrupted.value)

    @property
    def reason(self) -> str | None:
        """Why the point has no place on logit axes."""
        for number in (self.clean, self.corrupted):
            if number.value is None:
                return number.reason
            if not 0 < number.value < 1:
                return _NO_LOGIT
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through models on logit axes.

    Parameters
    ----------
    slope, intercept : float
        logit(corrupted) = slope · logit(clean) + intercept, by least squares.
    models : int
        Models that it was fitted through.
    low, high : float
        Least and largest clean accuracy among them: beyond, the line is a guess.
    """

    slope: float
    intercept: float
    models: int
    low: float
    high: float

    def logit(self, clean: float) -> float:
        """Return where the line is on the logit axis of accuracy under corruption, for `clean` in (0, 1)."""
        return self.slope * _logit(clean) + self.intercept

    def expected(self, clean: float) -> float:
        """Return the accuracy under corruption of a model on the line, for a clean accuracy in (0, 1)."""
        return float(expit(self.logit(clean)))


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveRobustness:
    """How far a model is above the line through the others.

    Parameters
    ----------
    residual : Number
        Distance on the logit axis of accuracy under corruption; above 0, it loses less than the others.
    points : Number
        The same as a difference of accuracies, as [1]_ has it: accuracy minus the one expected.
    line : Line or None
        The line through the others, where there is one.
    extrapolated : bool
        Whether the model's clean accuracy is outside that of the others.
    """

    residual: Number
    points: Number
    line: Line | None = None
    extrapolated: bool = False


def effective_robustness(points: Mapping[str, ModelPoint]) -> dict[str, EffectiveRobustness]:
    """Return the effective robustness of each result.

    Parameters
    ----------
    points : mapping of str to ModelPoint
        By result. All must be measured on the same images: compare no other accuracies.

    Returns
    -------
    dict of str to EffectiveRobustness
        In the same order. Undefined, with the reason, where an accuracy is undefined, 0 or 1, where the other
        models are fewer than `FEWEST_MODELS`, or where they have all the same clean accuracy.
    """
    return {
        name: _of(point, [other for other in points.values() if other.model != point.model])
        for name, point in points.items()
    }


def fitted_line(points: Iterable[ModelPoint]) -> Line | str:
    """Fit a line through models, each at the mean of its results; return why not where there is none.

    Models with an accuracy of 0 or 1 are left out: a logit made up for them would be the farthest of all.
    """
    placed = sorted((point.model, logits) for point in points if (logits := point.logits) is not None)
    means = [
        np.mean([logits for _, logits in results], axis=0)
        for _, results in groupby(placed, key=lambda result: result[0])
    ]
    if len(means) < FEWEST_MODELS:
        return (
            f"a line needs {FEWEST_MODELS} other models measured on these images, and there are {len(means)}"
        )
    x, y = np.array(means).T
    if np.ptp(x) < _SAME:
        return "the other models have all the same clean accuracy, which leaves no line"
    slope = float(np.sum((x - x.mean()) * (y - y.mean())) / np.sum(np.square(x - x.mean())))
    low, high = (float(expit(end)) for end in (x.min(), x.max()))
    return Line(
        slope=slope, intercept=float(y.mean() - slope * x.mean()), models=len(means), low=low, high=high
    )


def _of(point: ModelPoint, others: list[ModelPoint]) -> EffectiveRobustness:
    clean, corrupted, reason = point.clean.value, point.corrupted.value, point.reason
    line = fitted_line(others)
    if reason is None and isinstance(line, str):
        reason = line
    if reason is not None or isinstance(line, str) or clean is None or corrupted is None:
        nothing = Number.undefined(reason or "")
        return EffectiveRobustness(residual=nothing, points=nothing)
    return EffectiveRobustness(
        residual=Number(value=_logit(corrupted) - line.logit(clean)),
        points=Number(value=corrupted - line.expected(clean)),
        line=line,
        extrapolated=not line.low - _SAME <= clean <= line.high + _SAME,
    )


def _logit(accuracy: float) -> float:
    return math.log(accuracy / (1 - accuracy))
