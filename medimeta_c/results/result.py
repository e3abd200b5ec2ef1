"""The result contract: ``result.json``, every number of one model on one benchmark fingerprint."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from medimeta_c.errors import IncompleteGridError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Document, Name, Record, Text, write_record
from medimeta_c.metrics.baselines import Baseline
from medimeta_c.metrics.grid import ErrorGrid, Scope, SeveritySum
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.score_records import CellRecord, Scores

__all__ = [
    "RESULT_NAME",
    "BaselineRecord",
    "Environment",
    "ResamplingRecord",
    "Result",
    "ScopeRecord",
    "read_result",
    "write_result",
]

RESULT_NAME = "result.json"
_REMEDY = "evaluate the model again, or restore the file"
_TOLERANCE = 1e-9

Fraction = Annotated[float, Field(ge=0, le=1)]
Severity = Annotated[int, Field(ge=1, le=5)]


class ScopeRecord(Record):
    """What the means are taken over: the cells requested."""

    split: Name
    severities: Annotated[tuple[Severity, ...], Field(min_length=1)]
    corruptions: Annotated[
        dict[Name, Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]], Field(min_length=1)
    ]

    @model_validator(mode="after")
    def _ordered(self) -> ScopeRecord:
        if list(self.severities) != sorted(set(self.severities)):
            raise ValueError("severities are not ascending and distinct")
        if any(CLEAN in each or len(set(each)) != len(each) for each in self.corruptions.values()):
            raise ValueError("corruptions are not distinct, or clean is among them")
        return self

    @classmethod
    def of(cls, scope: Scope) -> ScopeRecord:
        """Return the record of a scope."""
        return cls(split=scope.split, severities=scope.severities, corruptions=dict(scope.corruptions))

    def scope(self) -> Scope:
        """Return the scope recorded."""
        return Scope(corruptions=self.corruptions, severities=self.severities, split=self.split)


class _SumRecord(Record):
    total: Annotated[float, Field(ge=0, le=5)]
    severities: tuple[Severity, ...]
    errors: tuple[Fraction, ...] | None = None

    @model_validator(mode="after")
    def _errors_add_up(self) -> _SumRecord:
        sums = SeveritySum(self.total, self.severities, self.errors)
        if self.errors is not None and (
            len(self.errors) != len(self.severities) or abs(math.fsum(self.errors) - sums.total) > _TOLERANCE
        ):
            raise ValueError("the errors do not add up to their total")
        return self


class _GridRecord(Record):
    split: Name
    clean: Fraction | None
    corrupted: dict[Name, _SumRecord]


class BaselineRecord(Record):
    """What CE was divided by: enough to compute it again.

    Attributes
    ----------
    paired : bool
        Whether the baseline's predictions were there, so that intervals are paired image by image.
    left_out : dict
        By dataset, the corruptions scored that mCE leaves out because nothing was published of them.
    """

    name: Text
    model: Text
    source: Text
    measured_on_these_shards: bool
    note: Text
    paired: bool
    left_out: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    grids: dict[Name, _GridRecord]

    @classmethod
    def of(cls, baseline: Baseline, scope: Scope, *, paired: bool) -> BaselineRecord:
        """Return the record of a baseline on the datasets of a scope."""
        grids = {
            dataset: _GridRecord(
                split=grid.split,
                clean=grid.clean,
                corrupted={
                    name: _SumRecord(total=row.total, severities=row.severities, errors=row.errors)
                    for name, row in grid.corrupted.items()
                },
            )
            for dataset, grid in baseline.grids.items()
            if dataset in scope.corruptions
        }
        return cls(
            name=baseline.name,
            model=baseline.model,
            source=baseline.source,
            measured_on_these_shards=baseline.measured_on_these_shards,
            note=baseline.note,
            paired=paired,
            left_out=baseline.left_out(scope),
            grids=grids,
        )

    def baseline(self) -> Baseline:
        """Return the baseline recorded."""
        grids = {
            dataset: ErrorGrid(
                dataset=dataset,
                split=grid.split,
                clean=grid.clean,
                corrupted={
                    name: SeveritySum(row.total, row.severities, row.errors)
                    for name, row in grid.corrupted.items()
                },
            )
            for dataset, grid in self.grids.items()
        }
        return Baseline(
            name=self.name,
            model=self.model,
            source=self.source,
            measured_on_these_shards=self.measured_on_these_shards,
            note=self.note,
            grids=grids,
        )


class ResamplingRecord(Record):
    """How intervals were made; the same on another machine with the same NumPy."""

    scheme: Text
    resamples: Annotated[int, Field(ge=100, le=1_000_000)]
    level: Annotated[float, Field(ge=0.5, lt=1)]
    seed: int
    numpy: Text

    def plan(self) -> Resampling:
        """Return the plan recorded."""
        return Resampling(resamples=self.resamples, level=self.level, seed=self.seed)


class Environment(Record):
    """Where the predictions were made. It should not matter, and is written down for when it does."""

    device: Text
    batch_size: Annotated[int, Field(ge=1)]
    packages: dict[Text, Text]

    def joined(self, earlier: Environment) -> Environment:
        """Return the environment of predictions made partly earlier: both texts, where they differ."""
        names = {**earlier.packages, **self.packages}
        return Environment(
            device=_both(earlier.device, self.device),
            batch_size=self.batch_size,
            packages={
                name: _both(earlier.packages.get(name, text), self.packages.get(name, text))
                for name, text in names.items()
            },
        )


def _both(earlier: str, now: str) -> str:
    return "; ".join(dict.fromkeys([*earlier.split("; "), *now.split("; ")]))


class Result(Document):
    """Every number of one model on one benchmark fingerprint.

    Attributes
    ----------
    complete : bool
        Whether every cell of the scope is there. Invalid cells (NaN) are there.
    """

    complete: bool
    run: RunIdentity
    environment: Environment
    baseline: BaselineRecord | None
    resampling: ResamplingRecord
    scope: ScopeRecord
    scores: Scores

    @property
    def missing(self) -> tuple[SetKey, ...]:
        """Requested cells that were not scored, in the scope's order."""
        have = {cell.key for cell in self.scores.cells}
        return tuple(key for key in self.scope.scope().cells() if key not in have)

    @property
    def invalid(self) -> tuple[SetKey, ...]:
        """Cells in which the model gave NaN or infinity for at least one image."""
        return tuple(cell.key for cell in self.scores.cells if cell.invalid)

    @property
    def phantoms(self) -> tuple[str, ...]:
        """Datasets whose images are generated, not medical."""
        return tuple(entry.dataset for entry in self.run.benchmark.datasets if entry.is_phantom)

    def cell(self, key: SetKey) -> CellRecord | None:
        """Return one cell's scores; None if it was not scored."""
        return next((cell for cell in self.scores.cells if cell.key == key), None)

    def require_complete(self) -> None:
        """Refuse a result whose mCE would be over fewer cells than requested.

        Raises
        ------
        IncompleteGridError
            Naming the cells that are missing or invalid.
        """
        lacking = (*self.missing, *self.invalid)
        if lacking:
            raise IncompleteGridError(map(str, lacking), len(self.scope.scope().cells()))

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Result:
        wanted = set(self.scope.scope().cells())
        have = {cell.key for cell in self.scores.cells}
        if not have <= wanted:
            raise ValueError(f"the cell {min(have - wanted)} was not requested")
        if self.complete != (have == wanted):
            raise ValueError(f"complete is {self.complete}, with {len(have)} of {len(wanted)} cells")
        entries = {entry.dataset: entry.images for entry in self.run.benchmark.datasets}
        if not set(self.scope.corruptions) == set(self.scores.datasets) == set(entries):
            raise ValueError("the datasets of benchmark, scope and scores are not the same")
        if any(
            set(self.scores.datasets[name].ce) != set(each) for name, each in self.scope.corruptions.items()
        ):
            raise ValueError("the corruptions of scope and scores are not the same")
        if self.scope.split != self.run.split:
            raise ValueError("the split requested is not the split scored")
        if self.baseline is not None and (
            self.baseline.left_out != self.baseline.baseline().left_out(self.scope.scope())
        ):
            raise ValueError("the corruptions left out are not those that the baseline lacks")
        if any(cell.n != entries[cell.dataset] for cell in self.scores.cells):
            raise ValueError("a cell has another number of images than its dataset")
        return self


def write_result(folder: Path, result: Result) -> None:
    """Write ``result.json`` atomically."""
    write_record(folder / RESULT_NAME, result)


def read_result(path: Path) -> Result:
    """Read and check a result.

    Parameters
    ----------
    path : Path
        The ``result.json`` itself, or its folder.

    Raises
    ------
    ResultError
        If it is missing, of another schema, or anything in it does not fit; the message says where.
    """
    return read_record(path / RESULT_NAME if path.is_dir() else path, Result, _REMEDY)
