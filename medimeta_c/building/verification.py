"""Verify a built benchmark against its manifest and, if asked, render some of its images again."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medimeta_c.building import engines
from medimeta_c.building.checks.published import Comparison, compared
from medimeta_c.building.checks.rows import RowCheck, SetCheck
from medimeta_c.building.checks.tree import check_tree
from medimeta_c.building.journal import data_folders, ids_folder
from medimeta_c.building.libraries import allowed_difference
from medimeta_c.building.plugins import require_plugins
from medimeta_c.building.stored.copies import small_files
from medimeta_c.errors import ConfigError, Remedy, ShardError, SourceError, VerificationError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import fingerprint_faults
from medimeta_c.format.manifest.file import BUILD_LOCK, MANIFEST_NAME, read_manifest
from medimeta_c.format.manifest.records import Manifest, ShardRecord
from medimeta_c.format.shards import read_tables
from medimeta_c.format.signing.benchmark import Signed, check_signature
from medimeta_c.format.stats import GROUPS_PATH
from medimeta_c.io.files import identity, is_locked, sha256_file
from medimeta_c.io.progress import following
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.io.shown import short_repr
from medimeta_c.io.stores.naming import spoken_of_as
from medimeta_c.io.stores.stored import Place, StoredPath, as_place
from medimeta_c.sources import default_data_dir
from medimeta_c.sources.contract import Source
from medimeta_c.sources.folders.ids import ids_beside
from medimeta_c.sources.patients import patients_of
from medimeta_c.sources.selection import reopen
from medimeta_corruptions import CORRUPTIONS

__all__ = ["Problem", "VerificationReport", "verify"]

_MISSING = "the shard is missing; run the build again to restore it"
_SIZE = "the shard has {} bytes, the manifest says {} (truncated or rewritten)"
_FEW_BYTES = 15_000_000
_BATCH_BYTES = 32 << 20
"""Stored images held at a time by a worker, or one if it is larger."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not what the manifest says.

    Parameters
    ----------
    path : str
        The file, relative to the root.
    message : str
        What is wrong.
    key : SetKey or None
        The set the file belongs to, if any.
    """

    path: str
    message: str
    key: SetKey | None = None

    def __str__(self) -> str:
        of = f" (set {self.key})" if self.key else ""
        return f"{self.path}{of}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """What a verification looked at and found.

    Of the rows `rebuilt`, those `near` differ by no more than another version of a library explains. `signed`
    is the signature, if one was asked for; `published` compares each dataset with the fingerprints that this
    package publishes.
    """

    root: Path | StoredPath
    manifest: Manifest
    sets: int
    images: int
    rebuilt: int
    near: int
    problems: tuple[Problem, ...]
    signed: Signed | None = None
    published: Mapping[str, Comparison] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(  # noqa: PLR0913  (every one has a name at the call)
    root: StrPath,
    *,
    rebuild: int = 0,
    data_dir: StrPath | None = None,
    ids: StrPath | None = None,
    signer: StrPath | None = None,
    jobs: int = -1,
    on_progress: Callable[[int, int], None] | None = None,
    progress: bool = False,
) -> VerificationReport:
    """Check every file of a built benchmark.

    Shard digests and sizes, row counts and order, labels, and every image: a plain PNG, its pixels against
    its digest and its spectrum. The row digest of each set, ids and labels from set to set, the fingerprints,
    the statistics file, the card and ``eval.yaml``, and files nobody lists.

    Parameters
    ----------
    root : str or path
        The benchmark's directory, or its URL in an object store: then one shard for each worker is copied
        to this machine at a time.
    rebuild : int, optional
        Render this many rows of each set again from the source and compare their pixels; and compare class
        names, ids and labels of all rows, and groups.
    data_dir : str or path, optional
        Where the clean data is, for `rebuild`. By default where the build on this machine read it, else the
        folder that ``MEDIMETA_DATA`` names, else the platform's user data directory.
    ids : str or path, optional
        Where the key of the image ids is, for `rebuild`, if the images have one. By default the folder
        ``OUT.ids`` beside the benchmark.
    signer : str or path, optional
        The public key that must have signed the manifest: its file, or its line of base64.
    jobs : int, optional
        Processes; -1 is one per core, or a single one where there is little to do.
    on_progress : callable, optional
        Called with images checked and images in all, after each set.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Returns
    -------
    VerificationReport
        Every problem found, each naming its file and set.

    Raises
    ------
    ManifestError
        If the manifest is missing, edited or of another schema: then nothing else can be checked.
    VerificationError
        If the manifest is not signed by `signer`, or a build replaced it meanwhile.
    StoreError
        If an object store fails.
    SourceError
        If `rebuild` is asked for and the source is not there, or is not the data that was built from.
    ConfigError
        If `rebuild` is asked for and the benchmark was imported, not rendered.
    """
    place = as_place(root, "root")
    data_dir, ids = (
        None if given is None else as_path(given, name)
        for name, given in (("data dir", data_dir), ("ids", ids))
    )
    engines.check_jobs(jobs)
    asked = _Asked(rebuild=rebuild, data_dir=data_dir, ids=ids, signer=signer, jobs=jobs)
    with following(on_progress, progress, "images", lambda done, total: ("verifying", done, total)) as tell:
        if isinstance(place, Path):
            return _verified(place, asked, tell)
        place = place.settled()
        began = (place / MANIFEST_NAME).find()
        read_manifest(place / MANIFEST_NAME)
        with small_files(place) as folder:
            report = _verified(folder, asked, tell, stored=place)
        if (place / MANIFEST_NAME).find() != began:
            raise _built_again(place)
        return dataclasses.replace(report, root=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What `verify` is asked for beside the benchmark."""

    rebuild: int
    data_dir: Path | None
    ids: Path | None
    signer: StrPath | None
    jobs: int


