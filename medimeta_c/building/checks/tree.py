"""Check the files of a benchmark other than shards: listed files, the card, and unlisted files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from medimeta_c.card.card_check import card_problems
from medimeta_c.card.dataset_card import ASSETS, CARD_NAME
from medimeta_c.card.evalfile import EVAL_NAME
from medimeta_c.errors import VerificationError
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.manifest.records import FileRecord, Manifest
from medimeta_c.format.parts import FOLDER
from medimeta_c.format.signing.benchmark import SIGNATURE_NAME, stored_signature
from medimeta_c.format.stats import GROUPS_PATH, SPECTRUM_PATH, holds_spectra
from medimeta_c.io.files import sha256_file

__all__ = ["check_tree"]

_OWN = ("data", "stats", ASSETS)
_STATISTICS = (SPECTRUM_PATH, GROUPS_PATH)
_UNLISTED = (CARD_NAME, EVAL_NAME, MANIFEST_NAME, SIGNATURE_NAME, ".gitattributes")
_LOCAL = {FOLDER, ".git", ".cache"}
"""Folders of this machine that no loader looks into, and no push sends."""

_LOADER_SETTINGS = ".huggingface.yaml"  # overrides the card's configurations
_TABLES = (
    "parquet geoparquet gpq arrow feather csv tsv json jsonl ndjson txt xml eval lance h5 hdf5 npy npz pkl"
)
_ARCHIVES = "tar tgz zip gz bz2 xz zst lz4 7z rar py"
_MEDIA = "png jpg jpeg gif bmp tif tiff webp pdf wav mp3 mp4"
_LOADED = frozenset(f".{one}" for one in f"{_TABLES} {_ARCHIVES} {_MEDIA}".split())
"""Suffixes of files that a client's loader may take for data, or for a script."""


def check_tree(root: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield path and fault of each file that is missing, changed, or not part of the benchmark.

    Parameters
    ----------
    root : Path
        The benchmark's directory.
    manifest : Manifest
        What was built.
    """
    files = [record.path for record in manifest.files]
    for record in manifest.files:
        if fault := _listed_fault(root, manifest, record):
            yield record.path, fault
    if SPECTRUM_PATH not in files or len(set(files)) != len(files):
        yield MANIFEST_NAME, f"it does not list {SPECTRUM_PATH}, or lists a file twice"
    yield from card_problems(root, manifest)
    try:
        stored_signature(root)
    except VerificationError as error:
        yield SIGNATURE_NAME, str(error)
    listed = {*files, *(shard.path for one in manifest.sets for shard in one.shards)}
    home = _home(root)
    for path in sorted(_files(root)):
        name = path.relative_to(root).as_posix()
        if path.is_symlink() and not (path.is_file() and path.resolve().is_relative_to(home)):
            yield (
                name,
                "it is a link to a folder, or to a place outside the benchmark: move it elsewhere",
            )
        elif name not in listed and (fault := _fault(PurePosixPath(name))):
            yield name, fault


def _listed_fault(root: Path, manifest: Manifest, record: FileRecord) -> str | None:
    """Return what is wrong with a file that the manifest lists beside the shards, if anything."""
    path = root / record.path
    if record.path not in _STATISTICS:  # listed or not, a loader would read it unchecked
        return "the manifest lists this file, but a benchmark has no such file"
    if not path.is_file():
        return "the file is missing"
    if path.stat().st_size != record.bytes or sha256_file(path) != record.sha256:
        return "the file was changed (its size or SHA-256 differs)"
    if record.path == SPECTRUM_PATH and not holds_spectra(root, manifest.sets):
        return "its numbers differ from the manifest's"
    return None


def _files(root: Path) -> Iterator[Path]:
    """Yield every file and link of the tree, without the folders that are never published."""
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [one for one in folders if one not in _LOCAL]
        yield from (here / name for name in names)
        yield from (here / name for name in folders if (here / name).is_symlink())


def _home(root: Path) -> Path:
    """Return the folder that links may lead to: the tree, or the Hub's cache if the tree is in one."""
    tree = root.resolve()
    cached = tree.parent.name == "snapshots" and (tree.parents[1] / "blobs").is_dir()
    return tree.parents[1] if cached else tree


def _fault(path: PurePosixPath) -> str | None:
    """Return what is wrong with a file that the manifest does not list, if anything."""
    name, suffix, first = path.name, path.suffix.casefold(), path.parts[0].casefold()
    at_root = len(path.parts) == 1
    if at_root and (name in _UNLISTED or (name.startswith("LICENSE") and suffix in ("", ".md", ".txt"))):
        return None
    if path.parts[:-1] == (ASSETS,) and path.suffix == ".png":
        return None
    if suffix == ".parquet":
        return "the manifest does not list this shard: move it elsewhere, or finish the build that wrote it"
    alike = {one.casefold() for one in (*_UNLISTED, _LOADER_SETTINGS)}
    own = first in _OWN and not name.startswith(".")  # hidden parts are what a killed build leaves
    if own or suffix in _LOADED or (at_root and name.casefold() in alike):
        return "the manifest does not list this file, which a loader may read: move it elsewhere"
    return None
