"""The result contract: ``result.json``, every number of one model on one benchmark fingerprint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from medimeta_c.errors import IncompleteGridError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Document, Name, Record, Sha256, Since, Text, write_record
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.io.tables.frame import data_frame
from medimeta_c.io.tables.notebook import notebook_html
from medimeta_c.metrics.baselines import Baseline
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.registry import BUILT_IN
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.metrics.summary import CellScore, Scores
from medimeta_c.metrics.values import Estimate, Number, mean_number
from medimeta_c.results.assessment.standing import INCOMPLETE, LIMITED, PHANTOMS, UNVERIFIED, Mark
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.views import cell_rows, result_table
from medimeta_c.results.words.summary import StatedConfidence

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RESULT_NAME", "Environment", "Result", "StoredMark", "read_result", "write_result"]

RESULT_NAME = "result.json"
_REMEDY = "evaluate the model again, or restore the file"

StoredMark = Literal["limited", "unverified"]
"""Marks that cannot be seen in the rest of a result; `Result.standing` has these and the others."""


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
    baseline : Baseline or None
        What CE was divided by.
    scope : Scope
        The cells requested.
    marks : tuple of str
        See `StoredMark`.
    plugins : tuple of PluginRecord
        What other distributions brought to it, such as metrics.
    blind : dict of str to Number
        By dataset, the accuracy of a model that answers in words when it is asked without the image.
    blind_grey : dict of str to Number
        By dataset, its accuracy when a grey image stands in the image's place.
    stated : dict of str to StatedConfidence
        By dataset, the calibration of the confidence that it states.
    answers_sha256 : str or None
        Of what such a model said; see `medimeta_c.results.words.answers`.
    """

    complete: bool
    run: RunIdentity
    environment: Environment
    baseline: Baseline | None
    resampling: Resampling
    scope: Scope
    scores: Scores[Estimate]
    marks: Annotated[tuple[StoredMark, ...], Since(2)] = ()
    plugins: Annotated[tuple[PluginRecord, ...], Since(2)] = ()
    blind: Annotated[dict[Name, Number], Since(2)] = Field(default_factory=dict)
    blind_grey: Annotated[dict[Name, Number], Since(2)] = Field(default_factory=dict)
    stated: Annotated[dict[Name, StatedConfidence], Since(2)] = Field(default_factory=dict)
    answers_sha256: Annotated[Sha256 | None, Since(2)] = None

    def __repr__(self) -> str:
        run, mce = self.run, self.scores.overall.mce.percent
        accuracy = self.scores.overall.average_accuracy.percent
        numbers = {"mCE": mce, "average accuracy": accuracy}
        shown = [f"{name} {number:.1f} %" for name, number in numbers.items() if number is not None]
        cells = f"{len(self.scores.cells)} of {len(self.scope.cells())} cells"
        return f"Result({run.who!r} on {run.benchmark.name!r}: {', '.join([cells, *shown])})"

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each cell: its key, images, and every metric, top-1 accuracy with its interval.

        Numbers are fractions; one that is undefined is NaN.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame(cell_rows(self.scores.cells))

    def _repr_html_(self) -> str:
        """Return accuracies, mCE and cells of each dataset, for a notebook."""
        return notebook_html(repr(self), [result_table(self)])

    @property
    def missing(self) -> tuple[SetKey, ...]:
        """Requested cells that were not scored, in the scope's order."""
        have = {cell.key for cell in self.scores.cells}
        return tuple(key for key in self.scope.cells() if key not in have)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics of each cell: those of every result, then those asked for beside them."""
        more = self.scores.cells[0].metrics if self.scores.cells else {}
        return (*BUILT_IN, *more)

    @property
    def is_in_words(self) -> bool:
        """Whether the model answered in words."""
        return bool(self.run.decoding)

    def unanswered(self, dataset: str = "") -> Number:
        """Return the share of a dataset's images, over all its cells, for which no class was named.

        Without a dataset, the mean over the datasets.
        """
        if not dataset:
            return mean_number({name: self.unanswered(name) for name in self.scope.datasets})
        cells = [cell for cell in self.scores.cells if cell.dataset == dataset]
        if not cells:
            return Number.undefined("not scored")
        return Number(value=sum(cell.unanswered for cell in cells) / sum(cell.n for cell in cells))

    @property
    def invalid(self) -> tuple[SetKey, ...]:
        """Cells in which the model gave NaN or infinity for at least one image."""
        return tuple(cell.key for cell in self.scores.cells if cell.invalid)

    @property
    def is_trial(self) -> bool:
        """Whether only a part of each split was scored: it is ranked nowhere."""
        return "limited" in self.marks

    @property
    def is_unverified(self) -> bool:
        """Whether its predictions were made elsewhere, by a model that was not run: it is ranked nowhere."""
        return "unverified" in self.marks

    @property
    def standing(self) -> tuple[Mark, ...]:
        """Every mark of the result, stored or seen in it; one that has none may be ranked."""
        found = {
            LIMITED: self.is_trial,
            UNVERIFIED: self.is_unverified,
            PHANTOMS: bool(self.phantoms),
            INCOMPLETE: bool(self.missing or self.invalid),
        }
        return tuple(mark for mark, holds in found.items() if holds)

    @property
    def phantoms(self) -> tuple[str, ...]:
        """Datasets whose images are generated, not medical."""
        return tuple(entry.dataset for entry in self.run.benchmark.datasets if entry.is_phantom)

    @property
    def meaningful_baseline(self) -> Baseline | None:
        """What CE was divided by, for all that show CE; None where it means nothing (`Baseline.flaw`)."""
        if self.baseline is None or self.baseline.flaw(phantoms=bool(self.phantoms)):
            return None
        return self.baseline

    @property
    def seen_in_training(self) -> tuple[str, ...]:
        """Corruptions of the scope that the model's training images had, as far as its weights say so."""
        scored = dict.fromkeys(name for names in self.scope.corruptions.values() for name in names)
        return tuple(name for name in scored if name in self.run.model.trained_corruptions)

    def cell(self, key: SetKey) -> CellScore | None:
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
            raise IncompleteGridError(map(str, lacking), len(self.scope.cells()))

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Result:
        wanted = set(self.scope.cells())
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
        if not {*self.resampling.grouped} <= set(entries):
            raise ValueError("groups were resampled in a dataset that was not scored")
        if self.resampling.grouped and self.run.benchmark.groups_sha256 is None:
            raise ValueError("groups were resampled, but the benchmark has none")
        if self.scope.split != self.run.split:
            raise ValueError("the split requested is not the split scored")
        if self.baseline is not None and self.baseline.left_out != self.baseline.lacks(self.scope):
            raise ValueError("the corruptions left out are not those that the baseline lacks")
        if any(cell.n != entries[cell.dataset] for cell in self.scores.cells):
            raise ValueError("a cell has another number of images than its dataset")
        if len({frozenset(cell.metrics) for cell in self.scores.cells}) > 1:
            raise ValueError("the cells do not have the same metrics")
        if not {*self.blind, *self.blind_grey, *self.stated} <= set(entries):
            raise ValueError("there is a blind control of a dataset that was not scored")
        return self


def write_result(folder: Path, result: Result) -> None:
    """Write ``result.json`` atomically."""
    write_record(folder / RESULT_NAME, result)


def read_result(path: StrPath) -> Result:
    """Read and check a result.

    Parameters
    ----------
    path : str or path
        The ``result.json`` itself, or its folder.

    Raises
    ------
    ResultError
        If it is missing, of another schema, or anything in it does not fit; the message says where.
    """
    path = as_path(path, "result")
    return read_record(path / RESULT_NAME if path.is_dir() else path, Result, _REMEDY)
