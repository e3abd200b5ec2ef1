"""Build a benchmark: plan the sets, render them in parallel, then say in the manifest what was built."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from medimeta_c import __version__, engines, stats
from medimeta_c.card import write_card
from medimeta_c.errors import ConfigError, unknown_name
from medimeta_c.journal import Journal, locked
from medimeta_c.manifest import (
    DatasetRecord,
    Manifest,
    Protocol,
    SetRecord,
    SourceRecord,
    dataset_fingerprint,
    fingerprint,
    write_manifest,
)
from medimeta_c.pixels import ENCODER
from medimeta_c.records import CLEAN, SetKey, Source, check_name
from medimeta_c.render import RenderTask
from medimeta_c.selection import open_datasets
from medimeta_c.sources import default_data_dir
from medimeta_c.suite import BENCHMARK_VERSION, CORE
from medimeta_corruptions import CORRUPTIONS

__all__ = ["BuildConfig", "BuildProgress", "BuildReport", "build", "plan"]

_LIBRARIES = ("numpy", "scipy", "pillow", "opencv-python-headless", "numba", "pyarrow")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig:
    """What to build, from what, where to and how.

    Parameters
    ----------
    datasets : tuple of str
        Dataset ids; or ``("all",)`` for the suite's five, every one required; or ``("available",)`` for those
        whose data is on this disk.
    out : Path
        The benchmark's directory.
    corruptions : tuple of str, optional
        Corruption names; the core seven by default.
    severities : tuple of int, optional
        1 to 5; all by default. The clean set, severity 0, is always built along.
    splits : tuple of str, optional
        Splits to build.
    data_dir : Path, optional
        Where clean data is; the platform's user data directory by default.
    source : str, optional
        A source family; by default the one the dataset id belongs to.
    task : str, optional
        The labels to use where a dataset has several tasks.
    seed : int, optional
        Root of every image's seed, 0 or more.
    channels : {"source", "rgb"}, optional
        ``rgb`` copies grey images to three channels before corruption.
    jobs : int, optional
        Worker processes; -1 is one per core.
    engine : {"loky", "dask"}, optional
        What runs the workers.
    scheduler : str, optional
        Address of a running Dask scheduler.
    force : bool, optional
        Build the requested sets again even if they are finished.

    Raises
    ------
    ConfigError
        If a name, severity or combination is not valid.
    """

    datasets: tuple[str, ...]
    out: Path
    corruptions: tuple[str, ...] = CORE.corruptions
    severities: tuple[int, ...] = CORE.severities
    splits: tuple[str, ...] = ("test",)
    data_dir: Path = field(default_factory=default_data_dir)
    source: str | None = None
    task: str | None = None
    seed: int = 0
    channels: Literal["source", "rgb"] = "source"
    jobs: int = -1
    engine: Literal["loky", "dask"] = "loky"
    scheduler: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        for name in self.corruptions:
            if name not in CORRUPTIONS:
                raise unknown_name("corruption", name, CORRUPTIONS)
        for severity in self.severities:
            if severity not in range(6):
                raise ConfigError(f"unknown severity {severity!r}: use 1 to 5, or 0 for clean")
        for name in self.splits:
            check_name("split", name)
        if self.seed < 0:
            raise ConfigError(f"seed {self.seed} is negative: use 0 or more")
        if self.jobs == 0:
            raise ConfigError("jobs 0 is no worker: use 1 or more, or -1 for one per core")
        if self.channels not in ("source", "rgb"):
            raise unknown_name("channels", self.channels, ("source", "rgb"))
        if self.engine not in engines.ENGINES:
            raise unknown_name("engine", self.engine, engines.ENGINES)
        if self.scheduler is not None and self.engine != "dask":
            raise ConfigError("a scheduler address is only used with --engine dask")
        for kind, values in (("dataset", self.datasets), ("split", self.splits)):
            if not values or len(set(values)) != len(values):
                raise ConfigError(f"{kind} names must be given, each once: {', '.join(values) or 'none'}")

    @property
    def protocol(self) -> Protocol:
        """The part of the configuration that decides pixels."""
        return Protocol(benchmark_version=BENCHMARK_VERSION, seed=self.seed, channels=self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildProgress:
    """How far a build is. Images count once per set they are rendered for."""

    sets_done: int
    sets_total: int
    images_done: int
    images_total: int
    last: SetKey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a build did: the finished manifest, and the sets rendered now and kept from before."""

    root: Path
    manifest: Manifest
    built: tuple[SetKey, ...]
    kept: tuple[SetKey, ...]