def _verified(
    root: Path, asked: _Asked, tell: Callable[[int, int], None], *, stored: StoredPath | None = None
) -> VerificationReport:
    """Verify a benchmark in a folder, or one whose shards are in a store."""
    rebuild = asked.rebuild
    began = identity(root / MANIFEST_NAME)
    manifest = read_manifest(root / MANIFEST_NAME)
    signed = None if asked.signer is None else check_signature(root, asked.signer)
    if rebuild and manifest.protocol.imported:
        raise ConfigError(
            f"{root} was imported ({manifest.protocol.benchmark_version}), not rendered, so none of its "
            "images can be rendered again",
            remedy=[
                Remedy("verify it without {rebuild}"),
                Remedy("import it again and compare fingerprints"),
            ],
        )
    key = asked.ids or (ids_folder(root) if stored is None else ids_beside(stored))
    sources = _open_sources(root, manifest, asked.data_dir, key) if rebuild else {}
    checks = [
        SetCheck(
            root=root,
            record=record,
            class_names=manifest.dataset(record.dataset).class_names,
            protocol=manifest.protocol,
            source=sources.get(record.dataset),
            corruption=CORRUPTIONS.get(record.corruption) if rebuild else None,
            rebuild=rebuild,
            tolerance=allowed_difference(CORRUPTIONS.get(record.corruption), manifest.libraries)
            if rebuild
            else None,
            limited=manifest.limited,
            stored=stored,
        )
        for record in manifest.sets
    ]
    total, done = sum(record.rows for record in manifest.sets), 0
    size = sum(shard.bytes for record in manifest.sets for shard in record.shards)
    jobs = asked.jobs
    if jobs == -1 and size < _FEW_BYTES and not rebuild:
        jobs = 1  # done before a worker process would have started
    found: dict[SetKey, _Found] = {}
    with contextlib.closing(engines.run_all(_check_set, checks, jobs=jobs)) as results:
        for one in results:
            found[one.key] = one
            done += one.rows
            tell(done, total)
    # In canonical order, whichever was checked first.
    problems = [problem for record in manifest.sets for problem in found[record.key].problems]
    problems += _check_classes(manifest, sources)
    problems += _check_listings(manifest, found)
    problems += [Problem(MANIFEST_NAME, fault) for fault in fingerprint_faults(manifest)]
    tree = [Problem(*fault) for fault in check_tree(root, manifest)]
    problems += tree
    if GROUPS_PATH not in {problem.path for problem in tree}:
        problems += _check_groups(root, manifest, sources)
    if identity(root / MANIFEST_NAME) != began:
        if is_locked(root / BUILD_LOCK):
            raise VerificationError(
                f"a build is running in {root}", remedy=Remedy("verify it when the build has ended")
            )
        raise _built_again(root)
    return VerificationReport(
        root=root,
        manifest=manifest,
        sets=len(manifest.sets),
        images=total,
        rebuilt=sum(one.rebuilt for one in found.values()),
        near=sum(one.near for one in found.values()),
        problems=tuple(problems),
        signed=signed,
        published=compared(manifest),
    )


def _built_again(root: Place) -> VerificationError:
    return VerificationError(
        f"{root} was built again while it was verified", remedy=Remedy("verify it again")
    )


