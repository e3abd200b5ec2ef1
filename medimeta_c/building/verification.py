"""Verify a built benchmark against its manifest and, if asked, render some of its images again."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.building import engines
from medimeta_c.building.checks.datasets import check_classes, check_groups, check_listings
from medimeta_c.building.checks.published import compared
from medimeta_c.building.checks.report import Problem, VerificationReport
from medimeta_c.building.checks.rows import SetCheck
from medimeta_c.building.checks.sets import CheckedSet, check_set
from medimeta_c.building.checks.tree import check_tree
from medimeta_c.building.libraries import allowed_difference
from medimeta_c.building.plugins import require_plugins
from medimeta_c.building.state.remembered import data_folders, ids_folder
from medimeta_c.building.stored.copies import small_files
from medimeta_c.errors import ConfigError, Remedy, SourceError, VerificationError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import fingerprint_faults
from medimeta_c.format.manifest.file import BUILD_LOCK, MANIFEST_NAME, read_manifest
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.signing.benchmark import check_signature
from medimeta_c.format.stats import GROUPS_PATH
from medimeta_c.io.files import identity, is_locked
from medimeta_c.io.progress import following
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.io.stores.stored import Place, StoredPath, as_place
from medimeta_c.sources import default_data_dir
from medimeta_c.sources.contract import Source
from medimeta_c.sources.folders.ids import ids_beside
from medimeta_c.sources.selection import reopen
from medimeta_corruptions import CORRUPTIONS

__all__ = ["verify"]

_FEW_BYTES = 15_000_000


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
    found: dict[SetKey, CheckedSet] = {}
    with contextlib.closing(engines.run_all(check_set, checks, jobs=jobs)) as results:
        for one in results:
            found[one.key] = one
            done += one.rows
            tell(done, total)
    # In canonical order, whichever was checked first.
    problems = [problem for record in manifest.sets for problem in found[record.key].problems]
    problems += check_classes(manifest, sources)
    problems += check_listings(manifest, found)
    problems += [Problem(MANIFEST_NAME, fault) for fault in fingerprint_faults(manifest)]
    tree = [Problem(*fault) for fault in check_tree(root, manifest)]
    problems += tree
    if GROUPS_PATH not in {problem.path for problem in tree}:
        problems += check_groups(root, manifest, sources)
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
