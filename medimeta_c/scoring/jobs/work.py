"""The work of one process on a result that other processes may evaluate too."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.io.files import identity
from medimeta_c.reports import HTML_NAME
from medimeta_c.results.folder.adding import ResultFolder
from medimeta_c.results.paraphrases.folder import SweptFolder
from medimeta_c.results.paraphrases.record import SWEEP_NAME
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import RESULT_NAME
from medimeta_c.results.sharing.shared import SharedResult
from medimeta_c.scoring.jobs.environment import environment_of
from medimeta_c.scoring.jobs.predictors import CellPredictor, ParaphrasePredictor
from medimeta_c.scoring.jobs.progress import JobProgress, Meter

if TYPE_CHECKING:
    import torch

__all__ = ["State", "Work"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """What is there of a result, and of the sweep over prompts beside it.

    Parameters
    ----------
    folder : ResultFolder
        The result.
    swept : SweptFolder or None
        The sweep.
    """

    folder: ResultFolder
    swept: SweptFolder | None

    def unfinished(self, keys: Iterable[SetKey]) -> list[SetKey]:
        """Return the cells that were not there when the folder was opened, in order."""
        there = self.folder.finished
        if self.swept is not None:
            there &= self.swept.finished
        return [key for key in keys if key not in there]

    def has(self, key: SetKey) -> bool:
        """Return whether a cell is there now."""
        return self.folder.has(key) and (self.swept is None or self.swept.has(key))


@dataclass(slots=True, kw_only=True, eq=False)
class Work:
    """The work of this process.

    Parameters
    ----------
    shared : SharedResult
        The result.
    benchmark : Benchmark
        The shards.
    predictor : CellPredictor
        What answers.
    sweep : ParaphrasePredictor or None
        The predictor again, if it also predicts under other wordings.
    device : torch.device or None
        Where it answers.
    limit : int or None
        Only the first so many images of each set.
    tell : callable
        Called with a `JobProgress` after each batch.
    """

    shared: SharedResult
    benchmark: Benchmark
    predictor: CellPredictor
    sweep: ParaphrasePredictor | None
    device: torch.device | None
    limit: int | None
    tell: Callable[[JobProgress], None]
    _meter: Meter | None = None
    _before: tuple[object, ...] | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[State]:
        """Lock the result's folder and read what is there."""
        with self.shared.opened() as folder:
            if self._before is None:
                self._before = self._written(folder)
            swept = None
            if self.sweep is not None:
                alone = self.shared.claims.clear()
                swept = SweptFolder(folder.path, folder.run, self.sweep.asked.wordings, alone=alone)
            yield State(folder=folder, swept=swept)

    def score(self, state: State, todo: Sequence[SetKey]) -> None:
        """Evaluate those of some cells that no other process has; if others have all, wait for one."""
        meter = self._meter = self._meter or Meter(self.tell, {key: self._images(key) for key in todo})
        meter.left(todo)
        self.shared.wait(todo, state.has, on_wait=partial(meter.left, todo, waiting=True))
        free = self.shared.free(todo, state.has)
        for cell in self.predictor.predict(self.benchmark, free, meter.count, limit=self.limit):
            self.benchmark.check_classes(cell.key)
            self.shared.save(cell.key, partial(self._save, state, cell))
            meter.count(cells=1)

    def others_wrote(self, state: State) -> bool:
        """Return whether another process has written the result, and its sweep, since this one began."""
        now = self._written(state.folder)
        return self._before is not None and all(
            one != two for one, two in zip(self._before, now, strict=True)
        )

    def _written(self, folder: ResultFolder) -> tuple[object, ...]:
        names = [RESULT_NAME, HTML_NAME] + ([SWEEP_NAME] if self.sweep is not None else [])
        return tuple(identity(folder.path / name) for name in names)

    def _save(self, state: State, cell: CellPredictions) -> None:
        if state.swept is not None and self.sweep is not None:
            state.swept.save(self.sweep.swept(cell))
        if not state.folder.has(cell.key):
            state.folder.save(cell, environment_of(self.device, self.predictor.batch_size))

    def _images(self, key: SetKey) -> int:
        return min(self.benchmark.record(key).rows, self.limit or sys.maxsize)
