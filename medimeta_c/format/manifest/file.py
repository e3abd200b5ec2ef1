"""The file ``manifest.json``. It is written last: a directory without one is an unfinished build."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medimeta_c.errors import ManifestError, Remedy
from medimeta_c.format.manifest.digests import seal, self_digest
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.parts import FOLDER, part_folders
from medimeta_c.io.files import is_locked
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import write_record
from medimeta_c.io.stores.stored import Place, StoredPath

__all__ = ["BUILD_LOCK", "MANIFEST_NAME", "read_manifest", "write_manifest"]

MANIFEST_NAME = "manifest.json"
BUILD_LOCK = f"{FOLDER}/build.lock"
MAX_BYTES = 256 << 20
"""Largest manifest read: a thousand datasets of the core suite have about 150 MB."""

_REMEDY = "restore it or build again"
_SHOWN = 8


def write_manifest(root: Path, manifest: Manifest) -> Manifest:
    """Seal and write a manifest atomically; return the sealed one."""
    sealed = seal(manifest)
    write_record(root / MANIFEST_NAME, sealed)
    return sealed


def read_manifest(path: Place, *, of_part: bool = False) -> Manifest:
    """Read and check a manifest.

    Parameters
    ----------
    path : Path or StoredPath
        The ``manifest.json`` itself.
    of_part : bool, optional
        Whether that of a part of a build is wanted, instead of a benchmark's.

    Raises
    ------
    ManifestError
        If it is missing, not JSON, of a later schema, not what was written (edited), or of a part where a
        benchmark is wanted, or the other way round.
    """
    _require_there(path)
    manifest = Reader(remedy=_REMEDY, error=ManifestError, max_bytes=MAX_BYTES).read(
        path, Manifest, check=lambda values: _check_seal(values, path)
    )
    if manifest.part is not None and not of_part:
        raise _unmerged(path.parent, manifest.part.name)
    if manifest.part is None and of_part:
        raise ManifestError(f"{path} is the manifest of a whole benchmark, not of a part of a build")
    return manifest


def _require_there(path: Place) -> None:
    """Raise ManifestError if a manifest is not there, and say what is there instead."""
    if isinstance(path, StoredPath):
        if path.find() is None:
            path.require_bucket()
            raise ManifestError(
                f"{path} does not exist: there is no finished build at {path.parent}",
                remedy=[Remedy("check the URL"), Remedy("run the same build again to finish it")],
            )
        return
    if not path.parent.is_dir():
        reason = "is no folder" if path.parent.exists() else "does not exist"
        raise ManifestError(f"{path.parent} {reason}", remedy=Remedy("give the folder of a built benchmark"))
    if not path.exists():
        above = next((each for each in path.parent.absolute().parents if (each / path.name).is_file()), None)
        if above is not None:
            raise ManifestError(
                f"{path.parent} is a folder inside the benchmark {above}",
                remedy=Remedy("give {0}", above),
            )
        if parts := list(part_folders(path.parent).values()):
            more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
            raise _unmerged(path.parent, ", ".join(parts[:_SHOWN]) + more)
        if is_locked(path.parent / BUILD_LOCK):
            raise ManifestError(f"a build is running in {path.parent}", remedy=Remedy("wait until it ends"))
        raise ManifestError(
            f"{path} is missing: this is not a finished build; run the same `medimeta-c build` (or import) "
            "command again to finish it"
        )


def _unmerged(folder: Place, what: str) -> ManifestError:
    return ManifestError(
        f"{folder} is not a whole benchmark but {what} of a build",
        remedy=Remedy("merge all parts with {command}", command="merge"),
    )


def _check_seal(values: Mapping[str, Any], path: Place) -> None:
    """Refuse a manifest whose own digest is not that of its content."""
    try:
        sealed = values.get("manifest_sha256") == self_digest(values)
    except UnicodeEncodeError:  # half a character, which no manifest of ours holds
        sealed = False
    if not sealed:
        raise ManifestError(
            f"{path} was edited after it was written (its own digest differs): restore it, or build into "
            "another directory"
        )
