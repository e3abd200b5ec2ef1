"""Records of numbers: what a result says of single cells, of datasets and over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.records import Count, Name, Record, Sha256, Text
from medimeta_c.metrics.corruption_error import Summary
from medimeta_c.metrics.values import Interval, Value

__all__ = ["CellRecord", "Estimate", "Number", "Scores", "SummaryRecord"]

_TOLERANCE = 1e-9


class Number(Record):
    """A number, or the reason why there is none. Accuracies, errors and CE are fractions (1.0 is 100 %)."""

    value: float | None
    reason: Text | None = None

    @model_validator(mode="after")
    def _value_or_reason(self) -> Number:
        Value(self.value, self.reason)
        return self

    @classmethod
    def of(cls, value: Value) -> Number:
        """Return the record of a value."""
        return cls(value=value.value, reason=value.reason)


class Estimate(Number):
    """A number with its confidence interval, or the reason why it has none."""

    low: float | None
    high: float | None
    interval_reason: Text | None = None

    @model_validator(mode="after")
    def _interval_or_reason(self) -> Estimate:
        Interval(self.low, self.high, self.interval_reason)
        return self

    @classmethod
    def with_interval(cls, value: Value, interval: Interval) -> Estimate:
        """Return the record of a value and its interval."""
        return cls(
            value=value.value,
            reason=value.reason,
            low=interval.low,
            high=interval.high,
            interval_reason=interval.reason,
        )


class CellRecord(Record):
    """Scores of one cell; see `metrics.scores.CellScore`.

    Attributes
    ----------
    invalid : int
        Images with NaN or infinity.
    predictions_sha256 : str
        Of the predictions scored; see `results.predictions.CellPredictions.digest`.
    """

    dataset: Name
    split: Name
    corruption: Name
    severity: Annotated[int, Field(ge=0, le=5)]
    n: Annotated[int, Field(ge=1)]
    invalid: Count
    correct: Count
    top1: Estimate
    balanced_accuracy: Number
    macro_auroc: Number
    ece: Number
    predictions_sha256: Sha256

    @property
    def key(self) -> SetKey:
        """The set that was scored."""
        return SetKey(self.dataset, self.split, self.corruption, self.severity)

    @model_validator(mode="after")
    def _counts_fit(self) -> CellRecord:
        if (self.corruption == CLEAN) != (self.severity == 0):
            raise ValueError("severity is 1-5, and 0 exactly for clean")
        scores = (self.top1, self.balanced_accuracy, self.macro_auroc, self.ece)
        if self.invalid + self.correct > self.n or (self.invalid > 0) != (self.top1.value is None):
            raise ValueError("the counts of images do not fit together")
        if any(one.value is not None and not 0 <= one.value <= 1 for one in scores):
            raise ValueError("a score is not between 0 and 1")
        if self.top1.value is not None and abs(self.top1.value - self.correct / self.n) > _TOLERANCE:
            raise ValueError("top-1 accuracy is not the share of correct images")
        return self


class SummaryRecord(Record):
    """Robustness on one dataset, or over the datasets; see `medimeta_c.metrics.corruption_error.Summary`.

    `accuracy` is top-1 accuracy by corruption, the mean over severities: a row of the paper's Table 3.
    """

    clean_accuracy: Estimate
    average_accuracy: Estimate
    accuracy: dict[Name, Number]
    clean_error: Estimate
    ce: dict[Name, Estimate]
    mce: Estimate
    relative_ce: dict[Name, Estimate]
    relative_mce: Estimate

    @classmethod
    def of(cls, accuracy: Mapping[str, Value], summary: Summary[Estimate]) -> SummaryRecord:
        """Return the record of a summary."""
        return cls(
            clean_accuracy=summary.clean_accuracy,
            average_accuracy=summary.average_accuracy,
            accuracy={name: Number.of(value) for name, value in accuracy.items()},
            clean_error=summary.clean_error,
            ce=dict(summary.ce),
            mce=summary.mce,
            relative_ce=dict(summary.relative_ce),
            relative_mce=summary.relative_mce,
        )


class Scores(Record):
    """Every number that follows from predictions. Cells are in canonical order."""

    cells: tuple[CellRecord, ...]
    datasets: dict[Name, SummaryRecord]
    overall: SummaryRecord

    @model_validator(mode="after")
    def _each_cell_once(self) -> Scores:
        keys = [cell.key for cell in self.cells]
        if keys != sorted(set(keys)):
            raise ValueError("the cells are not in order, or one is given twice")
        return self