def _open_sources(root: Path, manifest: Manifest, data_dir: Path | None, ids: Path) -> dict[str, Source]:
    """Open the source of every dataset; refuse other data than the build was made from."""
    require_plugins(root, manifest)
    sources, noted = {}, data_folders(root)
    for record in manifest.datasets:
        folder = data_dir or noted.get(record.dataset) or default_data_dir()
        source = reopen(record, manifest.protocol, folder, ids=ids)
        if source.checksum() != record.checksum:
            raise SourceError(
                f"the data of {record.dataset!r} in {folder} is not what {root} was built from (checksum "
                "differs)",
                remedy=[
                    Remedy("give the folder of that data with {data_dir}"),
                    Remedy("verify without {rebuild}"),
                ],
            )
        sources[record.dataset] = source
    return sources


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What became of one set: its problems, the digest of its ids and labels, and its rows.

    Rows are counted as expected, as rendered again, and of these as near, not equal.
    """

    key: SetKey
    problems: list[Problem]
    listing: str
    rows: int
    rebuilt: int
    near: int


def _check_set(check: SetCheck) -> _Found:
    record = check.record
    problems: list[Problem] = []
    rows = RowCheck(check)

    def found(path: str, *messages: str) -> None:
        problems.extend(Problem(path, message, record.key) for message in messages)

    for shard in record.shards:
        if check.stored is None:
            found(shard.path, *_check_shard(check.root / shard.path, shard, rows))
        else:
            found(shard.path, *_check_stored(check.stored / shard.path, shard, rows))
    if not problems:
        found(record.shards[0].path, *rows.check_whole())
    return _Found(
        key=record.key,
        problems=problems,
        listing=rows.listing,
        rows=record.rows,
        rebuilt=rows.rendered,
        near=rows.near,
    )


def _check_shard(path: Path, shard: ShardRecord, rows: RowCheck) -> Iterator[str]:
    """Yield what is wrong with a shard and its rows."""
    broken = _check_bytes(path, shard)
    yield from broken
    try:
        for table in read_tables(path, batch_bytes=_BATCH_BYTES):
            yield from rows.check(table)
    except ShardError as error:
        if not broken:
            yield str(error)


def _check_stored(place: StoredPath, shard: ShardRecord, rows: RowCheck) -> Iterator[str]:
    """Yield what is wrong with a shard in a store, which is copied here while it is looked at."""
    found = place.pinned()
    if found is None or found.expected is None:
        yield _MISSING
    elif found.expected.bytes != shard.bytes:
        yield _SIZE.format(found.expected.bytes, shard.bytes)
    else:
        with tempfile.TemporaryDirectory(prefix="medimeta-c-") as folder:
            local = Path(folder) / found.name
            with spoken_of_as(local, place):
                found.download(local)
                yield from _check_shard(local, shard, rows)


def _check_bytes(path: Path, shard: ShardRecord) -> list[str]:
    """Return what is wrong with a shard as a file, before its content is looked at."""
    if not path.is_file():
        return [_MISSING]
    size = path.stat().st_size
    if size != shard.bytes:
        return [_SIZE.format(size, shard.bytes)]
    if sha256_file(path) != shard.sha256:
        return ["the shard was changed (its SHA-256 differs)"]
    return []


def _check_classes(manifest: Manifest, sources: Mapping[str, Source]) -> Iterator[Problem]:
    for name, source in sources.items():
        if manifest.dataset(name).class_names != source.info.class_names:
            yield Problem(MANIFEST_NAME, f"the class names of {name!r} differ from its source's")


def _check_groups(root: Path, manifest: Manifest, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Yield what is wrong with the groups (patients): they cannot be read, or are not the source's."""
    benchmark = Benchmark(str(root), manifest, root.joinpath)
    for name, split in sorted({(record.dataset, record.split) for record in manifest.sets}):
        try:
            stated = benchmark.groups(split).get(name, {})
        except ShardError as error:
            yield Problem(GROUPS_PATH, str(error))
            return
        if name in sources and stated != patients_of(sources[name], split):
            yield Problem(GROUPS_PATH, f"its groups of {name}/{split} differ from the source's")


def _check_listings(manifest: Manifest, found: Mapping[SetKey, _Found]) -> Iterator[Problem]:
    """Yield the sets whose images or labels are not those of most sets of their split."""
    whole = [record for record in manifest.sets if not found[record.key].problems]
    for split in sorted({(record.dataset, record.split) for record in whole}):
        own = [record for record in whole if (record.dataset, record.split) == split]
        # The first of equally many: the clean set, unless its name comes late.
        usual = Counter(found[record.key].listing for record in own).most_common(1)[0][0]
        for record in own:
            if found[record.key].listing != usual:
                message = f"its ids or labels differ from the other sets of {'/'.join(split)}"
                yield Problem(record.shards[0].path, message, record.key)
