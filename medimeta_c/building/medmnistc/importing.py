"""Import the official MedMNIST-C files as a benchmark, with unchanged pixels."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from medimeta_c.building import engines
from medimeta_c.building.assembly import BuildProgress, BuildReport, Request, as_images, assemble
from medimeta_c.building.medmnistc.files import SEVERITIES, SPLIT, MedmnistC, datasets_in, open_medmnistc
from medimeta_c.building.render import write_set
from medimeta_c.card.severities import in_order, unordered_severities
from medimeta_c.errors import ConfigError, SourceError
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import ALL, CLEAN, Image, SetKey, check_distinct
from medimeta_c.format.manifest.records import IMPORTED, Protocol, SetRecord
from medimeta_c.format.suites import CORE
from medimeta_c.io.progress import following
from medimeta_c.io.settings import (
    Location,
    OptionalLocation,
    Several,
    default,
    require_kind,
    required,
    settle,
)
from medimeta_c.sources import default_data_dir
from medimeta_c.sources.selection import AVAILABLE

__all__ = ["PROTOCOL", "ImportConfig", "import_medmnistc"]

_log = logging.getLogger(__name__)

PROTOCOL = Protocol(
    benchmark_version="MedMNIST-C", seed=0, seed_scheme=f"{IMPORTED}medmnist-c", channels="source"
)
"""What the manifest of an imported MedMNIST-C says of its pixels: they were not rendered here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportConfig:
    """What to import, and where to.

    Parameters
    ----------
    folder : str or path
        MedMNIST-C as published: ``<dataset>/<corruption>.npz``.
    out : str or path
        The benchmark's directory.
    datasets : str, or several, optional
        Dataset ids; or ``"available"`` for those of `folder`, or ``"all"`` for the suite's five.
    data_dir : str or path, optional
        Where the clean MedMNIST+ files are; by default the folder that ``MEDIMETA_DATA`` names, or else the
        platform's user data directory.
    jobs : int, optional
        Processes; -1 is one per core.
    force : bool, optional
        Import again what is finished.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    folder: Location = required()
    out: Location = required()
    datasets: Several[str] = default(AVAILABLE)
    data_dir: OptionalLocation = default(None)
    jobs: int = -1
    force: bool = False

    def __post_init__(self) -> None:
        settle(self)
        check_distinct("dataset", self.datasets)
        if {ALL, AVAILABLE} & set(self.datasets) and len(self.datasets) > 1:
            raise ConfigError(f"{ALL!r} or {AVAILABLE!r} cannot be combined with other datasets")
        engines.check_jobs(self.jobs)


def import_medmnistc(
    config: ImportConfig,
    *,
    on_progress: Callable[[BuildProgress], None] | None = None,
    progress: bool = False,
) -> BuildReport:
    """Write the official MedMNIST-C, with its clean test sets, as a benchmark that everything here can read.

    Corruptions keep their own names; those whose severities do not grow from 1 to 5 are named. Each npz file
    is read once, as a stream: one image in memory, nothing unpacked on disk. What is finished is kept; an
    interrupted import resumes at the first unfinished file.

    Parameters
    ----------
    config : ImportConfig
        What to import.
    on_progress : callable, optional
        Called with a `BuildProgress`, first before any work and then after each set.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Returns
    -------
    BuildReport
        The manifest and what was done.

    Raises
    ------
    ConfigError
        If a dataset is unknown or multi-label.
    SourceError
        If a file, or the clean dataset, is missing, damaged or of another layout.
    BuildError
        If the output directory is locked, or holds another build.
    WriteError, WorkerError
        If a file cannot be written, or a worker process died; what is finished is kept.
    """
    require_kind(config, ImportConfig, "import_medmnistc")
    data_dir = config.data_dir or default_data_dir()
    sources = {name: open_medmnistc(name, config.folder, data_dir) for name in _names(config)}
    request = Request(
        root=config.out,
        protocol=PROTOCOL,
        datasets={name: DatasetRecord.of(source.info, source.checksum()) for name, source in sources.items()},
        sets={
            SetKey(name, SPLIT, corruption, severity): source.count
            for name, source in sorted(sources.items())
            for corruption in sorted((CLEAN, *source.files))
            for severity in _severities(corruption)
        },
        force=config.force,
        restarts=True,
    )
    with following(on_progress, progress, "images", as_images("importing")) as tell:
        return assemble(request, lambda todo, encoder: _imported(config, sources, todo, encoder), tell)


def _names(config: ImportConfig) -> Sequence[str]:
    if config.datasets == (ALL,):
        return CORE.headline["medmnist"]
    if config.datasets != (AVAILABLE,):
        return config.datasets
    found = datasets_in(config.folder)
    if not found:
        raise SourceError(
            f"{config.folder} has no folder of a MedMNIST dataset with one label per image: give the folder "
            "that holds bloodmnist/, octmnist/ and so on, with <corruption>.npz files in them"
        )
    return found


def _severities(corruption: str) -> tuple[int, ...]:
    return (0,) if corruption == CLEAN else SEVERITIES


@dataclass(frozen=True, slots=True, kw_only=True)
class _FileTask:
    """All a worker needs to import one file, or the clean set."""

    root: Path
    source: MedmnistC
    corruption: str
    wanted: frozenset[SetKey]
    encoder: str


def _imported(
    config: ImportConfig, sources: Mapping[str, MedmnistC], todo: Sequence[SetKey], encoder: str
) -> Generator[SetRecord]:
    """Yield the sets of each file, once all of them are written. Large files go first."""
    files = sorted({(-sources[key.dataset].count, key.dataset, key.corruption) for key in todo})
    tasks = [
        _FileTask(
            root=config.out,
            source=sources[dataset],
            corruption=corruption,
            wanted=frozenset(key for key in todo if (key.dataset, key.corruption) == (dataset, corruption)),
            encoder=encoder,
        )
        for _, dataset, corruption in files
    ]
    with contextlib.closing(engines.run_all(_import_file, tasks, jobs=config.jobs)) as results:
        for records in results:
            for place in unordered_severities(records):
                _log.warning("%s, %s: severities do not grow from 1 to 5; %s", *place)
            yield from records


def _import_file(task: _FileTask) -> list[SetRecord]:
    """Write the sets of one file, reading it to its end: damage anywhere in it is found."""
    info, count = task.source.info, task.source.count
    clean = {} if task.corruption == CLEAN else task.source.some_clean()
    records, distances = [], []
    with contextlib.closing(task.source.images(task.corruption)) as images:
        for severity in _severities(task.corruption):
            key, differences = SetKey(info.dataset, SPLIT, task.corruption, severity), list[float]()
            own = _compared(islice(images, count), clean, differences)
            if key in task.wanted:
                records.append(write_set(task.root, key, info.class_names, own, encoder=task.encoder))
            else:
                deque(own, maxlen=0)
            distances.append(float(np.mean(differences)) if differences else 0.0)
        deque(images, maxlen=0)
    if in_order(distances):
        return records
    return [one.model_copy(update={"clean_distance": distances[one.severity - 1]}) for one in records]


def _compared(
    images: Iterable[tuple[str, int, Image]], clean: Mapping[str, Image], differences: list[float]
) -> Iterator[tuple[str, int, Image]]:
    """Yield images as they are; those of which a clean one is given add their mean difference from it."""
    for image_id, label, image in images:
        if image_id in clean:
            differences.append(float(np.abs(image.astype(np.int16) - clean[image_id]).mean()))
        yield image_id, label, image
