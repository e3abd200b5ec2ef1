"""A result's folder, while it is locked: cells are added to it, and a result is made of them.

::

    results/<model-slug>/<fingerprint12>/
      result.json          the numbers
      predictions.parquet  every row
      answers.parquet      what a model that answers in words said
      .cells/              only while unfinished; see `medimeta_c.results.unfinished`
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import overload

from medimeta_c.errors import Remedy, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.suites import DATASETS, in_order
from medimeta_c.io.files import exclusive, identity, writing
from medimeta_c.io.reading import read_record
from medimeta_c.metrics.grid import Scope
from medimeta_c.results.folder.places import result_name, result_path
from medimeta_c.results.folder.saved import SavedResult, answers_of, check_pair, differing_cells
from medimeta_c.results.identity import RunIdentity, first_difference, merged
from medimeta_c.results.predictions import (
    PREDICTIONS_NAME,
    CellPredictions,
    read_predictions,
    write_predictions,
)
from medimeta_c.results.result import RESULT_NAME, Environment, Result, write_result
from medimeta_c.results.unfinished import UnfinishedCells
from medimeta_c.results.words.answers import ANSWERS_NAME, write_answers

__all__ = ["ResultFolder", "locked_result", "open_result_folder"]

_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def open_result_folder(out: Path, run: RunIdentity, *, wait_s: float = 0) -> Iterator[ResultFolder]:
    """Lock the folder of a run's result, so that only this process adds cells to it, and read what is there.

    Parameters
    ----------
    out : Path
        Root of all results.
    run : RunIdentity
        Who answers. Finished cells of the same identity are kept.
    wait_s : float, optional
        How many seconds to wait for another process.

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
    with locked_result(path, wait_s=wait_s):
        yield ResultFolder(path, run)


@contextlib.contextmanager
def locked_result(path: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Lock the folder of a result; raise ResultError if another process holds it longer than `wait_s`."""
    busy = ResultError(
        f"another process is evaluating into {path}",
        remedy=[Remedy("wait until it ends"), Remedy("choose another {out}")],
    )
    # The lock is beside the folder, not in it, because the folder may be published as it is.
    with exclusive(path.parent / f".{path.name}.lock", path, busy, wait_s=wait_s):
        yield


class ResultFolder:
    """The folder of one run's result, for the process that holds its lock.

    `has` and `add_environment` read what is there now; the other members show what was there when it was
    opened.

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
    environment : Environment or None
        Where the cells were made, as far as it was written down.
    """

    def __init__(self, path: Path, run: RunIdentity) -> None:
        self.path, self._cells = path, UnfinishedCells(path)
        self._earlier = earlier = self._read_earlier()
        self.run = run
        for held in (earlier.run if earlier else None, self._cells.run()):
            if held is not None:
                self._refuse_other(held)
                self.run = merged(held, self.run)
        self.environment = self._cells.environment() or (earlier.environment if earlier else None)
        self._cells.describe(self.run)
        self._seen = identity(path / RESULT_NAME)
        self._kept = self._read_kept()

    @property
    def earlier(self) -> Result | None:
        """The result that is there."""
        return self._earlier

    @property
    def finished(self) -> frozenset[SetKey]:
        """The cells that are there."""
        return frozenset(self._kept) | self._cells.saved()

    def has(self, key: SetKey) -> bool:
        """Return whether a cell is there now, which another process may have added since."""
        path = self.path / RESULT_NAME
        if self._seen != (seen := identity(path)):
            self._seen, self._earlier = seen, self._read_earlier()
            self._kept = self._read_kept()
            if self._earlier is not None:
                self.environment = _joined(self._earlier.environment, self.environment)
        return key in self._kept or self._cells.has(key)

    def widened(self, scope: Scope) -> Scope:
        """Return a scope with the datasets of the earlier result: evaluating one more dataset adds to it."""
        earlier = self._earlier.scope if self._earlier is not None else scope
        corruptions = {**earlier.corruptions, **scope.corruptions}
        order = in_order(corruptions, DATASETS)
        severities = tuple(sorted({*earlier.severities, *scope.severities}))
        return Scope(
            corruptions={name: corruptions[name] for name in order}, severities=severities, split=scope.split
        )

    def add_environment(self, here: Environment) -> None:
        """Write down, before cells are saved, where they are made; earlier cells may be of other places."""
        self.environment = _joined(_joined(self.environment, self._cells.environment()), here)
        self._cells.describe(self.environment)

    def save(self, cell: CellPredictions, here: Environment | None = None) -> None:
        """Save a finished cell, durably: it is whole or absent, whatever happens.

        Parameters
        ----------
        cell : CellPredictions
            The cell.
        here : Environment, optional
            Where it was made.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        if self._cells.run() is None:  # another process finished, and removed what was there
            self._cells.describe(self.run)
        if here is not None:
            self.add_environment(here)
        self._cells.save(cell)

    def read(self, key: SetKey) -> CellPredictions:
        """Return a cell that is there."""
        return self._kept[key] if key in self._kept else self._cells.load(key)

    def load(self, scope: Scope) -> dict[SetKey, CellPredictions]:
        """Return the finished cells of a scope."""
        saved = self._cells.saved()
        return {key: self.read(key) for key in scope.cells() if key in self._kept or key in saved}

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
        check_pair(self.path, result, predictions)
        if said := {key: cell.answers for key, cell in predictions.items() if cell.answers is not None}:
            write_answers(self.path / ANSWERS_NAME, said)
        write_predictions(self.path / PREDICTIONS_NAME, predictions.values())
        write_result(self.path, result)
        if result.complete:
            self.tidy(predictions)
        name = result_name(self.path)
        return SavedResult(name=name, path=self.path, result=result, predictions=predictions)

    def tidy(self, keys: Iterable[SetKey]) -> None:
        """Remove the single cells that a complete result has, and what says whose they are with the last."""
        self._cells.sweep(keys)

    def _read_earlier(self) -> Result | None:
        path = self.path / RESULT_NAME
        remedy = f"restore the file, or move {self.path} away and evaluate again"
        return read_record(path, Result, remedy) if path.is_file() else None

    def _refuse_other(self, held: RunIdentity) -> None:
        difference = first_difference(held, self.run)
        if difference is not None:
            name, theirs, ours = difference
            raise ResultError(
                f"{self.path} holds a run with {name} {theirs!r}, this run has {ours!r}",
                remedy=[Remedy("choose another {out}"), Remedy("move that folder away")],
            )

    def _read_kept(self) -> dict[SetKey, CellPredictions]:
        """Return the cells of the earlier result; those that do not bear its numbers are to be made again."""
        if self._earlier is None:
            return {}
        try:
            kept = read_predictions(self.path / PREDICTIONS_NAME)
            if self._earlier.answers_sha256 is not None:
                said = answers_of(self.path, self._earlier)
                kept = {key: replace(cell, answers=said[key]) for key, cell in kept.items() if key in said}
        except ResultError as error:
            _logger.warning("evaluating all cells again: %s", error)
            return {}
        for key in differing_cells(self._earlier, kept):
            if kept.pop(key, None) is not None:
                _logger.warning("evaluating %s again: its predictions are not those of %s", key, RESULT_NAME)
        return kept


@overload
def _joined(earlier: Environment | None, now: Environment) -> Environment: ...
@overload
def _joined(earlier: Environment | None, now: Environment | None) -> Environment | None: ...
def _joined(earlier: Environment | None, now: Environment | None) -> Environment | None:
    """Return one record for cells that were made now and earlier."""
    return now.joined(earlier) if now is not None and earlier is not None else now or earlier
