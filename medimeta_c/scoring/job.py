"""A job: the cells of one run, predicted, saved one by one, scored and reported.

Whatever predicts, the rest is the same: which cells, the locked folder, resuming, numbers, reports.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from medimeta_c._version import __version__
from medimeta_c.errors import ManifestError, ShardError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import fingerprint_faults
from medimeta_c.format.manifest.records import PluginRecord
from medimeta_c.format.views.rendered import RenderedBenchmark
from medimeta_c.io.progress import following
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.registry import Metric
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.reports import write_reports
from medimeta_c.results.assessment.loss import assess
from medimeta_c.results.baseline_choice import ChosenBaseline, choose_baseline
from medimeta_c.results.folder import SavedResult, open_result_folder
from medimeta_c.results.identity import BenchmarkRecord, RunIdentity, benchmark_record, first_images
from medimeta_c.results.paraphrases.cells import SweptCell
from medimeta_c.results.paraphrases.folder import AskedParaphrases, SweptFolder
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Environment, StoredMark
from medimeta_c.results.scoring import Groups, Terms, make_result, scope_of

if TYPE_CHECKING:
    import torch

__all__ = ["CellPredictor", "Job", "JobProgress", "ParaphrasePredictor"]

_PACKAGES = ("torch", "torchvision", "open_clip_torch", "transformers", "numpy", "scikit-learn", "pyarrow")


class CellPredictor(Protocol):
    """What gives predictions of whole sets."""

    @property
    def batch_size(self) -> int:
        """Images a batch, at the time of asking: it may shrink."""
        ...

    def predict(
        self,
        benchmark: Benchmark,
        keys: Sequence[SetKey],
        on_images: Callable[[int], None] = ...,
        *,
        limit: int | None = None,
    ) -> Iterator[CellPredictions]:
        """Yield the predictions of sets, each as it is finished, in order; see `Predictor.predict`."""
        ...


class ParaphrasePredictor(CellPredictor, Protocol):
    """What also predicts under other wordings of the prompts."""

    @property
    def asked(self) -> AskedParaphrases:
        """The wordings."""
        ...

    def swept(self, cell: CellPredictions) -> SweptCell:
        """Return what they predict of a cell that `predict` yielded last; once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is, in images of cells not yet finished when it began."""

    cells_done: int
    cells_total: int
    images_done: int
    images_total: int

    @property
    def view(self) -> tuple[str, float, float]:
        """What a progress bar shows."""
        text = f"scoring {self.cells_done}/{self.cells_total} cells"
        return text, self.images_done, self.images_total


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
    out : Path
        Root of all results.
    limit : int or None
        Only the first so many images of each set: a trial.
    """

    benchmark: Benchmark
    described: BenchmarkRecord
    scope: Scope
    groups: Groups
    baseline: str
    chosen: ChosenBaseline | None
    metrics: tuple[Metric, ...]
    resampling: Resampling
    out: Path
    limit: int | None = None

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
        out: Path,
        limit: int | None = None,
        render: bool = False,
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
    ) -> SavedResult:
        """Predict the cells that are not there yet, and write the result and its reports.

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

        Raises
        ------
        MediMetaError
            As `medimeta_c.scoring.evaluation.evaluate` raises it.
        """
        with open_result_folder(self.out, identity) as folder:
            built, finished = set(self.benchmark.sets), folder.finished
            if todo := [key for key in self.scope.cells() if key in built and key not in finished]:
                folder.add_environment(_environment(device, predictor))
            swept = None if sweep is None else SweptFolder(folder.path, folder.run, sweep.asked)
            unswept = set() if swept is None else built - swept.finished
            keys = [key for key in self.scope.cells() if key in unswept or key in {*todo}]
            with following(on_progress, progress, "images", lambda now: now.view) as tell:
                for cell in self._predicted(predictor, keys, tell):
                    if swept is not None and sweep is not None:
                        swept.save(sweep.swept(cell))
                    if cell.key not in finished:
                        folder.save(cell)
            if todo:  # batches may have become smaller
                folder.add_environment(_environment(device, predictor))
            whole = folder.widened(self.scope)
            predictions = folder.load(whole)
            _check_listings(self.benchmark, predictions.values())
            chosen = self.chosen
            if set(whole.datasets) != set(self.scope.datasets):
                chosen = choose_baseline(self.baseline, folder.run.benchmark, whole.split)
            terms = Terms(
                scope=whole,
                baseline=chosen,
                resampling=self.resampling,
                metrics=self.metrics,
                groups=self.groups,
                plugins=plugins,
            )
            limited: tuple[StoredMark, ...] = (
                ("limited",) if self.limit or self.benchmark.manifest.limited else ()
            )
            environment = folder.environment or _environment(device, predictor)
            result = make_result(folder.run, environment, predictions, terms, (*limited, *marks))
            saved = folder.finish(result, predictions)
            if swept is not None:
                swept.finish(result, chosen, self.groups)
            write_reports(assess(saved, chosen, self.groups), self.benchmark)
        return saved

    def _predicted(
        self, predictor: CellPredictor, todo: Sequence[SetKey], tell: Callable[[JobProgress], None]
    ) -> Iterator[CellPredictions]:
        """Yield cells, one by one, to be saved before the next is asked for."""
        rows = (self.benchmark.record(key).rows for key in todo)
        now = JobProgress(
            cells_done=0,
            cells_total=len(todo),
            images_done=0,
            images_total=sum(min(each, self.limit or sys.maxsize) for each in rows),
        )

        def count(images: int = 0, cells: int = 0) -> None:
            nonlocal now
            now = replace(now, cells_done=now.cells_done + cells, images_done=now.images_done + images)
            tell(now)

        count()
        for cell in predictor.predict(self.benchmark, todo, count, limit=self.limit):
            self.benchmark.check_classes(cell.key)
            yield cell
            count(cells=1)


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


def _environment(device: torch.device | None, predictor: CellPredictor) -> Environment:
    own = {"medimeta-c": __version__, "python": platform.python_version()}
    if device is None:
        return Environment(device="elsewhere", batch_size=predictor.batch_size, packages=own)
    import torch  # noqa: PLC0415  (predictions made elsewhere are scored without)

    model = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return Environment(
        device=f"{device.type} ({model})",
        batch_size=predictor.batch_size,
        packages={**own, **_packages()},
    )


def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a build of torch may go by another name
            continue
    return found
