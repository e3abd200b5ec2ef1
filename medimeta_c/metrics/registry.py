"""Registry of the metrics of a cell, to which other distributions can add their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from typing import cast

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, MissingExtraError
from medimeta_c.metrics.confidence.calibration import ece
from medimeta_c.metrics.confidence.scoring_rules import MOST_BRIER, MOST_NLL, brier, nll
from medimeta_c.metrics.confidence.selection import aurc
from medimeta_c.metrics.values import Number
from medimeta_corruptions.registry import Registry

__all__ = [
    "BUILT_IN",
    "METRICS",
    "Answers",
    "Labels",
    "Metric",
    "Probabilities",
    "chosen_metrics",
]

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]

_TOLERANCE = 1e-9
_ABSENT = {
    "probabilities": "the model answered in words, without probabilities",
    "groups": "the benchmark does not say which images belong together",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """A model's valid answers to the N images of one cell: what a metric may ask for by name.

    Parameters
    ----------
    labels : ndarray of int64, shape (N,)
        True labels, 0 to K - 1.
    predictions : ndarray of int64, shape (N,)
        Predicted labels; below 0 where the model gave no answer, which is wrong.
    probabilities : ndarray of float64, shape (N, K), or None
        Class probabilities; None of a model that answers in words.
    class_names : sequence of str
        K names, in label order.
    groups : ndarray of int64, shape (N,), or None
        A running number of what images belong together, such as a patient's; None where nobody knows.
    """

    labels: Labels
    predictions: Labels
    probabilities: Probabilities | None
    class_names: Sequence[str]
    groups: Labels | None = None


_INPUTS = tuple(field.name for field in fields(Answers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number that says how good a model's answers to one cell are.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores; the key in ``result.json``.
    label : str
        What people read.
    function : callable
        Takes the `inputs` by name; returns a float in the range, or a `Number` without value that says why
        there is none. It is called with what is there: without probabilities, or groups, that it asks for
        the number is undefined.
    inputs : tuple of str
        Of ``"labels"``, ``"predictions"``, ``"probabilities"``, ``"class_names"`` and ``"groups"``; see
        `Answers`.
    low, high : float
        The range of its values.
    lower_is_better : bool
        Its direction.
    unit : str, optional
        ``"%"`` for a fraction that people read in percent; another unit, or none, for a number that is shown
        as it is. By default, percent if the range lies within -1 to 1, and else no unit.

    Raises
    ------
    ConfigError
        If it is not what it must be.

    Examples
    --------
    >>> error = Metric(
    ...     name="error", label="Error", inputs=("labels", "predictions"), lower_is_better=True,
    ...     function=lambda labels, predictions: np.mean(labels != predictions))
    >>> labels = np.array([0, 1])
    >>> error(Answers(labels=labels, predictions=labels, probabilities=None, class_names=("a", "b"))).value
    0.0
    """

    name: str
    label: str
    function: Callable[..., float | Number]
    inputs: tuple[str, ...]
    low: float = 0.0
    high: float = 1.0
    lower_is_better: bool = False
    unit: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_]{0,99}", self.name):
            raise ConfigError(f"metric name {self.name!r} is not usable: use letters, digits and underscores")
        if unknown := sorted({*self.inputs} - {*_INPUTS}):
            raise ConfigError(f"the metric {self.name!r} asks for {unknown[0]!r}: use {', '.join(_INPUTS)}")
        if not self.low < self.high:
            raise ConfigError(f"the metric {self.name!r} has no range: low {self.low}, high {self.high}")

    def __call__(self, answers: Answers) -> Number:
        """Return the number of one cell; a ConfigError if the function gives one out of the range."""
        given = {name: getattr(answers, name) for name in self.inputs}
        for name, value in given.items():
            if value is None:
                return Number.undefined(_ABSENT[name])
        found = self.function(**given)
        if isinstance(found, Number):
            if found.value is None:
                return found
            found = found.value
        value = float(found)
        within = min(max(value, self.low), self.high)
        if not abs(value - within) <= _TOLERANCE:  # NaN is not, either
            raise ConfigError(
                f"the metric {self.name!r} gave {value}: expected {self.low:g} to {self.high:g}, or a "
                "Number that says why there is none"
            )
        return Number(value=within)

    @property
    def in_percent(self) -> bool:
        """Whether a value is a fraction that people read in percent."""
        if self.unit is None:
            return self.low >= -1 and self.high <= 1
        return self.unit == "%"

    def admits(self, value: float) -> bool:
        """Return whether a value is in the range."""
        return self.low <= value <= self.high


