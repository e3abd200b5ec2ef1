"""Build a benchmark: plan the sets, render them in parallel, then say in the manifest what was built."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from medimeta_c.building import engines
from medimeta_c.building.assembly import BuildProgress, BuildReport, Request, assemble
from medimeta_c.building.journal import remember_data
from medimeta_c.building.render import RenderTask
from medimeta_c.errors import ConfigError, unknown_name
from medimeta_c.format.keys import CLEAN, SetKey, check_name
from medimeta_c.format.manifest import Protocol, SetRecord, SourceRecord
from medimeta_c.format.suites import BENCHMARK_VERSION, CORE
from medimeta_c.sources import default_data_dir
from medimeta_c.sources.contract import Source
from medimeta_c.sources.selection import open_datasets
from medimeta_corruptions import CORRUPTIONS

__all__ = ["BuildConfig", "BuildProgress", "BuildReport", "build", "plan"]


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
        names = {"dataset": self.datasets, "split": self.splits, "corruption": self.corruptions}
        for kind, values in names.items():
            if not values or len(set(values)) != len(values):
                raise ConfigError(f"{kind} names must be given, each once: {', '.join(values) or 'none'}")

    @property
    def protocol(self) -> Protocol:
        """The part of the configuration that decides pixels."""
        return Protocol(benchmark_version=BENCHMARK_VERSION, seed=self.seed, channels=self.channels)


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
    engines.require(config.engine, config.scheduler)
    # Absolute, because the workers of a cluster were started in folders of their own.
    data_dir = config.data_dir.absolute()
    sources = open_datasets(config.datasets, config.source, data_dir, task=config.task)
    keys = plan(config, sources)
    request = Request(
        root=config.out,
        protocol=config.protocol,
        sources={
            name: SourceRecord(**asdict(source.info), checksum=source.checksum())
            for name, source in sources.items()
        },
        sets={key: len(sources[key.dataset].ids(key.split)) for key in keys},
        force=config.force,
    )
    report = assemble(request, lambda todo: _rendered(config, sources, todo), on_progress)
    remember_data(config.out, sources, config.data_dir)
    return report


def _rendered(
    config: BuildConfig, sources: Mapping[str, Source], todo: Sequence[SetKey]
) -> Generator[SetRecord]:
    """Yield finished sets as they come. Large sets go first: no worker is left with one at the end."""
    tasks = [
        RenderTask(root=config.out.absolute(), source=sources[key.dataset], key=key, protocol=config.protocol)
        for key in sorted(todo, key=lambda key: -len(sources[key.dataset].ids(key.split)))
    ]
    return engines.render_all(tasks, jobs=config.jobs, engine=config.engine, scheduler=config.scheduler)
