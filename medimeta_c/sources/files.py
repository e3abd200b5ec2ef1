"""Checksum of all files that a source reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from medimeta_c.errors import SourceError
from medimeta_c.io.files import sha256_file

__all__ = ["checksum_of"]


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
