"""Import the published MediMeta-C as a benchmark, with unchanged pixels, and audit its files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.building import engines
from medimeta_c.building.assembly import BuildProgress, BuildReport, Request, as_images, assemble
from medimeta_c.building.medimetac.audit import AuditTask, audit_file
from medimeta_c.building.medimetac.files import SPLITS, Problems, find_sets, published
from medimeta_c.building.medimetac.records import Audit, DatasetAudit
from medimeta_c.building.medimetac.source import PublishedDataset, clean_of, labels_follow, open_published
from medimeta_c.building.medmnistc.importing import ImportConfig
from medimeta_c.building.render import write_set
from medimeta_c.errors import SourceError, unknown_name
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import ALL, CLEAN, SetKey, check_alone, check_distinct
from medimeta_c.format.manifest.records import IMPORTED, Protocol, SetRecord
from medimeta_c.format.suites import CORE
from medimeta_c.io.progress import following
from medimeta_c.io.records import write_record
from medimeta_c.io.settings import Location, OptionalLocation, Several, default, require_kind, required
from medimeta_c.io.shown import short_repr
from medimeta_c.sources.selection import AVAILABLE

__all__ = ["PROTOCOL", "ImportReport", "MedimetacConfig", "import_medimetac"]

PROTOCOL = Protocol(
    benchmark_version="MediMeta-C", seed=0, seed_scheme=f"{IMPORTED}medimeta-c", channels="source"
)
"""What the manifest of an imported MediMeta-C says of its pixels: they were not rendered here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MedimetacConfig(ImportConfig):
    """What to import, and where to.

    Parameters
    ----------
    folder : str or path
        MediMeta-C as published: ``<dataset>/<split>/<corruption>_severity_<1-5>.npz``.
    data_dir : str or path, optional
        Where the clean MedIMeta data is, to find clean images in. Without it ids are row numbers and class
        names are MedIMeta's by position.
    splits : str, or several, optional
        ``"test"``, ``"val"``, or ``"all"`` for both.
    out, datasets, jobs, force
        As in `ImportConfig`; ``"all"`` is the benchmark's five.

    Raises
    ------
    ConfigError
        If a value is not valid.
    """

    # Once more, for type checkers, to which an inherited field accepts and is one type.
    folder: Location = required()
    out: Location = required()
    datasets: Several[str] = default(AVAILABLE)
    data_dir: OptionalLocation = default(None)
    splits: Several[str] = default("test")

    def __post_init__(self) -> None:
        ImportConfig.__post_init__(self)
        for name in self.splits:
            if name not in (*SPLITS, ALL):
                raise unknown_name("split of the published MediMeta-C", name, (*SPLITS, ALL))
        check_distinct("split", self.splits)
        check_alone(ALL, "split", self.splits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import wrote: the benchmark, and the audit beside it."""

    build: BuildReport
    audit: Audit
    audit_path: Path

    __repr__ = short_repr


def import_medimetac(
    config: MedimetacConfig,
    *,
    on_progress: Callable[[BuildProgress], None] | None = None,
    on_audit: Callable[[int, int], None] | None = None,
    progress: bool = False,
) -> ImportReport:
    """Write the published MediMeta-C as a benchmark that everything here can read, and audit it.

    A file whose labels are not those of its clean file, row by row, is audited and left out of the benchmark.
    Files are read as streams, one image in memory; only where MedIMeta's ids are in another order than rows
    is an array unpacked into a temporary file. What is finished is kept; an interrupted import resumes at the
    first unfinished file. The audit is written to ``<out>.audit.json``, beside the benchmark: it is about the
    files that were read, which are not part of the tree.

    Parameters
    ----------
    config : MedimetacConfig
        What to import.
    on_progress : callable, optional
        Called with a `BuildProgress`, first before any work and then after each set.
    on_audit : callable, optional
        Called with files audited and files in all, after each.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Raises
    ------
    ConfigError
        If a dataset is unknown.
    SourceError
        If files are missing, damaged or of another layout (all are named), or a label matches two classes.
    BuildError
        If the output directory is locked, or holds another build.
    WriteError, WorkerError
        If a file cannot be written, or a worker process died; what is finished is kept.
    """
    require_kind(config, MedimetacConfig, "import_medimetac")
    sources = _open(config)
    request = Request(
        root=config.out,
        protocol=PROTOCOL,
        datasets={name: DatasetRecord.of(one.info, one.checksum()) for name, one in sources.items()},
        # The sets of a split have the same labels in the same order: a file that breaks this is audited only.
        sets={
            key: len(file.labels)
            for one in sources.values()
            for key, file in one.sets.items()
            if labels_follow(one.sets, key)
        },
        force=config.force,
        restarts=True,
    )
    with following(on_progress, progress, "images", as_images("importing")) as tell:
        build = assemble(request, lambda todo, encoder: _imported(config, sources, todo, encoder), tell)
    with following(on_audit, progress, "files", lambda done, total: ("auditing", done, total)) as tell_audit:
        audit = _audited(config, sources, build.manifest.fingerprint, tell_audit)
    place = config.out.resolve()
    path = place.with_name(f"{place.name}.audit.json")
    write_record(path, audit)
    return ImportReport(build=build, audit=audit, audit_path=path)


def _open(config: MedimetacConfig) -> dict[str, PublishedDataset]:
    """Return the datasets wanted, in order; raise one SourceError that names every file in the way."""
    problems = Problems()
    splits = SPLITS if config.splits == (ALL,) else config.splits
    found = {name: find_sets(name, config.folder, splits, problems) for name in sorted(_names(config))}
    problems.raise_all()
    sources = {}
    for name, sets in found.items():
        with problems.noted():
            sources[name] = open_published(name, config.folder, sets, config.data_dir)
    problems.raise_all()
    return sources


def _names(config: MedimetacConfig) -> Sequence[str]:
    if config.datasets == (ALL,):
        return CORE.headline["medimetac"]
    if config.datasets != (AVAILABLE,):
        return config.datasets
    found = [name for name in published().class_names if (config.folder / name).is_dir()]
    if not found:
        raise SourceError(
            f"{config.folder} has no folder of a dataset of MediMeta-C: give the folder that holds pbc/, "
            "oct/ and so on as published, with <split>/clean.npz in each"
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _FileTask:
    """All a worker needs to import one file."""

    root: Path
    source: PublishedDataset
    key: SetKey
    encoder: str


def _imported(
    config: MedimetacConfig, sources: Mapping[str, PublishedDataset], todo: Sequence[SetKey], encoder: str
) -> Generator[SetRecord]:
    """Yield each set as it is written, and name the damaged files once the whole ones are done."""
    problems = Problems()
    tasks = [
        _FileTask(root=config.out, source=sources[key.dataset], key=key, encoder=encoder) for key in todo
    ]
    with contextlib.closing(engines.run_all(_import_file, tasks, jobs=config.jobs)) as results:
        for one in results:
            if isinstance(one, SetRecord):
                yield one
            else:
                problems.errors.append(one)
    problems.raise_all()


def _import_file(task: _FileTask) -> SetRecord | SourceError:
    """Write one set, or return what is wrong with its file."""
    try:
        names, rows = task.source.info.class_names, task.source.rows(task.key)
        return write_set(task.root, task.key, names, rows, encoder=task.encoder)
    except SourceError as error:
        return error


def _audited(
    config: MedimetacConfig,
    sources: Mapping[str, PublishedDataset],
    fingerprint: str,
    on_audit: Callable[[int, int], None],
) -> Audit:
    tasks = [
        AuditTask(
            key=key,
            clean=clean_of(one.sets, key).path,
            file=file.path,
            rows=len(file.labels),
            labels_follow=labels_follow(one.sets, key),
        )
        for one in sources.values()
        for key, file in one.sets.items()
        if key.corruption != CLEAN
    ]
    found = {}
    with contextlib.closing(engines.run_all(audit_file, tasks, jobs=config.jobs)) as results:
        for key, file_audit, grey in results:
            found[key] = file_audit, grey
            on_audit(len(found), len(tasks))
    datasets = []
    for name, one in sources.items():
        own = [found[key] for key in sorted(found) if key.dataset == name]
        datasets.append(
            DatasetAudit(
                dataset=name,
                grey=all(grey for _, grey in own) if own else None,
                ids="medimeta" if one.ids_matched else "rows",
                names="matched" if one.classes.checked else "position",
                splits=one.matches,
                labels=one.classes.rows,
                files=tuple(file_audit for file_audit, _ in own),
            )
        )
    return Audit(fingerprint=fingerprint, datasets=tuple(datasets))
