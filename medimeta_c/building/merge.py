"""Merge the parts of a build into one benchmark, the same as if it had never been divided."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from medimeta_c.building.assembly import BuildProgress, BuildReport, Request, as_images, assemble
from medimeta_c.building.parts.finished import FinishedPart, find_parts, pieces_of
from medimeta_c.building.render import write_rows
from medimeta_c.building.state.journal import Journal
from medimeta_c.building.state.lock import locked
from medimeta_c.building.state.remembered import data_folders, ids_folder, remember_data
from medimeta_c.errors import BuildError, ConfigError, Remedy, ShardError
from medimeta_c.format import png
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import RowDigest
from medimeta_c.format.manifest.records import SetRecord, ShardRecord, suite_record
from medimeta_c.format.parts import merged_parts, part_folders, parts_folder
from medimeta_c.format.shards import Row, read_tables
from medimeta_c.format.spectrum import spectrum
from medimeta_c.format.stats import GROUPS_PATH, read_groups
from medimeta_c.format.suites import CORE, SUITES, Suite
from medimeta_c.io.files import link_or_copy, sha256_file, writing
from medimeta_c.io.progress import following
from medimeta_c.io.settings import StrPath, as_path, several
from medimeta_c.sources.folders.ids import has_key

__all__ = ["merge"]

Pieces = Mapping[SetKey, Sequence[tuple[FinishedPart, SetRecord]]]

_BATCH_BYTES = 32 << 20


def merge(
    directories: StrPath | Iterable[StrPath],
    out: StrPath,
    *,
    on_progress: Callable[[BuildProgress], None] | None = None,
    progress: bool = False,
) -> BuildReport:
    """Join all parts of a build into a benchmark with the bytes of an undivided build.

    Every shard's digest is checked. Shards of a set that one part built whole are linked into the benchmark,
    or copied where the disk is another. Rows of a set that was cut are copied as they are stored; each
    picture is decoded once, compared with its digest, and measured for the set's statistics. An interrupted
    merge resumes. Parts in `out` itself are removed in the end; others stay. Merging a
    directory's own parts again changes nothing.

    Parameters
    ----------
    directories : path, or several
        Where parts were built (`BuildConfig.out`), in any order. Where a part is there twice, the first is
        taken, and the second must have the same pixels.
    out : str or path
        The benchmark's directory: one of `directories`, a new one, or a benchmark of the same protocol, which
        gets the sets added.
    on_progress : callable, optional
        Called with a `BuildProgress`, first before any work and then after each set.
    progress : bool, optional
        Show a progress bar, on stderr or in a notebook.

    Returns
    -------
    BuildReport
        The manifest and what was merged now.

    Raises
    ------
    ConfigError
        If no directory is given.
    BuildError
        If a part is missing, unfinished, damaged, being built, or of another build; or if `out` holds
        something else.
    ManifestError
        If a part's manifest is damaged.
    WriteError
        If a file cannot be written; what is merged is kept.
    """
    roots = list(dict.fromkeys(as_path(one, "directory") for one in several(directories)))
    root = as_path(out, "out")
    if not roots:
        raise ConfigError("no directory of parts is given: give one or more")
    if part_folders(root) and not any(_same(root, one) for one in roots):
        raise BuildError(
            f"{root} holds parts of a build, too",
            remedy=[Remedy("give it as one of {directories}"), Remedy("choose another {out}")],
        )
    if len(roots) == 1 and _same(root, roots[0]) and (report := _already(root)):
        return report
    parts = find_parts(roots)
    pieces = pieces_of(parts)
    _compare_with(root, pieces)
    request = _request(root, parts, pieces)
    own = [part.root for part in parts if _same(root, part.out)]
    with contextlib.ExitStack() as locks:
        for folder in own:
            locks.enter_context(locked(folder))
        with following(on_progress, progress, "images", as_images("merging")) as tell:
            report = assemble(request, lambda todo, _: _merged(request, pieces, todo), tell)
        for directory in roots:
            _remember(root, directory)
    if own:
        _remove_parts(root)
    return report


def _already(root: Path) -> BuildReport | None:
    """Return the report of a directory whose parts are merged already, else None; remove what is left."""
    if part_folders(root) or not merged_parts(root).is_dir():
        return None
    manifest = Journal(root).manifest
    if manifest is None:
        return None
    _empty(merged_parts(root))
    kept = tuple(record.key for record in manifest.sets)
    return BuildReport(root=root, manifest=manifest, built=(), kept=kept)


def _remove_parts(root: Path) -> None:
    """Remove the parts of a directory: one rename hides all first, so that no part is seen half removed."""
    merged = merged_parts(root)
    with writing(root):
        _empty(merged)
        merged.mkdir(exist_ok=True)
        parts_folder(root).rename(merged / "parts")
    _empty(merged)


def _empty(folder: Path) -> None:
    """Remove what is in a folder that nobody reads; what cannot be removed stays."""
    for path in folder.glob("*"):
        shutil.rmtree(path, ignore_errors=True)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _remember(root: Path, directory: Path) -> None:
    """Note of a merged benchmark where its clean data is, as one directory of parts knows it."""
    if not _same(root, directory):
        ids = ids_folder(directory)
        for name, folder in data_folders(directory).items():
            if not name.startswith("."):
                remember_data(root, [name], folder, ids=ids if has_key(ids) else None)


def _compare_with(root: Path, pieces: Pieces) -> None:
    """Refuse a directory that holds other pixels of a set than the parts: the first merged are kept."""
    finished = Journal(root).finished_sets()
    for key in finished.keys() & pieces.keys():
        if finished[key].rows_sha256 != _rows_digest(pieces[key]):
            raise BuildError(
                f"{root} has other images in the set {key} than the parts have",
                remedy=Remedy("choose another {out}"),
            )


def _rows_digest(pieces: Sequence[tuple[FinishedPart, SetRecord]]) -> str:
    """Return the row digest of a set, from the columns of its pieces if there are several."""
    if len(pieces) == 1:
        return pieces[0][1].rows_sha256
    digest = RowDigest()
    for part, record in pieces:
        for shard in record.shards:
            for table in read_tables(part.root / shard.path, ("image_id", "label", "pixels_sha256")):
                for row in table.to_pylist():
                    digest.add(row["image_id"], row["label"], row["pixels_sha256"])
    return digest.hexdigest()


def _request(root: Path, parts: Sequence[FinishedPart], pieces: Pieces) -> Request:
    first = parts[0].manifest
    datasets: dict[str, DatasetRecord] = {}
    for part in parts:
        for record in part.manifest.datasets:
            datasets.setdefault(record.dataset, record.model_copy(update={"fingerprint": ""}))
    known = Journal(root).manifest
    return Request(
        root=root,
        protocol=first.protocol,
        datasets=dict(sorted(datasets.items())),
        sets={key: sum(record.rows for _, record in own) for key, own in pieces.items()},
        plugins={plugin for part in parts for plugin in part.manifest.plugins},
        groups=_groups(parts),
        limited=first.limited,
        title=first.title,
        suite=_suite(parts[0]),
        division=parts[0].record.division,
        encoder=first.encoder if known is None else known.encoder,
        libraries=first.libraries,
    )


def _suite(part: FinishedPart) -> Suite:
    record = part.manifest.suite
    suite = CORE if record is None else SUITES.find(record.name)
    if suite_record(suite) != record:
        raise BuildError(
            f"{part.path} is of another version of the suite {suite.name} than the one installed here",
            remedy=Remedy("merge with the version that built it"),
        )
    return suite


def _groups(parts: Sequence[FinishedPart]) -> dict[tuple[str, str], Mapping[str, int]]:
    """Return the number of the patient of each image by dataset and split, on which all parts must agree."""
    found: dict[tuple[str, str], Mapping[str, int]] = {}
    for part in parts:
        listed = [file for file in part.manifest.files if file.path == GROUPS_PATH]
        for split in sorted({record.split for record in part.manifest.sets}) if listed else ():
            for dataset, numbers in read_groups(part.root / GROUPS_PATH, listed[0], split).items():
                if found.setdefault((dataset, split), numbers) != numbers:
                    raise BuildError(
                        f"{part.root / GROUPS_PATH} has other patients of {dataset} than another part",
                        remedy=part.again,
                    )
    return found


def _merged(request: Request, pieces: Pieces, todo: Sequence[SetKey]) -> Generator[SetRecord]:
    """Yield each set once its shards are in the benchmark."""
    for key in todo:
        own = pieces[key]
        for part, record in own:
            for shard in record.shards:
                _check_file(part, shard, part.root / shard.path)
        record = own[0][1] if len(own) == 1 else _joined(request, key, own)
        if len(own) == 1:
            for shard in record.shards:
                link_or_copy(own[0][0].root / shard.path, request.root / shard.path)
        used = dict.fromkeys(part.encoder(record) for part, record in own)
        encoder = None if [*used] == [request.encoder] else " and ".join(used)
        yield record.model_copy(update={"encoder": encoder})


def _joined(request: Request, key: SetKey, pieces: Sequence[tuple[FinishedPart, SetRecord]]) -> SetRecord:
    """Write a set that several parts built."""
    names = request.datasets[key.dataset].class_names
    record = write_rows(request.root, key, names, _rows(pieces))
    padded = [record.padded for _, record in pieces if record.padded is not None]
    return record.model_copy(update={"padded": sum(padded) if padded else None})


def _rows(pieces: Sequence[tuple[FinishedPart, SetRecord]]) -> Iterator[Row]:
    last = ""
    for part, record in pieces:
        for shard in record.shards:
            path = part.root / shard.path
            for table in read_tables(path, batch_bytes=_BATCH_BYTES):
                for row in table.to_pylist():
                    image_id, data = row["image_id"], (row["image"] or {}).get("bytes") or b""
                    try:
                        image = png.decode(data)
                    except ShardError as error:
                        raise _damaged(part, path, f"image {image_id}: {error}") from error
                    if png.digest(image) != row["pixels_sha256"]:
                        raise _damaged(
                            part, path, f"the pixels of image {image_id} are not those of its digest"
                        )
                    if image_id <= last:
                        raise _damaged(part, path, f"image {image_id} is out of order")
                    last = image_id
                    yield Row(
                        image_id=image_id,
                        label=row["label"],
                        data=data,
                        pixels_sha256=row["pixels_sha256"],
                        spectrum=spectrum(image),
                    )


def _check_file(part: FinishedPart, shard: ShardRecord, path: Path) -> None:
    """Raise BuildError if a shard of a part is not what the part's manifest says."""
    if not path.is_file():
        raise _damaged(part, path, "it is missing")
    if path.stat().st_size != shard.bytes:
        raise _damaged(part, path, f"it has {path.stat().st_size} bytes, not {shard.bytes}")
    if sha256_file(path) != shard.sha256:
        raise _damaged(part, path, "its SHA-256 differs")


def _damaged(part: FinishedPart, path: Path, what: str) -> BuildError:
    return BuildError(f"{path} is not what {part.record.name} wrote ({what})", remedy=part.again)
