"""Where unfinished downloads live: one at a time, never mistaken for data, and what a full disk says."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from medimeta_c.errors import DownloadError
from medimeta_c.io.files import replace_file

__all__ = ["WORK_DIR", "alone", "replace_json", "writing"]

_log = logging.getLogger(__name__)

WORK_DIR = ".downloads"
"""Folder in the data directory for what is not finished: partial files, locks, half-extracted folders."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a file lock, waiting for whoever has it; the system releases it if the process is killed.

    Raises
    ------
    DownloadError
        If the file system has no locks.
    """
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _log.info("waiting for another download that holds %s", path)
            lock.acquire()
    except NotImplementedError as error:
        raise DownloadError(
            f"the file system of {path.parent} has no file locks: download to a local disk with --data and "
            "move the data afterwards"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(data_dir: Path) -> Iterator[None]:
    """Turn a failure to write below `data_dir` into a sentence; what is there stays for the next run.

    Raises
    ------
    DownloadError
        In place of any OSError.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way_out = "make room" if full else "check that the folder exists and is yours to write"
        raise DownloadError(
            f"cannot write {error.filename or data_dir} ({error.strerror or error}): {way_out}, or choose "
            "another folder with --data, and run the same command again"
        ) from error


def replace_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with sorted keys, whole or not at all."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    replace_file(path, text.encode() + b"\n")
