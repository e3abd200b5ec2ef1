"""Error rates of one model laid out for corruption errors, and what they are taken over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.suites import Suite

__all__ = ["ErrorGrid", "Scope", "SeveritySum", "error_grids"]


@dataclass(frozen=True, slots=True)
class SeveritySum:
    """Σ_s E_s under one corruption: all that a corruption error needs to know.

    Parameters
    ----------
    total : float
        The sum of the error rates, each a fraction in [0, 1].
    severities : tuple of int
        The severities summed over, ascending.
    errors : tuple of float or None
        The single rates, one per severity; None where only their mean was published.
    """

    total: float
    severities: tuple[int, ...]
    errors: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.severities or list(self.severities) != sorted(set(self.severities)):
            raise ConfigError(f"severities {self.severities} are not one or more, ascending and distinct")
        # The margin is for sums of floating-point means, not for wrong units.
        if not -1e-9 <= self.total <= len(self.severities) + 1e-9:
            raise ConfigError(
                f"{self.total} is not a sum of {len(self.severities)} error rates: expected 0 to 1 each"
            )

    @classmethod
    def of(cls, errors: Mapping[int, float]) -> SeveritySum:
        """Return the sum of measured error rates, one per severity."""
        severities = tuple(sorted(errors))
        return cls(math.fsum(errors.values()), severities, tuple(errors[s] for s in severities))

    @classmethod
    def from_mean(cls, error: float, severities: tuple[int, ...]) -> SeveritySum:
        """Return the sum behind a published mean over `severities`; the single rates stay unknown."""
        return cls(error * len(severities), severities)

    def over(self, severities: tuple[int, ...]) -> float | None:
        """Return the sum over exactly these severities, None where it cannot be known."""
        if severities == self.severities:
            return self.total
        if self.errors is None or not set(severities) <= set(self.severities):
            return None
        return math.fsum(e for s, e in zip(self.severities, self.errors, strict=True) if s in severities)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGrid:
    """Error rates (1 - top-1 accuracy) of one model on one dataset.

    Parameters
    ----------
    dataset, split : str
        What was scored.
    clean : float or None
        Error on clean images, in [0, 1]; None where it was not measured.
    corrupted : mapping of str to SeveritySum
        By corruption; those not measured are absent.
    """

    dataset: str
    split: str
    clean: float | None
    corrupted: Mapping[str, SeveritySum]

    def __post_init__(self) -> None:
        if self.clean is not None and not 0 <= self.clean <= 1:
            raise ConfigError(f"{self.clean} is not the clean error of {self.dataset}: expected 0 to 1")

    def missing(self, corruption: str, severities: tuple[int, ...]) -> tuple[SetKey, ...]:
        """Return the cells of one row that were not measured; `corruption` may be ``"clean"``."""
        if corruption == CLEAN:
            return (SetKey(self.dataset, self.split, CLEAN, 0),) if self.clean is None else ()
        row = self.corrupted.get(corruption)
        have = row.severities if row is not None else ()
        return tuple(SetKey(self.dataset, self.split, corruption, s) for s in severities if s not in have)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an mCE is taken over.

    Parameters
    ----------
    corruptions : mapping of str to tuple of str
        By dataset, in the order of reports. Datasets may differ in their corruptions.
    severities : tuple of int
        The severities summed over, the same everywhere.
    split : str
        The split scored.
    """

    corruptions: Mapping[str, tuple[str, ...]]
    severities: tuple[int, ...]
    split: str = "test"

    def __post_init__(self) -> None:
        empty = [dataset for dataset, corruptions in self.corruptions.items() if not corruptions]
        if not self.corruptions or not self.severities or empty:
            raise ConfigError(
                "an mCE needs at least one dataset, one severity, and for every dataset one corruption "
                f"(datasets: {list(self.corruptions)}; without corruptions: {empty})"
            )

    @classmethod
    def of_suite(cls, suite: Suite, *, datasets: Iterable[str] | None = None, split: str = "test") -> Scope:
        """Return the scope of a suite, or of some datasets under the suite's corruptions and severities."""
        chosen = suite.datasets if datasets is None else tuple(datasets)
        return cls(
            corruptions=dict.fromkeys(chosen, suite.corruptions), severities=suite.severities, split=split
        )

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
        shared = {
            dataset: tuple(c for c in corruptions if c in self.grid(grids, dataset).corrupted)
            for dataset, corruptions in self.corruptions.items()
        }
        kept = {dataset: shared[dataset] or own for dataset, own in self.corruptions.items()}
        return Scope(corruptions=kept, severities=self.severities, split=self.split)

    def missing(self, grids: Mapping[str, ErrorGrid]) -> tuple[SetKey, ...]:
        """Return the cells of this scope that `grids` do not have, in the order of `cells`."""
        return tuple(
            key
            for dataset, corruptions in self.corruptions.items()
            for grid in (self.grid(grids, dataset),)
            for corruption in (CLEAN, *corruptions)
            for key in grid.missing(corruption, self.severities)
        )

    def grid(self, grids: Mapping[str, ErrorGrid], dataset: str) -> ErrorGrid:
        """Return a dataset's grid, an empty one where `grids` have none of this split."""
        grid = grids.get(dataset)
        if grid is None or grid.split != self.split:
            return ErrorGrid(dataset=dataset, split=self.split, clean=None, corrupted={})
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
    clean: dict[tuple[str, str], float] = {}
    rows: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for key, error in errors.items():
        if not 0 <= error <= 1:
            raise ConfigError(f"{error} is not the error rate of {key}: expected 0 to 1")
        rows.setdefault((key.dataset, key.split), {})
        if key.corruption == CLEAN:
            clean[key.dataset, key.split] = error
        else:
            rows[key.dataset, key.split].setdefault(key.corruption, {})[key.severity] = error
    grids: dict[str, ErrorGrid] = {}
    for dataset, split in sorted(rows):
        if dataset in grids:
            raise ConfigError(
                f"{dataset} has cells of splits {grids[dataset].split} and {split}: score one split at a time"
            )
        sums = {name: SeveritySum.of(row) for name, row in sorted(rows[dataset, split].items())}
        grids[dataset] = ErrorGrid(
            dataset=dataset, split=split, clean=clean.get((dataset, split)), corrupted=sums
        )
    return grids
