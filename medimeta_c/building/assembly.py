"""Create or complete a build and write its manifest."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medimeta_c._version import __version__
from medimeta_c.building.libraries import library_versions
from medimeta_c.building.state.begun import Begun
from medimeta_c.building.state.journal import Journal
from medimeta_c.building.state.lock import locked
from medimeta_c.building.stored.journal import Store, StoredJournal
from medimeta_c.card.dataset_card import CARD_NAME, write_card
from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format import stats
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.display import title_flaw, title_of
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import dataset_fingerprint, fingerprint
from medimeta_c.format.manifest.file import write_manifest
from medimeta_c.format.manifest.records import (
    CorruptionRecord,
    Manifest,
    PluginRecord,
    Protocol,
    SetRecord,
    suite_record,
)
from medimeta_c.format.parts import Division, PartRecord
from medimeta_c.format.png import preferred_encoder
from medimeta_c.format.seeding import GROWING
from medimeta_c.format.suites import CORE, Suite
from medimeta_c.io.shown import short_repr
from medimeta_c.io.stores.stored import Place
from medimeta_c.io.tables.notebook import notebook_html
from medimeta_c.io.tables.table import Column, Table, texts
from medimeta_corruptions import CORRUPTIONS

__all__ = ["BuildProgress", "BuildReport", "Request", "as_images", "assemble", "check_title"]

_log = logging.getLogger(__name__)
_UNIFORM = "uniform/1"
"""Every random number comes from uniform ones, by quantile functions of the package's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a directory is to hold.

    Parameters
    ----------
    root : Path
        The benchmark's directory.
    protocol : Protocol
        How pixels come about.
    datasets : mapping of str to DatasetRecord
        What was read, by dataset.
    sets : mapping of SetKey to int
        The sets wanted, in canonical order, with their number of images.
    plugins : collection of PluginRecord, optional
        What is not this package's own.
    groups : mapping of (str, str) to mapping of str to int, optional
        Number of the patient of each image, by dataset and split.
    limited : int, optional
        How many images of each split there are at most, where not all are wanted.
    force : bool, optional
        Make the sets wanted again even if they are finished.
    title : str, optional
        What the directory is called from now on; by default what it was called before.
    restarts : bool, optional
        Make the sets of an unfinished build again if the files of their dataset changed, instead of refusing:
        for imports, which find damage only while they read.
    suite : Suite, optional
        What the corruptions are chosen from.
    part : PartRecord, optional
        Which part of a build the directory is to hold, where not the whole: it gets no card.
    division : Division, optional
        The parts whose merger it is to hold.
    encoder : str, optional
        What encoded the images; by default what encodes those made now.
    libraries : mapping of str to str, optional
        What rendered the images; by default the libraries here.
    store : Store, optional
        Where the benchmark is, if not in `root`, which is then a copy of its state.
    """

    root: Path
    protocol: Protocol
    datasets: Mapping[str, DatasetRecord]
    sets: Mapping[SetKey, int]
    plugins: Collection[PluginRecord] = ()
    groups: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)
    limited: int | None = None
    force: bool = False
    title: str | None = None
    restarts: bool = False
    suite: Suite = CORE
    part: PartRecord | None = None
    division: Division | None = None
    encoder: str | None = None
    libraries: Mapping[str, str] | None = None
    store: Store | None = None

    __repr__ = short_repr


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildProgress:
    """How far a build is. Images count once per set they are rendered for."""

    sets_done: int
    sets_total: int
    images_done: int
    images_total: int
    last: SetKey | None


def as_images(verb: str) -> Callable[[BuildProgress], tuple[str, float, float]]:
    """Return how progress of a build is shown: a description, images done and images in all."""
    return lambda now: (f"{verb} {now.sets_done}/{now.sets_total} sets", now.images_done, now.images_total)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """What a build did: the finished manifest, and the sets rendered now and kept from before."""

    root: Place
    manifest: Manifest
    built: tuple[SetKey, ...]
    kept: tuple[SetKey, ...]

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        """Return the sets and images of each dataset, for a notebook."""
        built = Counter(key.dataset for key in self.built)
        kept = Counter(key.dataset for key in self.kept)
        images: Counter[str] = Counter()
        for record in self.manifest.sets:
            if record.key in self.built or record.key in self.kept:
                images[record.key.dataset] += record.rows
        table = Table(
            caption=f"{title_of(self.manifest)}, fingerprint {self.manifest.fingerprint[:12]}",
            columns=(Column("Dataset", "label"), *map(Column, ("Sets built", "Sets kept", "Images"))),
            rows=tuple(
                texts(name, *map(str, (built[name], kept[name], images[name]))) for name in sorted(images)
            ),
        )
        return notebook_html(str(self.root), [table])


def assemble(
    request: Request,
    make: Callable[[list[SetKey], str], Generator[SetRecord]],
    on_progress: Callable[[BuildProgress], None] | None = None,
) -> BuildReport:
    """Make the sets of a request that are not finished; then write statistics, card and manifest.

    Parameters
    ----------
    request : Request
        What the directory is to hold.
    make : callable
        Takes the missing sets and the name of the encoder that every worker is to use, see
        `medimeta_c.format.png`; yields each set as it is written, whole, in any order.
    on_progress : callable, optional
        Called with a `BuildProgress`, first before any work and then after each set.

    Raises
    ------
    ConfigError
        If what the directory is to hold may not have the title.
    BuildError
        If the directory is locked, or holds another build.
    WriteError
        If a file cannot be written; what is finished is kept.
    """
    check_title(request, request.datasets)  # before there is a folder
    with locked(request.root):
        journal = (
            Journal(request.root, of_part=request.part is not None)
            if request.store is None
            else StoredJournal(request.root, request.store)
        )
        journal.check_protocol(request.protocol, request.limited, suite_record(request.suite))
        journal.check_division(request.division)
        if request.restarts:
            for name, count in journal.forget_changed(request.datasets).items():
                _log.warning(
                    "the files of %s changed since the unfinished run: %d finished sets are made again",
                    name,
                    count,
                )
        journal.check_datasets(request.datasets)
        check_title(request, {**journal.datasets, **request.datasets})
        title = journal.title if request.title is None else request.title
        finished = journal.finished_sets()
        todo = [key for key in request.sets if request.force or key not in finished]
        report = _Reporter(on_progress, {key: request.sets[key] for key in todo})
        carded = request.part is not None or (request.root / CARD_NAME).is_file()
        whole = journal.finished and carded and title == journal.title
        if todo or not whole:
            _name_lost_sets(request, journal.recorded_sets().keys() - finished.keys())
            journal.begin(
                Begun(
                    protocol=request.protocol,
                    sources=dict(request.datasets),
                    plugins=tuple(request.plugins),
                    limited=request.limited,
                    title=title,
                    suite=suite_record(request.suite),
                    encoder=request.encoder or journal.encoder or preferred_encoder(),
                    division=request.division,
                )
            )
            journal.forget(todo)
            try:
                # Close the generator before the lock is released: this ends the workers of this machine.
                with contextlib.closing(make(todo, journal.encoder)) as made:
                    for record in made:
                        journal.record(record)
                        finished[record.key] = record
                        report(record)
            except BaseException:
                journal.sweep()
                raise
            manifest = _finish(request, journal, finished)
        else:
            assert journal.manifest is not None
            manifest = journal.manifest
    kept = tuple(key for key in request.sets if key not in set(todo))
    return BuildReport(root=request.root, manifest=manifest, built=tuple(todo), kept=kept)


def check_title(request: Request, datasets: Mapping[str, DatasetRecord]) -> None:
    """Raise ConfigError if a benchmark of these datasets may not have the title asked for."""
    if request.title is not None and (flaw := title_flaw(tuple(datasets.values()), request.title)):
        raise ConfigError(
            f"the title {request.title!r} is not for {', '.join(sorted(datasets))}: {flaw}",
            value=request.title,
            remedy=Remedy("choose another {title}"),
        )


def _name_lost_sets(request: Request, gone: Collection[SetKey]) -> None:
    """Warn of sets that the new manifest will lack: their shards are gone and they were not requested."""
    lost = sorted(key for key in gone if key not in request.sets)
    if lost:
        _log.warning(
            "%d sets of %s are left out because their shards are missing or truncated (first: %s): "
            "build them again to include them",
            len(lost),
            request.root if request.store is None else request.store.root,
            lost[0],
        )


def _finish(request: Request, journal: Journal, finished: Mapping[SetKey, SetRecord]) -> Manifest:
    """Write statistics, card and manifest over every finished set of the directory; of a part no card."""
    sets = tuple(finished[key] for key in sorted(finished))
    journal.drop_unlisted(sets)
    datasets = []
    for name, read in sorted(journal.datasets.items()):
        if own := [record for record in sets if record.dataset == name]:
            digest = dataset_fingerprint(read.class_names, own)
            datasets.append(read.model_copy(update={"fingerprint": digest}))
    used = {record.corruption for record in sets} | {record.kind for record in datasets}
    manifest = Manifest(
        package_version=__version__,
        protocol=request.protocol,
        encoder=request.encoder or journal.encoder,
        libraries=request.libraries or library_versions(request.suite),
        datasets=tuple(datasets),
        sets=sets,
        files=(
            *([stats.write_spectra(request.root, sets)] if request.part is None else []),
            *stats.write_groups(request.root, sets, request.groups),
        ),
        fingerprint=fingerprint(datasets),
        plugins=tuple(one for one in journal.plugins if one.name in used),
        limited=request.limited,
        title=journal.title,
        suite=suite_record(request.suite),
        corruptions=_corruptions(sets) if request.suite is not CORE else {},
        rng=_UNIFORM if request.suite.seed_scheme == GROWING else None,
        part=request.part,
    )
    if request.part is None:
        write_card(request.root, manifest, shards=None if request.store is None else request.store.root)
    sealed = write_manifest(request.root, manifest)
    journal.end()
    return sealed


def _corruptions(sets: Iterable[SetRecord]) -> dict[str, CorruptionRecord]:
    """Return what is known of each corruption that was built."""
    names = sorted({record.corruption for record in sets} & set(CORRUPTIONS))
    return {
        name: CorruptionRecord(
            parameter=CORRUPTIONS[name].parameter,
            values=CORRUPTIONS[name].parameters,
            distances=CORRUPTIONS[name].distances,
            assumptions=CORRUPTIONS[name].assumptions,
        )
        for name in names
    }


class _Reporter:
    """Counts finished sets and images for the progress callback."""

    def __init__(
        self, callback: Callable[[BuildProgress], None] | None, images: Mapping[SetKey, int]
    ) -> None:
        self._callback = callback
        self._sets_total, self._images_total = len(images), sum(images.values())
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
