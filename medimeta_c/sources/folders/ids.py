"""Anonymous image ids: running numbers, in an order that depends on a secret key."""

from __future__ import annotations

import csv
import hmac
import io
import os
import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from medimeta_c.errors import Remedy, SourceError, short
from medimeta_c.io.files import exclusive, write_atomic, writing
from medimeta_c.io.stores.stored import Place, StoredPath

__all__ = [
    "IDS_SUFFIX",
    "Entry",
    "has_key",
    "ids_beside",
    "ids_key",
    "keyed",
    "read_ids",
    "running_numbers",
    "write_ids",
]

IDS_SUFFIX = ".ids"
"""Ends the name of the folder beside a benchmark that keeps the key and the tables; never published."""

_KEY = "key"
_KEY_BYTES = 32
_LOCK = ".lock"
_WAIT_S = 60  # builds that end together take turns of milliseconds
_NOTHING: Mapping[str, int] = MappingProxyType({})


def ids_beside(benchmark: Place) -> Path:
    """Return the default folder for a benchmark's key and tables.

    It is beside the benchmark; of one in an object store, where nothing private goes, in the current folder.
    """
    if isinstance(benchmark, StoredPath):
        return Path(benchmark.name.partition("@")[0] + IDS_SUFFIX).absolute()
    root = benchmark.resolve()
    return root.parent / (root.name + IDS_SUFFIX)


class Entry(NamedTuple):
    """A line of the private table that leads back from an image id to its file.

    Attributes
    ----------
    split, image_id : str
        What is published.
    file, frame : str
        The picture, and which of its frames, if it has several.
    patient, group : str
        Whom it is of and the number that is published; empty if not known. For a DICOM file's PatientID, its
        HMAC.
    """

    split: str
    image_id: str
    file: str
    frame: str
    patient: str
    group: str

    @property
    def name(self) -> str:
        """What the id follows from."""
        return f"{self.file}\0{self.frame}" if self.frame else self.file


def has_key(folder: Path | None) -> bool:
    """Return whether a folder has a key; what the key is worth is for `ids_key` to say."""
    return folder is not None and (folder / _KEY).exists()


def ids_key(folder: Path | None, *, new: bool) -> bytes:
    """Return the key kept in a folder; a fixed one without a folder.

    Parameters
    ----------
    folder : Path or None
        Where the key is.
    new : bool
        Whether to make one there if there is none.

    Raises
    ------
    SourceError
        If there is none and none is to be made, or it is damaged.
    WriteError
        If it cannot be written.
    """
    if folder is None:
        return b""
    path = folder / _KEY
    if not has_key(folder):
        if not new:
            raise SourceError(
                f"{path} is missing, the key that the ids of these images are made with",
                remedy=[Remedy("put its folder back"), Remedy("give its folder with {ids}")],
            )
        _make_key(path)
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} is not the key of a build: restore it") from error
    if len(key) != _KEY_BYTES:
        raise SourceError(f"{path} is truncated or not the key of a build: restore it")
    return key


def _make_key(path: Path) -> None:
    """Write a new key, unless another process, such as another part of the build, has just written one."""
    token = secrets.token_hex(_KEY_BYTES)
    draft = path.with_name(f".{_KEY}-{secrets.token_hex(4)}")
    write_atomic(draft, token.encode(), private=True)
    with writing(path):
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            draft.replace(path)
        draft.unlink(missing_ok=True)


def running_numbers(
    names: Collection[str], key: bytes, known: Mapping[str, int] = _NOTHING
) -> dict[str, int]:
    """Return a number from 0 for each name, in the order of their HMAC-SHA256; known ones keep theirs.

    Examples
    --------
    >>> sorted(running_numbers({"a", "b", "c"}, b"key").values())
    [0, 1, 2]
    >>> running_numbers({"a", "b"}, b"key", {"b": 4})["a"]
    5
    """
    order = sorted({*names} - known.keys(), key=lambda name: hmac.digest(key, name.encode(), "sha256"))
    return {**known, **dict(zip(order, range(max(known.values(), default=-1) + 1, 1 << 62), strict=False))}


def keyed(text: str, key: bytes) -> str:
    """Return the HMAC of a text, which tells nothing of it without the key, even to those who guess it."""
    return f"sha256:{hmac.digest(key, text.encode(), 'sha256').hex()}"


def read_ids(folder: Path | None, dataset: str) -> list[Entry]:
    """Return the table of a dataset that earlier builds with a key wrote; nothing if there is none.

    Raises
    ------
    SourceError
        If it is damaged.
    """
    path = folder / f"{dataset}.csv" if folder is not None else None
    if path is None or not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        entries = [Entry(*row) for row in rows]
        whole = tuple(head) == Entry._fields and all(
            entry.image_id.isdecimal() and (entry.group.isdecimal() or not entry.patient) for entry in entries
        )
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise SourceError(f"{path} is not a table of ids ({short(error)}): restore it") from error
    if not whole:
        raise SourceError(f"{path} is not a table of ids of this package: restore it")
    return entries


def write_ids(folder: Path, dataset: str, entries: Iterable[Entry]) -> None:
    """Write the table that leads back from ids to files and patients; what it said of other files stays.

    Builds in several directories may share a folder of ids, and take turns.

    Parameters
    ----------
    folder : Path
        Where the key is.
    dataset : str
        Names the table.
    entries : iterable of Entry
        What is known of each image.

    Raises
    ------
    SourceError
        If the table there is damaged, or another build does not end writing it.
    WriteError
        If it cannot be written.
    """
    busy = SourceError(f"another build is writing to {folder}", remedy=Remedy("wait until it ends"))
    with exclusive(folder / _LOCK, folder, busy, wait_s=_WAIT_S):
        _merge_ids(folder, dataset, entries)


def _merge_ids(folder: Path, dataset: str, entries: Iterable[Entry]) -> None:
    merged = {entry.name: entry for entry in (*read_ids(folder, dataset), *entries)}
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(Entry._fields)
    table.writerows(sorted(merged.values()))
    write_atomic(folder / f"{dataset}.csv", buffer.getvalue().encode(), private=True)
