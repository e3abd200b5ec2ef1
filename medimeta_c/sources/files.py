"""The small files of a source: YAML descriptions read with care, and the digest of everything read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medimeta_c.errors import SourceError, printable
from medimeta_c.io.files import sha256_file
from medimeta_c.io.reading import Reader

__all__ = ["checksum_of", "read_mapping", "text_field"]


def checksum_of(root: Path, names: Iterable[str]) -> str:
    """Return the digest of some files below a folder, whatever the folder's own path.

    The SHA-256 of one line ``<name>NUL<SHA-256 of its bytes>`` per file, in the order of names. Files are
    read in chunks, so memory does not grow with them.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    names : iterable of str
        Paths relative to it, with forward slashes; repetitions count once.

    Returns
    -------
    str
        ``"sha256:<hex>"``.

    Raises
    ------
    SourceError
        If a file cannot be read.
    """
    digest = hashlib.sha256()
    for name in sorted(set(names)):
        digest.update(f"{name}\0{_file_digest(root / name)}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _file_digest(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise SourceError(f"cannot read {path} ({error.strerror}): restore the file and try again") from error


def read_mapping(path: Path) -> dict[str, Any]:
    """Return a YAML file's top-level mapping, read strictly.

    Raises
    ------
    SourceError
        If the file cannot be read, is not YAML, or holds something else.
    """
    document = Reader(remedy="restore or correct it", error=SourceError, aliases=True).values(path)
    if not isinstance(document, dict):
        raise SourceError(f"{path} holds no mapping of names to values: restore or correct it")
    return document


def text_field(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of some fields that is a non-empty text, as one line, or ``""``."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return printable(value)
    return ""
