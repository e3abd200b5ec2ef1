"""Records of scores: per cell, per dataset, and over all datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Generic, TypeVar

from pydantic import Field, model_validator

from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.records import Count, Name, Record, Sha256, Since
from medimeta_c.metrics.corruption_error import Where
from medimeta_c.metrics.registry import BUILT_IN, METRICS
from medimeta_c.metrics.values import Estimate, Number

__all__ = ["CellScore", "Scores", "Summary"]

T = TypeVar("T")
_TOLERANCE = 1e-9


class CellScore(Record):
    """Scores of one model on one set.

    Attributes
    ----------
    n : int
        Images in the set.
    invalid : int
        Images with NaN or infinity. A single one leaves every score undefined: dropping such images would
        flatter the model, counting them as wrong would hide a defect.
    correct : int
        Images among the others whose prediction is their label.
    top1, balanced_accuracy, macro_auroc, ece : Number
        The metrics of this package.
    predictions_sha256 : str
        Of the predictions scored; see `results.predictions.CellPredictions.digest`.
    metrics : dict of str to Number
        Those that were asked for beside them, of this package or of other distributions, by name.
    unanswered : int
        Images for which a model that answers in words named no class: they are wrong.
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
    metrics: Annotated[dict[Name, Number], Since(2)] = Field(default_factory=dict)
    unanswered: Annotated[Count, Since(2)] = 0

    @property
    def key(self) -> SetKey:
        """The set that was scored."""
        return SetKey(self.dataset, self.split, self.corruption, self.severity)

    @property
    def scores(self) -> dict[str, Number]:
        """Every metric by name."""
        return {**{name: getattr(self, name) for name in BUILT_IN}, **self.metrics}

    @property
    def error(self) -> Number:
        """1 - top-1 accuracy, the E of every corruption error; undefined for an invalid cell."""
        if self.top1.value is None:
            return self.top1
        return Number(value=(self.n - self.correct) / self.n)

    @model_validator(mode="after")
    def _numbers_fit(self) -> CellScore:
        if (self.corruption == CLEAN) != (self.severity == 0):
            raise ValueError("severity must be 1 to 5, or 0 for clean")
        if self.invalid + self.correct + self.unanswered > self.n or (self.invalid > 0) != (
            self.top1.value is None
        ):
            raise ValueError("the counts of images do not fit together")
        if reserved := sorted({*self.metrics} & {*type(self).model_fields}):
            raise ValueError(f"{reserved[0]} is a field, so it cannot name a metric of another distribution")
        for name, number in self.scores.items():
            # One that is not installed here has no range here; whoever computes it again needs it installed.
            if (metric := METRICS.get(name)) and number.value is not None and not metric.admits(number.value):
                raise ValueError(f"a score is not between {metric.low:g} and {metric.high:g}: {name}")
        if self.top1.value is not None and abs(self.top1.value - self.correct / self.n) > _TOLERANCE:
            raise ValueError("top-1 accuracy is not the share of correct images")
        return self


class Summary(Record, Generic[T]):
    """Every robustness number of one model on one dataset, or over the datasets.

    ``Summary[Number]`` holds the numbers, ``Summary[Estimate]`` also their intervals.

    Attributes
    ----------
    clean_accuracy, average_accuracy
        Top-1 accuracy on clean images, and the mean over corruptions of the mean over severities.
    accuracy
        Top-1 accuracy by corruption, the mean over severities: a row of the paper's Table 3.
    clean_error
        Clean error divided by the baseline's (1.0: as many errors as the baseline).
    ce, mce
        Corruption error by corruption, and their mean.
    relative_ce, relative_mce
        Loss of accuracy by corruption, Σ_s (E_s,c - E_clean), divided by the baseline's; and their mean.
    """

    clean_accuracy: T
    average_accuracy: T
    accuracy: dict[Name, Number]
    clean_error: T
    ce: dict[Name, T]
    mce: T
    relative_ce: dict[Name, T]
    relative_mce: T

    def numbers(self, dataset: str = "") -> dict[Where, T]:
        """Return every number, `accuracy` apart, by name and corruption."""
        found: dict[Where, T] = {}
        for name in type(self).model_fields:
            held = getattr(self, name)
            parts = held if isinstance(held, dict) else {"": held}
            found |= {(dataset, name, c): each for c, each in parts.items() if name != "accuracy"}
        return found


class Scores(Record, Generic[T]):
    """Every number that follows from predictions. Cells are in canonical order."""

    cells: tuple[CellScore, ...]
    datasets: dict[Name, Summary[T]]
    overall: Summary[T]

    @model_validator(mode="after")
    def _each_cell_once(self) -> Scores[T]:
        keys = [cell.key for cell in self.cells]
        if keys != sorted(set(keys)):
            raise ValueError("the cells are not in order, or one is a duplicate")
        return self

    @classmethod
    def of(
        cls,
        numbers: Mapping[Where, T],
        *,
        cells: Iterable[CellScore] = (),
        accuracy: Mapping[str, dict[str, Number]] | None = None,
    ) -> Scores[T]:
        """Return scores from single numbers; `accuracy` is by dataset, "" for all, and corruption."""
        fields: dict[str, dict[str, dict[str, T]]] = {}
        for (dataset, name, corruption), number in numbers.items():
            fields.setdefault(dataset, {}).setdefault(name, {})[corruption] = number
        summaries = {
            dataset: Summary(
                accuracy=(accuracy or {}).get(dataset, {}),
                ce=parts.pop("ce", {}),
                relative_ce=parts.pop("relative_ce", {}),
                **{name: each[""] for name, each in parts.items()},
            )
            for dataset, parts in fields.items()
        }
        overall = summaries.pop("")
        return cls(cells=tuple(cells), datasets=summaries, overall=overall)

    def numbers(self) -> dict[Where, T]:
        """Return every number of a summary, by dataset (the overall ones under ""), name and corruption."""
        found = self.overall.numbers()
        for dataset, summary in self.datasets.items():
            found |= summary.numbers(dataset)
        return found
