"""Run a job: predict its cells, save them one by one, score and report them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.io.progress import following
from medimeta_c.io.stores.stored import StoredPath
from medimeta_c.results.baseline_choice import NO_BASELINE, PUBLISHED
from medimeta_c.results.folder.places import matching
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.result import StoredMark
from medimeta_c.results.sharing.parts import Parted
from medimeta_c.results.sharing.shared import share_result
from medimeta_c.scoring.jobs.environment import environment_of
from medimeta_c.scoring.jobs.job import Job
from medimeta_c.scoring.jobs.outcome import Outcome
from medimeta_c.scoring.jobs.predictors import CellPredictor, ParaphrasePredictor
from medimeta_c.scoring.jobs.progress import JobProgress
from medimeta_c.scoring.jobs.stored import stored_result
from medimeta_c.scoring.jobs.work import Work

if TYPE_CHECKING:
    import torch

__all__ = ["run_job"]


def run_job(  # noqa: PLR0913  (who answers, what, where; the rest is optional)
    job: Job,
    identity: RunIdentity,
    predictor: CellPredictor,
    device: torch.device | None,
    *,
    marks: tuple[StoredMark, ...] = (),
    plugins: tuple[PluginRecord, ...] = (),
    sweep: ParaphrasePredictor | None = None,
    on_progress: Callable[[JobProgress], None] | None = None,
    progress: bool = False,
    cells: Iterable[SetKey] | None = None,
) -> SavedResult:
    """Predict the cells that are not there yet, and write the result and its reports.

    Other processes may do the same at the same time: each cell is predicted by one of them, and each
    process ends when all cells are there. Of a part, the result is written if no other part is missing.

    Parameters
    ----------
    job : Job
        What is scored.
    identity : RunIdentity
        Who answers.
    predictor : CellPredictor
        What answers.
    device : torch.device or None
        Where; None for predictions that were made elsewhere.
    marks : tuple of str
        What sets the result apart, beside a limit; see `medimeta_c.results.result.StoredMark`.
    plugins : tuple of PluginRecord
        What other distributions brought to the predictions.
    sweep : ParaphrasePredictor, optional
        The predictor again, if it also predicts under other wordings: the result's folder then has a
        sweep over prompts, too. The result itself is the same without.
    on_progress : callable, optional
        Called with a `JobProgress` after each batch.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.
    cells : iterable of SetKey, optional
        The cells that can be predicted, in order; by default all that the benchmark has.

    Returns
    -------
    SavedResult
        Of a part whose others are missing, the incomplete result of the cells that are there.

    Raises
    ------
    MediMetaError
        As `medimeta_c.scoring.evaluation.evaluate` raises it.
    """
    if isinstance(job.out, StoredPath):
        with stored_result(job.out, identity) as stored:
            found = run_job(
                replace(job, out=stored.out),
                identity,
                predictor,
                device,
                marks=marks,
                plugins=plugins,
                sweep=sweep,
                on_progress=stored.after_each_cell(on_progress),
                progress=progress,
                cells=cells,
            )
        return replace(found, stored=stored.place)
    wanted = job.cells if cells is None else list(cells)
    own = job.dealt(wanted)
    outcome = Outcome(job=job, plugins=plugins, marks=marks)
    parted = _parted(outcome, sweep)
    with (
        share_result(job.out, identity) as shared,
        following(on_progress, progress, "images", lambda now: now.view) as tell,
    ):
        work = Work(
            shared=shared,
            benchmark=job.benchmark,
            predictor=predictor,
            sweep=sweep,
            device=device,
            limit=job.limit,
            tell=tell,
        )
        while True:
            with work.opened() as state:
                if parted is not None:
                    parted.agree(state.folder.path)
                todo = state.unfinished(own)
                if not todo:
                    here = environment_of(device, predictor.batch_size)
                    if state.unfinished(wanted):
                        return outcome.so_far(state, here)
                    if work.others_wrote(state) and (saved := outcome.as_written(state.folder)):
                        return saved
                    return outcome.finish(state, here)
            work.score(state, todo)


def _parted(outcome: Outcome, sweep: ParaphrasePredictor | None) -> Parted | None:
    """Return the record of the whole evaluation that parts belong to; None for an undivided job."""
    job = outcome.job
    if job.share is None:
        return None
    place = Path(job.benchmark.name)
    is_named = job.baseline in (PUBLISHED, NO_BASELINE) or not matching(job.baseline)
    return Parted(
        of=job.share[1],
        benchmark=str(place.absolute()) if place.is_dir() else job.benchmark.name,
        scope=job.scope,
        baseline=job.baseline if is_named else str(Path(job.baseline).absolute()),
        resampling=job.resampling,
        metrics=tuple(metric.name for metric in job.metrics),
        limit=job.limit,
        marks=outcome.marks,
        plugins=outcome.plugins,
        wordings=None if sweep is None else sweep.asked.wordings,
    )
