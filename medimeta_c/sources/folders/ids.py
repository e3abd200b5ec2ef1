"""Running numbers in place of file names and patients, in an order that only the keeper of a key can tell."""

from __future__ import annotations

import csv
import hmac
import io
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from medimeta_c.errors import SourceError
from medimeta_c.io.files import writing

__all__ = ["IDS_SUFFIX", "ids_key", "running_numbers", "write_ids"]

IDS_SUFFIX = ".ids"
"""Ends the name of the folder beside a benchmark that keeps the key and the tables; never published."""

_KEY = "key"
_KEY_BYTES = 32


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
    BuildError
        If it cannot be written.
    """
    if folder is None:
        return b""
    path = folder / _KEY
    if not path.exists():
        if not new:
            raise SourceError(
                f"{path} is missing: the ids of these images follow from that key, so put its folder "
                "back, or say with --ids DIR where it is"
            )
        _write(path, secrets.token_hex(_KEY_BYTES).encode())
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} is not the key of a build: restore it") from error
    if len(key) != _KEY_BYTES:
        raise SourceError(f"{path} is cut short or no key of a build: restore it")
    return key


def running_numbers(names: set[str], key: bytes) -> dict[str, int]:
    """Return a number from 0 for each name, in the order of their HMAC-SHA256.

    Examples
    --------
    >>> sorted(running_numbers({"a", "b", "c"}, b"key").values())
    [0, 1, 2]
    """
    order = sorted(names, key=lambda name: hmac.digest(key, name.encode(), "sha256"))
    return {name: number for number, name in enumerate(order)}


def write_ids(folder: Path, dataset: str, files: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    """Write the table that leads back from ids to files and patients, for its keeper's eyes only.

    Parameters
    ----------
    folder : Path
        Where the key is.
    dataset : str
        Names the table.
    files : mapping of (str, str) to (str, str)
        File and patient by split and image id.
    """
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(("split", "image_id", "file", "patient"))
    table.writerows((*place, *names) for place, names in sorted(files.items()))
    _write(folder / f"{dataset}.csv", buffer.getvalue().encode())


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
