"""Error rates of one model, arranged for corruption errors, and the scope they are taken over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.suites import Suite
from medimeta_c.io.records import Name
from medimeta_c.metrics.values import Asked

__all__ = ["ErrorGrid", "Scope", "Severity", "SeveritySum", "error_grids"]

_TOLERANCE = 1e-9
"""Of sums of floating-point numbers, not of wrong units."""


def _rate(error: float) -> float:
    if not 0 <= error <= 1:
        raise ValueError(f"{error} is not an error rate: expected 0 to 1")
    return error


# NaN is let through to the functions, which name the range.
Rate = Annotated[float, Field(allow_inf_nan=True), AfterValidator(_rate)]
Severity = Annotated[int, Field(ge=1, le=5)]


class SeveritySum(Asked):
    """Σ_s E_s under one corruption: all that a corruption error needs to know.

    Attributes
    ----------
    total : float
        The sum of the error rates, each a fraction in [0, 1].
    severities : tuple of int
        The severities summed over, ascending.
    errors : tuple of float or None
        The single rates, one per severity; None where only their mean was published.
    """

    total: Annotated[float, Field(allow_inf_nan=True)]
    severities: tuple[Severity, ...]
    errors: tuple[Rate, ...] | None = None

    @model_validator(mode="after")
    def _is_a_sum(self) -> SeveritySum:
        count = len(self.severities)
        if not count or list(self.severities) != sorted(set(self.severities)):
            raise ValueError(f"severities {self.severities} must be one or more, ascending and distinct")
        if not -_TOLERANCE <= self.total <= count + _TOLERANCE:
            raise ValueError(f"{self.total} is not a sum of {count} error rates: expected 0 to 1 each")
        if self.errors is not None and (
            len(self.errors) != count or abs(math.fsum(self.errors) - self.total) > _TOLERANCE
        ):
            raise ValueError("the errors do not add up to their total")
        return self

    @classmethod
    def of(cls, errors: Mapping[int, float]) -> SeveritySum:
        """Return the sum of measured error rates, one per severity."""
        severities = tuple(sorted(errors))
        single = tuple(errors[severity] for severity in severities)
        return cls(total=math.fsum(single), severities=severities, errors=single)

    @classmethod
    def from_mean(cls, error: float, severities: tuple[int, ...]) -> SeveritySum:
        """Return the sum behind a published mean over `severities`; the single rates stay unknown."""
        return cls(total=error * len(severities), severities=severities)

    def over(self, severities: tuple[int, ...]) -> float | None:
        """Return the sum over exactly these severities, None where it cannot be known."""
        if severities == self.severities:
            return self.total
        if self.errors is None or not set(severities) <= set(self.severities):
            return None
        return math.fsum(e for s, e in zip(self.severities, self.errors, strict=True) if s in severities)


class ErrorGrid(Asked):
    """Error rates (1 - top-1 accuracy) of one model on one dataset.

    Attributes
    ----------
    split : str
        What was scored.
    clean : float or None
        Error on clean images, in [0, 1]; None where it was not measured.
    corrupted : dict of str to SeveritySum
        By corruption; those not measured are absent.
    """

    split: Name
    clean: Rate | None
    corrupted: dict[Name, SeveritySum]

    def missing(self, dataset: str, corruption: str, severities: tuple[int, ...]) -> tuple[SetKey, ...]:
        """Return the cells of one row that were not measured; `corruption` may be ``"clean"``."""
        if corruption == CLEAN:
            return (SetKey(dataset, self.split, CLEAN, 0),) if self.clean is None else ()
        row = self.corrupted.get(corruption)
        have = row.severities if row is not None else ()
        return tuple(SetKey(dataset, self.split, corruption, s) for s in severities if s not in have)


class Scope(Asked):
    """What an mCE is taken over: the cells requested.

    Attributes
    ----------
    split : str
        The split scored.
    severities : tuple of int
        The severities summed over, the same everywhere.
    corruptions : dict of str to tuple of str
        By dataset, in the order of reports. Datasets may differ in their corruptions.
    """

    split: Name = "test"
    severities: tuple[Severity, ...]
    corruptions: dict[Name, Annotated[tuple[Name, ...], Field(max_length=100)]]

    @model_validator(mode="after")
    def _is_a_grid(self) -> Scope:
        empty = [dataset for dataset, corruptions in self.corruptions.items() if not corruptions]
        if not self.corruptions or not self.severities or empty:
            raise ValueError(
                "an mCE needs at least one dataset, one severity, and for every dataset one corruption "
                f"(datasets: {list(self.corruptions)}; without corruptions: {empty})"
            )
        if list(self.severities) != sorted(set(self.severities)):
            raise ValueError("severities must be ascending and distinct")
        if any(CLEAN in each or len(set(each)) != len(each) for each in self.corruptions.values()):
            raise ValueError("corruptions must be distinct and must not include clean")
        return self

    @classmethod
    def of_suite(cls, suite: Suite, datasets: Iterable[str], *, split: str = "test") -> Scope:
        """Return the scope of some datasets under a suite's corruptions and severities."""
        corruptions = {name: suite.corruptions_of(name) for name in datasets}
        return cls(corruptions=corruptions, severities=suite.severities, split=split)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets, in order."""
        return tuple(self.corruptions)

    def cells(self) -> tuple[SetKey, ...]:
        """Return every cell: per dataset the clean one, then corruption by corruption."""
        return tuple(
            SetKey(dataset, self.split, corruption, severity)
            for dataset, corruptions in self.corruptions.items()
            for corruption, severity in ((CLEAN, 0), *((c, s) for c in corruptions for s in self.severities))
        )

    def shared_with(self, grids: Mapping[str, ErrorGrid]) -> Scope:
        """Return the scope without the corruptions that `grids`, e.g. a baseline's, do not have.

        For benchmarks whose corruptions are their own, such as the official MedMNIST-C. Whoever
        narrows a scope says so beside the mCE: it is another number than the suite's. A dataset with no
        corruption in common keeps all of its own, so that its mCE is undefined and says what is lacking.
        """
        kept = {
            dataset: tuple(c for c in own if c in self.grid(grids, dataset).corrupted) or own
            for dataset, own in self.corruptions.items()
        }
        return self.model_copy(update={"corruptions": kept})

    def missing(self, grids: Mapping[str, ErrorGrid]) -> tuple[SetKey, ...]:
        """Return the cells of this scope that `grids` do not have, in the order of `cells`."""
        return tuple(
            key
            for dataset, corruptions in self.corruptions.items()
            for corruption in (CLEAN, *corruptions)
            for key in self.grid(grids, dataset).missing(dataset, corruption, self.severities)
        )

    def grid(self, grids: Mapping[str, ErrorGrid], dataset: str) -> ErrorGrid:
        """Return a dataset's grid, an empty one where `grids` have none of this split."""
        grid = grids.get(dataset)
        if grid is None or grid.split != self.split:
            return ErrorGrid(split=self.split, clean=None, corrupted={})
        return grid


