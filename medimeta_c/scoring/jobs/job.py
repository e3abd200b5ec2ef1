"""A job: which cells of a benchmark are scored, against what, and where the result goes.

Whatever predicts, the rest is the same: which cells, the locked folder, resuming, numbers, reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medimeta_c.errors import ConfigError, ManifestError, Remedy
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import fingerprint_faults
from medimeta_c.format.parts import dealt, share_of
from medimeta_c.format.views.rendered import RenderedBenchmark
from medimeta_c.io.stores.stored import Place
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.registry import Metric
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.results.baseline_choice import ChosenBaseline, choose_baseline
from medimeta_c.results.identity import BenchmarkRecord, benchmark_record, first_images
from medimeta_c.results.scoring import Groups, scope_of

__all__ = ["Job"]


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
            Directory of a built benchmark, its URL in an object store, or ``ORG/NAME`` on the Hub.
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
        names = opened.chosen(datasets)
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
