"""The outcome of a job: a result and its reports, made of the cells that are there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medimeta_c.errors import ShardError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.metrics.grid import Scope
from medimeta_c.reports import write_reports
from medimeta_c.results.assessment.loss import assess
from medimeta_c.results.baseline_choice import ChosenBaseline, choose_baseline
from medimeta_c.results.folder.adding import ResultFolder
from medimeta_c.results.folder.places import result_name
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Environment, Result, StoredMark
from medimeta_c.results.scoring import Terms, is_result_of, make_result
from medimeta_c.results.sharing.claims import Claims
from medimeta_c.scoring.jobs.job import Job
from medimeta_c.scoring.jobs.work import State

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Makes results of the cells of a job.

    Parameters
    ----------
    job : Job
        What was scored.
    plugins : tuple of PluginRecord
        What other distributions brought to the predictions.
    marks : tuple of str
        What sets the result apart, beside a limit; see `medimeta_c.results.result.StoredMark`.
    """

    job: Job
    plugins: tuple[PluginRecord, ...] = ()
    marks: tuple[StoredMark, ...] = ()

    def finish(self, state: State, here: Environment) -> SavedResult:
        """Write the result of the cells that are there, and its reports.

        Parameters
        ----------
        state : State
            Of the folder, which is locked.
        here : Environment
            Where cells were made, if their folder does not say so.
        """
        folder, job = state.folder, self.job
        result, predictions, terms = self._result(folder, here)
        saved = folder.finish(result, predictions)
        if state.swept is not None:
            state.swept.finish(result, terms.baseline, job.groups)
        write_reports(assess(saved, terms.baseline, job.groups), job.benchmark)
        Claims(folder.path).clear()
        return saved

    def so_far(self, state: State, here: Environment) -> SavedResult:
        """Return the incomplete result of the cells that are there, of which nothing is written.

        Parameters
        ----------
        state, here
            As `finish` takes them.
        """
        Claims(state.folder.path).clear()
        result, predictions, _ = self._result(state.folder, here)
        return _saved(state.folder, result, predictions)

    def as_written(self, folder: ResultFolder) -> SavedResult | None:
        """Return the result that is there, if it is the one that `finish` would write; it is left tidy."""
        predictions, terms, marks = self._predictions(folder)
        if folder.earlier is None or not is_result_of(folder.earlier, folder.run, predictions, terms, marks):
            return None
        if folder.earlier.complete:
            folder.tidy(predictions)
        return _saved(folder, folder.earlier, predictions)

    def _result(
        self, folder: ResultFolder, here: Environment
    ) -> tuple[Result, dict[SetKey, CellPredictions], Terms]:
        predictions, terms, marks = self._predictions(folder)
        environment = folder.environment or here
        return make_result(folder.run, environment, predictions, terms, marks), predictions, terms

    def _predictions(
        self, folder: ResultFolder
    ) -> tuple[dict[SetKey, CellPredictions], Terms, tuple[StoredMark, ...]]:
        """Return the cells that are there, and on what terms, with which marks, they become a result."""
        job = self.job
        whole = folder.widened(job.scope)
        predictions = folder.load(whole)
        _check_listings(job.benchmark, predictions.values())
        terms = Terms(
            scope=whole,
            baseline=self._baseline(folder, whole),
            resampling=job.resampling,
            metrics=job.metrics,
            groups=job.groups,
            plugins=self.plugins,
        )
        is_limited = job.limit is not None or job.benchmark.manifest.limited is not None
        limited: tuple[StoredMark, ...] = ("limited",) if is_limited else ()
        return predictions, terms, (*limited, *self.marks)

    def _baseline(self, folder: ResultFolder, whole: Scope) -> ChosenBaseline | None:
        """Return what CE divides by, also in the datasets of an earlier result."""
        if set(whole.datasets) == set(self.job.scope.datasets):
            return self.job.chosen
        return choose_baseline(self.job.baseline, folder.run.benchmark, whole.split)


def _saved(folder: ResultFolder, result: Result, predictions: dict[SetKey, CellPredictions]) -> SavedResult:
    path = folder.path
    return SavedResult(name=result_name(path), path=path, result=result, predictions=predictions)


def _check_listings(benchmark: Benchmark, cells: Iterable[CellPredictions]) -> None:
    """Refuse sets of a split whose images or labels are not the same: one of them was forged."""
    first: dict[tuple[str, str], CellPredictions] = {}
    for cell in cells:
        known = first.setdefault((cell.key.dataset, cell.key.split), cell)
        same = cell.image_ids == known.image_ids and np.array_equal(cell.labels, known.labels)
        if not same:
            raise ShardError(
                f"sets {known.key} and {cell.key} of {benchmark.name} differ in ids or labels, which all "
                "sets of a split have in common: verify it"
            )