def plan(config: BuildConfig, sources: Mapping[str, Source]) -> list[SetKey]:
    """Return the sets a configuration asks for, in canonical order, each dataset's clean set included."""
    keys = set()
    for name, source in sources.items():
        for split in config.splits:
            source.ids(split)  # raises for a split the dataset does not have, before any work
            keys.add(SetKey(name, split, CLEAN, 0))
            keys |= {
                SetKey(name, split, corruption, severity)
                for corruption in config.corruptions
                for severity in config.severities
                if severity > 0
            }
    return sorted(keys)


def build(config: BuildConfig, *, on_progress: Callable[[BuildProgress], None] | None = None) -> BuildReport:
    """Build the sets a configuration asks for; finished ones are kept, an interrupted build goes on.

    Sets are written one by one, atomically; the card and, last of all, the manifest follow when every
    requested set is there. The result depends on neither workers, order nor interruptions.

    Parameters
    ----------
    config : BuildConfig
        What to build.
    on_progress : callable, optional
        Called with a `BuildProgress` in this process, first before any work and then after each set.

    Returns
    -------
    BuildReport
        The manifest and what was done.

    Raises
    ------
    ConfigError
        If a name is unknown.
    SourceError
        If the clean data is missing or damaged.
    BuildError
        If the output directory is locked, holds another build, or cannot be written.
    """
    sources = open_datasets(config.datasets, config.source, config.data_dir, task=config.task)
    keys = plan(config, sources)
    with locked(config.out):
        journal = Journal(config.out)
        records = {name: _source_record(source) for name, source in sources.items()}
        journal.check(config.protocol, records)
        finished = journal.finished_sets()
        todo = [key for key in keys if config.force or key not in finished]
        report = _Reporter(on_progress, todo, sources)
        if todo or not journal.finished:
            journal.begin(config.protocol, records)
            journal.forget(todo)
            try:
                # Closed at once on any error, so that no worker outlives the lock.
                with contextlib.closing(_rendered(config, sources, todo)) as rendered:
                    for record in rendered:
                        journal.record(record)
                        finished[record.key] = record
                        report(record)
            except BaseException:
                journal.sweep()
                raise
            manifest = _finish(config, journal, finished)
        else:
            assert journal.manifest is not None
            manifest = journal.manifest
    kept = tuple(key for key in keys if key not in set(todo))
    return BuildReport(root=config.out, manifest=manifest, built=tuple(todo), kept=kept)


def _source_record(source: Source) -> SourceRecord:
    return SourceRecord(**asdict(source.info), checksum=source.checksum())


def _rendered(
    config: BuildConfig, sources: Mapping[str, Source], todo: Sequence[SetKey]
) -> Generator[SetRecord]:
    """Yield finished sets as they come. Large sets go first: no worker is left with one at the end."""
    tasks = [
        RenderTask(root=config.out, source=sources[key.dataset], key=key, protocol=config.protocol)
        for key in sorted(todo, key=lambda key: -len(sources[key.dataset].ids(key.split)))
    ]
    return engines.render_all(tasks, jobs=config.jobs, engine=config.engine, scheduler=config.scheduler)


def _finish(config: BuildConfig, journal: Journal, finished: Mapping[SetKey, SetRecord]) -> Manifest:
    """Write statistics, card and manifest over every finished set of the directory."""
    sets = tuple(finished[key] for key in sorted(finished))
    datasets = []
    for name, source in sorted(journal.sources().items()):
        own = [record for record in sets if record.dataset == name]
        if own:
            digest = dataset_fingerprint(source.class_names, own)
            datasets.append(DatasetRecord(**source.model_dump(), fingerprint=digest))
    manifest = Manifest(
        package_version=__version__,
        protocol=config.protocol,
        encoder=ENCODER,
        libraries={"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}},
        datasets=tuple(datasets),
        sets=sets,
        files=(stats.write_spectra(config.out, sets),),
        fingerprint=fingerprint(datasets),
    )
    write_card(config.out, manifest)
    sealed = write_manifest(config.out, manifest)
    journal.end()
    return sealed


class _Reporter:
    """Counts finished sets and images for the progress callback."""

    def __init__(
        self,
        callback: Callable[[BuildProgress], None] | None,
        todo: Sequence[SetKey],
        sources: Mapping[str, Source],
    ) -> None:
        self._callback = callback
        self._sets_total = len(todo)
        self._images_total = sum(len(sources[key.dataset].ids(key.split)) for key in todo)
        self._sets = self._images = 0
        self._tell(None)

    def __call__(self, record: SetRecord) -> None:
        self._sets += 1
        self._images += record.rows
        self._tell(record.key)

    def _tell(self, last: SetKey | None) -> None:
        if self._callback is not None:
            self._callback(
                BuildProgress(
                    sets_done=self._sets,
                    sets_total=self._sets_total,
                    images_done=self._images,
                    images_total=self._images_total,
                    last=last,
                )
            )