def top1(labels: Labels, predictions: Labels) -> float:
    """Return the share of images predicted right."""
    return np.count_nonzero(predictions == labels) / len(labels)


def balanced_accuracy(labels: Labels, predictions: Labels) -> float:
    """Return the mean, over the classes that have images, of the share of their images predicted right.

    A class without images has no recall and takes no part.
    """
    images = np.bincount(labels)
    right = np.bincount(labels[predictions == labels], minlength=len(images))
    present = images > 0
    return float(np.mean(right[present] / images[present]))


def macro_auroc(labels: Labels, probabilities: Probabilities, class_names: Sequence[str]) -> float | Number:
    """Return the mean over classes of the one-vs-rest area under the ROC curve.

    With two classes whose probabilities sum to 1, both one-vs-rest areas are the usual binary AUROC, and so
    is their mean. Undefined where a class has no images, or is the only one that has.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    """
    images = np.bincount(labels, minlength=len(class_names))
    absent = [name for name, count in zip(class_names, images, strict=True) if count == 0]
    if absent:
        return Number.undefined(
            f"no image has class {', '.join(absent)}, so its one-vs-rest AUROC does not exist"
        )
    area = _roc_auc_score()
    return float(np.mean([area(labels == k, probabilities[:, k]) for k in range(len(class_names))]))


def _roc_auc_score() -> Callable[..., float]:
    """Import scikit-learn's function where it is needed: the base install does not have it."""
    try:
        module = import_module("sklearn.metrics")
    except ImportError as error:
        raise MissingExtraError("macro AUROC", "leaderboard") from error  # who evaluates has it
    return cast("Callable[..., float]", module.roc_auc_score)


_OWN = (
    Metric(name="top1", label="Top-1 accuracy", function=top1, inputs=("labels", "predictions")),
    Metric(
        name="balanced_accuracy",
        label="Balanced accuracy",
        function=balanced_accuracy,
        inputs=("labels", "predictions"),
    ),
    Metric(
        name="macro_auroc",
        label="Macro AUROC",
        function=macro_auroc,
        inputs=("labels", "probabilities", "class_names"),
    ),
    Metric(
        name="ece",
        label="ECE",
        function=ece,
        inputs=("labels", "predictions", "probabilities"),
        lower_is_better=True,
    ),
)

_ON_REQUEST = (
    Metric(
        name="nll",
        label="NLL",
        function=nll,
        inputs=("labels", "probabilities"),
        high=MOST_NLL,
        unit="nats",
        lower_is_better=True,
    ),
    Metric(
        name="brier",
        label="Brier score",
        function=brier,
        inputs=("labels", "probabilities"),
        high=MOST_BRIER,
        lower_is_better=True,
    ),
    Metric(
        name="aurc",
        label="AURC",
        function=aurc,
        inputs=("labels", "predictions", "probabilities"),
        lower_is_better=True,
    ),
)

METRICS: Registry[Metric] = Registry("medimeta_c.metrics", Metric, _OWN + _ON_REQUEST, error=ConfigError)
"""Every metric by name: those that each cell has a field for, then those that a result has if it is asked
for them, of this package and of other distributions."""

BUILT_IN = tuple(metric.name for metric in _OWN)
"""Names of the metrics that every result has."""


def chosen_metrics(wanted: Iterable[str | Metric] = ()) -> tuple[Metric, ...]:
    """Return the metrics of every result, and those wanted beside them.

    Raises
    ------
    ConfigError
        If a name is unknown, or stands for two metrics.
    """
    found = {metric.name: metric for metric in _OWN}
    for one in wanted:
        metric = METRICS.find(one) if isinstance(one, str) else one
        known = found.setdefault(metric.name, METRICS.get(metric.name, metric))
        if known != metric:
            raise ConfigError(f"two metrics are named {metric.name!r}: rename one")
    return tuple(found.values())
