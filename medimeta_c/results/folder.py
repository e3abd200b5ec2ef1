"""A result on disk: its folder while cells are being added, and what is read back once they are.

::

    results/<model-slug>/<fingerprint12>/
      result.json          the numbers
      predictions.parquet  every row
      .cells/              only while unfinished: run.json, and one Parquet file a finished cell
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import filelock

from medimeta_c.errors import ResultError
from medimeta_c.files import writing
from medimeta_c.metrics.grid import Scope
from medimeta_c.recordfile import read_record, write_record
from medimeta_c.records import SetKey
from medimeta_c.results.identity import RunIdentity, first_difference, merged
from medimeta_c.results.predictions import CellPredictions, read_predictions, write_predictions
from medimeta_c.results.result import RESULT_NAME, Result, read_result, write_result

__all__ = [
    "PREDICTIONS_NAME",
    "ResultFolder",
    "SavedResult",
    "open_result_folder",
    "read_saved",
    "result_path",
]

PREDICTIONS_NAME = "predictions.parquet"
_CELLS = ".cells"
_RUN = "run.json"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SavedResult:
    """A result read back: numbers and predictions that belong together.

    Parameters
    ----------
    name : str
        ``<model-slug>/<fingerprint12>``, the last two folders of its path.
    path : Path
        Its folder.
    result : Result
        The numbers.
    predictions : mapping of SetKey to CellPredictions
        Every cell.
    """

    name: str
    path: Path
    result: Result
    predictions: Mapping[SetKey, CellPredictions]


def result_path(out: Path, run: RunIdentity) -> Path:
    """Return the folder of a run's result: ``<out>/<model-slug>/<fingerprint12>``."""
    return out / run.model.slug / run.benchmark.fingerprint[:12]


def read_saved(path: Path) -> SavedResult:
    """Read a result with its predictions.

    Parameters
    ----------
    path : Path
        The result's folder, or the ``result.json`` in it.

    Raises
    ------
    ResultError
        If a file is missing or damaged, or the two do not belong together.
    """
    folder = path.parent if path.name == RESULT_NAME else path
    if not folder.is_dir():
        raise ResultError(f"{path} is not the folder of a result: give the folder that holds {RESULT_NAME}")
    result = read_result(folder)
    predictions = read_predictions(folder / PREDICTIONS_NAME)
    _check_pair(folder, result, predictions)
    whole = folder.resolve()
    return SavedResult(
        name=f"{whole.parent.name}/{whole.name}", path=folder, result=result, predictions=predictions
    )


@contextlib.contextmanager
def open_result_folder(out: Path, run: RunIdentity) -> Iterator[ResultFolder]:
    """Hold the folder of a run's result: the only process that adds cells to it.

    Parameters
    ----------
    out : Path
        Root of all results.
    run : RunIdentity
        Who answers. Finished cells of the same identity are kept.

    Yields
    ------
    ResultFolder
        For cells to be saved in.

    Raises
    ------
    ResultError
        If another process holds it, or it is of another run; the message names the first difference.
    """
    path = result_path(out, run)
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        # Beside the folder, not in it: what is in it may be published as it stands.
        lock = filelock.FileLock(path.parent / f".{path.name}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise ResultError(
                f"another process is evaluating into {path}: wait until it ends, or choose another --out"
            ) from None
    try:
        yield ResultFolder(path, run)
    finally:
        lock.release()


