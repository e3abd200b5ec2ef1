"""A job: the cells of one run, predicted, saved one by one, scored and reported.

Whatever predicts, the rest is the same: which cells, the locked folder, resuming, numbers, reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medimeta_c.errors import ConfigError, ManifestError, Remedy, ShardError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import fingerprint_faults
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.format.parts import dealt, share_of
from medimeta_c.format.views.rendered import RenderedBenchmark
from medimeta_c.io.progress import following
from medimeta_c.io.stores.stored import Place, StoredPath
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.registry import Metric
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.reports import write_reports
from medimeta_c.results.assessment.loss import assess
from medimeta_c.results.baseline_choice import NO_BASELINE, PUBLISHED, ChosenBaseline, choose_baseline
from medimeta_c.results.folder.adding import ResultFolder
from medimeta_c.results.folder.places import matching
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.identity import BenchmarkRecord, RunIdentity, benchmark_record, first_images
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Environment, Result, StoredMark
from medimeta_c.results.scoring import Groups, Terms, is_result_of, make_result, scope_of
from medimeta_c.results.sharing.claims import Claims
from medimeta_c.results.sharing.parts import Parted
from medimeta_c.results.sharing.shared import share_result
from medimeta_c.scoring.jobs.environment import environment_of
from medimeta_c.scoring.jobs.predictors import CellPredictor, ParaphrasePredictor
from medimeta_c.scoring.jobs.progress import JobProgress
from medimeta_c.scoring.jobs.stored import stored_result
from medimeta_c.scoring.jobs.work import State, Work

if TYPE_CHECKING:
    import torch

__all__ = ["Job", "JobProgress"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """What is scored, against what, and where the result goes.

    Parameters
    ----------
    benchmark : Benchmark
        The shards.
    described : BenchmarkRecord
        The record of what is scored of it.
    scope : Scope
        The cells requested.
    groups : mapping
        Which images belong together; see `medimeta_c.results.scoring.Groups`.
    baseline : str
        As `choose_baseline` takes it.
    chosen : ChosenBaseline or None
        What that is for the datasets scored.
    metrics : tuple of Metric
        What is computed of each cell.
    resampling : Resampling
        How intervals are made.
    out : Path or StoredPath
        Root of all results.
    limit : int or None
        Only the first so many images of each set: a trial.
    share : tuple of int, or None
        Which part of how many this process evaluates, from 1; None for all cells.
    """

    benchmark: Benchmark
    described: BenchmarkRecord
    scope: Scope
    groups: Groups
    baseline: str
    chosen: ChosenBaseline | None
    metrics: tuple[Metric, ...]
    resampling: Resampling
    out: Place
    limit: int | None = None
    share: tuple[int, int] | None = None

    @classmethod
    def of(  # noqa: PLR0913  (the parts of a job)
        cls,
        benchmark: str,
        datasets: Sequence[str],
        split: str,
        *,
        baseline: str,
        metrics: tuple[Metric, ...],
        resampling: Resampling,
        out: Place,
        limit: int | None = None,
        render: bool = False,
        part: str | None = None,
    ) -> Job:
        """Open a benchmark and check, before any work, that it can be scored and that the baseline fits.

        Parameters
        ----------
        benchmark : str
            Directory of a built benchmark, or ``ORG/NAME`` on the Hub.
        datasets : sequence of str
            Datasets of it; ``("all",)`` for every one.
        split : str
            The split scored.
        baseline, metrics, resampling, out, limit
            As the class has them.
        render : bool, optional
            Render corrupted images from the clean ones, instead of reading them.
        part : str, optional
            Such as ``"2/5"``: only the cells of this part.

        Raises
        ------
        ConfigError
            If a dataset, split or baseline is unknown or does not fit.
        ManifestError
            If the benchmark is missing or damaged.
        """
        opened = open_benchmark(benchmark)
        if render:
            opened = RenderedBenchmark.of(opened)
        for fault in fingerprint_faults(opened.manifest):
            raise ManifestError(f"{opened.name} cannot be scored: {fault}; verify it")
        names = opened.datasets if tuple(datasets) == ("all",) else tuple(datasets)
        for name in names:
            opened.dataset(name)  # refuses names that were not built
        described = benchmark_record(benchmark, opened.manifest, datasets=names, split=split)
        if limit is not None:
            described = first_images(described, limit)
        return cls(
            benchmark=opened,
            described=described,
            scope=scope_of(opened.manifest, datasets=names, split=split),
            groups=opened.groups(split),
            baseline=baseline,
            chosen=choose_baseline(baseline, described, split),
            metrics=metrics,
            resampling=resampling,
            # Trials have their own root, so that none is mistaken for a result.
            out=out if limit is None else out / f"first-{limit}",
            limit=limit,
            share=None if part is None else share_of(part),
        )

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets scored."""
        return tuple(entry.dataset for entry in self.described.datasets)

    def run(  # noqa: PLR0913  (who answers, what, where; the rest is optional)
        self,
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
        identity : RunIdentity
            Who answers.
        predictor : CellPredictor
            What answers.
        device : torch.device or None
            Where; None for predictions that were made elsewhere.
        marks : tuple of str
            What sets the result apart, beside a limit; see `medimeta_c.results.result.Mark`.
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
        if isinstance(self.out, StoredPath):
            with stored_result(self.out, identity) as stored:
                found = replace(self, out=stored.out).run(
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
        wanted = self.cells if cells is None else list(cells)
        own = self.dealt(wanted)
        parted = self._parted(sweep, plugins, marks)
        with (
            share_result(self.out, identity) as shared,
            following(on_progress, progress, "images", lambda now: now.view) as tell,
        ):
            work = Work(
                shared=shared,
                benchmark=self.benchmark,
                predictor=predictor,
                sweep=sweep,
                device=device,
                limit=self.limit,
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
                            return self.so_far(state, here, plugins, marks)
                        if work.others_wrote(state) and (
                            saved := self._as_written(state.folder, plugins, marks)
                        ):
                            return saved
                        return self.finish(state, here, plugins, marks)
                work.score(state, todo)

    @property
    def cells(self) -> list[SetKey]:
        """The cells requested whose sets the benchmark has."""
        built = set(self.benchmark.sets)
        return [key for key in self.scope.cells() if key in built]

    def dealt(self, cells: Sequence[SetKey]) -> list[SetKey]:
        """Return the cells of this part, in the order given.

        Raises
        ------
        ConfigError
            If there are more parts than cells.
        """
        if self.share is None:
            return list(cells)
        number, of = self.share
        if of > len(cells):
            raise ConfigError(
                f"{of} parts are too many: there are {len(cells)} cells to evaluate",
                value=of,
                remedy=Remedy("give {part} of at most {0} parts", len(cells)),
            )
        own = set(dealt({key: self.benchmark.record(key).rows for key in cells}, number, of))
        return [key for key in cells if key in own]

    def finish(
        self,
        state: State,
        here: Environment,
        plugins: tuple[PluginRecord, ...],
        marks: tuple[StoredMark, ...],
    ) -> SavedResult:
        """Write the result of the cells that are there, and its reports.

        Parameters
        ----------
        state : State
            Of the folder, which is locked.
        here : Environment
            Where cells were made, if their folder does not say so.
        plugins, marks
            As `run` takes them.
        """
        folder, chosen = state.folder, self._chosen(state.folder)
        result, predictions = self._result(folder, here, plugins, marks)
        saved = folder.finish(result, predictions)
        if state.swept is not None:
            state.swept.finish(result, chosen, self.groups)
        write_reports(assess(saved, chosen, self.groups), self.benchmark)
        Claims(folder.path).clear()
        return saved

    def so_far(
        self,
        state: State,
        here: Environment,
        plugins: tuple[PluginRecord, ...],
        marks: tuple[StoredMark, ...],
    ) -> SavedResult:
        """Return the incomplete result of the cells that are there, of which nothing is written.

        Parameters
        ----------
        state, here, plugins, marks
            As `finish` takes them.
        """
        Claims(state.folder.path).clear()
        return _saved(state.folder, *self._result(state.folder, here, plugins, marks))

    def _as_written(
        self, folder: ResultFolder, plugins: tuple[PluginRecord, ...], marks: tuple[StoredMark, ...]
    ) -> SavedResult | None:
        """Return the result that is there, if it is the one that this job would write."""
        predictions, terms, stored = self._predictions(folder, plugins, marks)
        if folder.earlier is None or not is_result_of(folder.earlier, folder.run, predictions, terms, stored):
            return None
        return _saved(folder, folder.earlier, predictions)

    def _result(
        self,
        folder: ResultFolder,
        here: Environment,
        plugins: tuple[PluginRecord, ...],
        marks: tuple[StoredMark, ...],
    ) -> tuple[Result, dict[SetKey, CellPredictions]]:
        predictions, terms, stored = self._predictions(folder, plugins, marks)
        environment = folder.environment or here
        return make_result(folder.run, environment, predictions, terms, stored), predictions

    def _predictions(
        self, folder: ResultFolder, plugins: tuple[PluginRecord, ...], marks: tuple[StoredMark, ...]
    ) -> tuple[dict[SetKey, CellPredictions], Terms, tuple[StoredMark, ...]]:
        """Return the cells that are there, and on what terms, with which marks, they become a result."""
        whole = folder.widened(self.scope)
        predictions = folder.load(whole)
        _check_listings(self.benchmark, predictions.values())
        terms = Terms(
            scope=whole,
            baseline=self._chosen(folder),
            resampling=self.resampling,
            metrics=self.metrics,
            groups=self.groups,
            plugins=plugins,
        )
        is_limited = self.limit is not None or self.benchmark.manifest.limited is not None
        limited: tuple[StoredMark, ...] = ("limited",) if is_limited else ()
        return predictions, terms, (*limited, *marks)

    def _parted(
        self,
        sweep: ParaphrasePredictor | None,
        plugins: tuple[PluginRecord, ...],
        marks: tuple[StoredMark, ...],
    ) -> Parted | None:
        """Return what the parts are parts of; None of an undivided job."""
        if self.share is None:
            return None
        place = Path(self.benchmark.name)
        is_named = self.baseline in (PUBLISHED, NO_BASELINE) or not matching(self.baseline)
        return Parted(
            of=self.share[1],
            benchmark=str(place.absolute()) if place.is_dir() else self.benchmark.name,
            scope=self.scope,
            baseline=self.baseline if is_named else str(Path(self.baseline).absolute()),
            resampling=self.resampling,
            metrics=tuple(metric.name for metric in self.metrics),
            limit=self.limit,
            marks=marks,
            plugins=plugins,
            wordings=None if sweep is None else sweep.asked.wordings,
        )

    def _chosen(self, folder: ResultFolder) -> ChosenBaseline | None:
        """Return what CE divides by, also in the datasets of an earlier result."""
        whole = folder.widened(self.scope)
        if set(whole.datasets) == set(self.scope.datasets):
            return self.chosen
        return choose_baseline(self.baseline, folder.run.benchmark, whole.split)


def _saved(folder: ResultFolder, result: Result, predictions: dict[SetKey, CellPredictions]) -> SavedResult:
    path = folder.path
    return SavedResult(
        name=f"{path.parent.name}/{path.name}", path=path, result=result, predictions=predictions
    )


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
