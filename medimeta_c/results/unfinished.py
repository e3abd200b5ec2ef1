"""Cells of an unfinished result: ``.cells/``, from which an evaluation resumes.

::

    .cells/
      run.json             who answers
      environment.json     where
      parts.json           the evaluation that parts belong to; see `medimeta_c.results.sharing`
      <cell>.parquet       one file a finished cell
      <cell>.answers       what a model that answers in words said; written before the other
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from medimeta_c.errors import ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.files import writing
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import write_record
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.predictions import CellPredictions, read_predictions, write_predictions
from medimeta_c.results.result import Environment
from medimeta_c.results.words.answers import read_answers, write_answers

__all__ = ["UNFINISHED", "UnfinishedCells"]

UNFINISHED = ".cells"
"""Below a result's folder."""

_ANSWERS = ".answers"
_RUN = "run.json"
_ENVIRONMENT = "environment.json"

_logger = logging.getLogger(__name__)


class UnfinishedCells:
    """The single cells beside a result, for the process that holds its lock.

    Parameters
    ----------
    result : Path
        The result's folder. What lies in it without saying whose it is, is removed.
    """

    def __init__(self, result: Path) -> None:
        self._path = result / UNFINISHED
        if self._path.is_dir() and not (self._path / _RUN).is_file():
            self._remove()

    def run(self) -> RunIdentity | None:
        """Return whose cells they are; raises ResultError if that cannot be read."""
        path = self._path / _RUN
        return read_record(path, RunIdentity, self._remedy) if path.is_file() else None

    def environment(self) -> Environment | None:
        """Return where they were made; raises ResultError if that cannot be read."""
        path = self._path / _ENVIRONMENT
        return read_record(path, Environment, self._remedy) if path.is_file() else None

    def describe(self, record: RunIdentity | Environment) -> None:
        """Write down whose the cells are, or where they are made."""
        write_record(self._path / (_RUN if isinstance(record, RunIdentity) else _ENVIRONMENT), record)

    def save(self, cell: CellPredictions) -> None:
        """Save a finished cell, durably: it is whole or absent, whatever happens."""
        file = self._file(cell.key)
        if cell.answers is not None:
            write_answers(file.with_suffix(_ANSWERS), {cell.key: cell.answers})
        write_predictions(file, (cell,))

    def load(self, key: SetKey) -> CellPredictions:
        """Return one of `saved`."""
        return self._read(self._file(key))[key]

    def _read(self, path: Path) -> dict[SetKey, CellPredictions]:
        found, beside = read_predictions(path), path.with_suffix(_ANSWERS)
        if not beside.is_file():
            return found
        said = read_answers(beside)
        return {key: replace(cell, answers=said.get(key)) for key, cell in found.items()}

    def has(self, key: SetKey) -> bool:
        """Return whether a cell's file is there."""
        return self._file(key).is_file()

    def saved(self) -> frozenset[SetKey]:
        """Return the cells whose files read back; the log names the others, which are removed."""
        found = set()
        for path in sorted(self._path.glob("[!.]*.parquet")):
            try:
                (key,) = self._read(path)
            except (ResultError, ValueError) as error:
                _logger.warning("evaluating a cell again: %s", error)
            else:
                if path == self._file(key):
                    found.add(key)
                    continue
            with writing(path):
                path.unlink()
        return frozenset(found)

    def sweep(self, done: Iterable[SetKey]) -> None:
        """Remove cells that a result now holds; those of another dataset, begun earlier, stay."""
        with writing(self._path):
            for key in done:
                self._file(key).unlink(missing_ok=True)
                self._file(key).with_suffix(_ANSWERS).unlink(missing_ok=True)
        if not any(self._path.glob("*.parquet")):
            self._remove()

    @property
    def _remedy(self) -> str:
        return f"delete {self._path} and evaluate again"

    def _remove(self) -> None:
        with writing(self._path):
            shutil.rmtree(self._path)

    def _file(self, key: SetKey) -> Path:
        return self._path / f"{key.dataset}-{key.split}-{key.corruption}-{key.severity}.parquet"
