"""A local cache of files in a store: fetched once, fetched again only if the store has others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from medimeta_c.errors import ConfigError, Remedy, SourceError
from medimeta_c.io.files import exclusive, publish, write_atomic, writing
from medimeta_c.io.stores.stored import Stored, StoredPath

__all__ = ["cache_folder", "default_cache", "fill_cache"]

_LIST = ".fetched.json"
_LOCK = ".lock"
_WAIT_S = 3600
_SPARE_BYTES = 64 << 20


def default_cache() -> Path:
    """Return the folder for caches of the platform.

    Raises
    ------
    ConfigError
        If the user has no home directory, as in some containers.
    """
    from platformdirs import user_cache_path  # noqa: PLC0415  (keeps `--help` fast)

    try:
        return user_cache_path("medimeta-c", appauthor=False) / "stores"
    except RuntimeError as error:
        raise ConfigError(
            "this user has no home directory to keep fetched files in", remedy=Remedy("give {cache}")
        ) from error


def cache_folder(root: StoredPath, cache: Path) -> Path:
    """Return the folder in which a cache keeps the files of a place in a store."""
    return cache / root.scheme / root.path


def fill_cache(root: StoredPath, cache: Path, wanted: Callable[[str], bool]) -> Path:
    """Fetch the wanted objects below a place into a cache; return the folder.

    Files that have changed in the store are fetched again, and files that are gone there are removed. A file
    has its name only once it is whole.

    Parameters
    ----------
    root : StoredPath
        The place.
    cache : Path
        The cache's own folder.
    wanted : callable
        Takes a path relative to the place.

    Raises
    ------
    SourceError
        If the place holds nothing, or the cache has no room for it.
    StoreError
        If the store fails.
    """
    files = root.files()
    if not files:
        root.require_bucket()
        raise SourceError(f"there is nothing at {root}", remedy=Remedy("check the URL"))
    folder = cache_folder(root, cache)
    busy = SourceError(f"another process is filling {folder}", remedy=Remedy("wait until it ends"))
    with exclusive(folder / _LOCK, folder, busy, wait_s=_WAIT_S):
        known = _known(folder)
        now = {name: one for name, one in files.items() if wanted(name)}
        for name in [name for name in known if wanted(name) and name not in now]:
            (folder / name).unlink(missing_ok=True)
            del known[name]
        missing = {
            name: one for name, one in now.items() if not _is_there(folder / name, known.get(name), one)
        }
        _require_room(folder, root, sum(one.bytes for one in missing.values()))
        for name, one in missing.items():
            _fetch(root / name, one, folder / name)
            known[name] = one
            if len(known) % 500 == 0:
                _write(folder, known)
        _write(folder, known)
    return folder


def _is_there(path: Path, known: Stored | None, now: Stored) -> bool:
    return known == now and path.is_file() and path.stat().st_size == now.bytes


def _require_room(folder: Path, root: StoredPath, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size + _SPARE_BYTES > free:
        raise SourceError(
            f"{root} has {size >> 20} MB to fetch, and {folder} has room for {free >> 20} MB",
            remedy=[Remedy("free some space"), Remedy("choose another {cache}")],
        )


def _fetch(place: StoredPath, expected: Stored, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            StoredPath(place.scheme, place.path, expected).download(part)
            publish(part, target)
        finally:
            part.unlink(missing_ok=True)


def _known(folder: Path) -> dict[str, Stored]:
    """Return what was fetched; nothing if the list cannot be read, so that all files are fetched again."""
    try:
        listed = json.loads((folder / _LIST).read_bytes())
        return {str(name): Stored(int(size), str(version)) for name, (size, version) in listed.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(folder: Path, known: dict[str, Stored]) -> None:
    listed = {name: [one.bytes, one.version] for name, one in sorted(known.items())}
    write_atomic(folder / _LIST, json.dumps(listed).encode())