def error_grids(errors: Mapping[SetKey, float]) -> dict[str, ErrorGrid]:
    """Lay out the error rates of single cells, whatever their order.

    Parameters
    ----------
    errors : mapping of SetKey to float
        Error rate of each valid cell, in [0, 1]; leave out cells that are missing or invalid.

    Returns
    -------
    dict of str to ErrorGrid
        By dataset.

    Raises
    ------
    ConfigError
        If a number is not an error rate, or a dataset comes with two splits.
    """
    splits: dict[str, str] = {}
    clean: dict[str, float] = {}
    rows: dict[str, dict[str, dict[int, float]]] = {}
    for key, error in sorted(errors.items()):
        if not 0 <= error <= 1:
            raise ConfigError(f"{error} is not the error rate of {key}: expected 0 to 1")
        split = splits.setdefault(key.dataset, key.split)
        if split != key.split:
            raise ConfigError(
                f"{key.dataset} has cells of splits {split} and {key.split}: score one split at a time"
            )
        if key.corruption == CLEAN:
            clean[key.dataset] = error
        else:
            rows.setdefault(key.dataset, {}).setdefault(key.corruption, {})[key.severity] = error
    return {
        dataset: ErrorGrid(
            split=split,
            clean=clean.get(dataset),
            corrupted={name: SeveritySum.of(row) for name, row in rows.get(dataset, {}).items()},
        )
        for dataset, split in splits.items()
    }