class ResultFolder:
    """The folder of one run's result, for the process that holds its lock.

    Parameters
    ----------
    path : Path
        The folder.
    run : RunIdentity
        Who answers.

    Attributes
    ----------
    run : RunIdentity
        The same, with the datasets that an earlier evaluation added.
    """

    def __init__(self, path: Path, run: RunIdentity) -> None:
        self.path, self._cells = path, path / _CELLS
        self._earlier = read_result(path) if (path / RESULT_NAME).is_file() else None
        self.run = run
        for held in self._held():
            self._refuse_other(held)
            self.run = merged(held, self.run)
        write_record(self._cells / _RUN, self.run)
        self._kept = self._read_kept()

    @property
    def finished(self) -> frozenset[SetKey]:
        """The cells that are there."""
        return frozenset(self._kept) | frozenset(self._saved())

    def widened(self, scope: Scope) -> Scope:
        """Return a scope with the datasets of the earlier result: evaluating one more dataset adds to it."""
        earlier = self._earlier.scope.scope() if self._earlier is not None else scope
        corruptions = {**earlier.corruptions, **scope.corruptions}
        severities = tuple(sorted({*earlier.severities, *scope.severities}))
        return Scope(corruptions=corruptions, severities=severities, split=scope.split)

    def save(self, cell: CellPredictions) -> None:
        """Save a finished cell, durably: it is whole or absent, whatever happens.

        Raises
        ------
        BuildError
            If it cannot be written.
        """
        write_predictions(self._file(cell.key), (cell,))

    def load(self, scope: Scope) -> dict[SetKey, CellPredictions]:
        """Return the finished cells of a scope."""
        files = self._saved()
        cells = {key: self._kept[key] for key in scope.cells() if key in self._kept}
        for key in scope.cells():
            if key in files and key not in cells:
                cells[key] = read_predictions(files[key])[key]
        return cells

    def finish(self, result: Result, predictions: Mapping[SetKey, CellPredictions]) -> SavedResult:
        """Write the result; once it is complete, the single cells are removed.

        Parameters
        ----------
        result : Result
            Made of exactly these predictions; it may be incomplete.
        predictions : mapping of SetKey to CellPredictions
            As `load` gives them.

        Raises
        ------
        ResultError
            If the two do not belong together.
        """
        _check_pair(self.path, result, predictions)
        write_predictions(self.path / PREDICTIONS_NAME, predictions.values())
        write_result(self.path, result)
        if result.complete:
            self._sweep(predictions)
        name = f"{self.path.parent.name}/{self.path.name}"
        return SavedResult(name=name, path=self.path, result=result, predictions=predictions)

    def _sweep(self, done: Iterable[SetKey]) -> None:
        """Remove single cells that the result now holds; those of another dataset, begun earlier, stay."""
        with writing(self._cells):
            for key in done:
                self._file(key).unlink(missing_ok=True)
            if not any(self._cells.glob("*.parquet")):
                shutil.rmtree(self._cells)

    def _held(self) -> Iterator[RunIdentity]:
        """Yield the identities of what is in the folder already."""
        if self._earlier is not None:
            yield self._earlier.run
        if (self._cells / _RUN).is_file():
            remedy = f"delete {self._cells} and evaluate again"
            yield read_record(self._cells / _RUN, RunIdentity, remedy)

    def _refuse_other(self, held: RunIdentity) -> None:
        difference = first_difference(held, self.run)
        if difference is not None:
            name, theirs, ours = difference
            raise ResultError(
                f"{self.path} holds a run with {name} {theirs!r}, this run has {ours!r}: choose another "
                "--out, or delete the folder"
            )

    def _read_kept(self) -> dict[SetKey, CellPredictions]:
        """Return the cells of the earlier result; none if they do not read back, and are to be made again."""
        if self._earlier is None:
            return {}
        try:
            return read_predictions(self.path / PREDICTIONS_NAME)
        except ResultError as error:
            _logger.warning("evaluating all cells again: %s", error)
            return {}

    def _saved(self) -> dict[SetKey, Path]:
        """Return the files of the single cells that read back."""
        found = {}
        for path in sorted(self._cells.glob("[!.]*.parquet")):
            try:
                (key,) = read_predictions(path)
            except (ResultError, ValueError) as error:
                _logger.warning("evaluating a cell again: %s", error)
                continue
            if path == self._file(key):
                found[key] = path
        return found

    def _file(self, key: SetKey) -> Path:
        return self._cells / f"{key.dataset}-{key.split}-{key.corruption}-{key.severity}.parquet"


def _check_pair(folder: Path, result: Result, predictions: Mapping[SetKey, CellPredictions]) -> None:
    """Refuse numbers and predictions that are not of the same cells, classes and counts."""
    cells = {cell.key: cell for cell in result.scores.cells}
    differing = sorted({*cells} ^ {*predictions})
    for key in sorted({*cells} & {*predictions}):
        rows, cell = predictions[key], cells[key]
        classes = len(result.run.benchmark.dataset(key.dataset).class_names)
        counts = (len(rows), int((~rows.finite).sum()), int(rows.correct.sum()), rows.probabilities.shape[1])
        if counts != (cell.n, cell.invalid, cell.correct, classes):
            differing.append(key)
    if differing:
        raise ResultError(
            f"{RESULT_NAME} and {PREDICTIONS_NAME} in {folder} do not belong together "
            f"(first at {differing[0]}): run the same evaluation again"
        )
