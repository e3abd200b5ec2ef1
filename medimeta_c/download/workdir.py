"""Work folder of unfinished downloads: file locks, and one sentence for each disk error."""

from __future__ import annotations

import errno
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from medimeta_c.errors import DownloadError, Remedy

__all__ = ["WORK_DIR", "alone", "check_space", "writing"]

_log = logging.getLogger(__name__)

WORK_DIR = ".downloads"
"""Folder in the data directory for what is not finished: partial files, locks, half-extracted folders."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Lock a file, waiting until the lock is free; raise DownloadError where files cannot be locked."""
    lock = FileLock(path)
    try:
        try:
            held = lock.acquire(timeout=0)
        except Timeout:
            _log.info("waiting for another download that holds %s", path)
            held = lock.acquire()
    except NotImplementedError as error:
        raise DownloadError(
            f"the file system of {path.parent} has no file locks",
            remedy=Remedy("download to a local disk with {data_dir} and move the data afterwards"),
        ) from error
    with held:
        yield


@contextmanager
def writing(data_dir: Path) -> Iterator[None]:
    """Turn any OSError while writing below `data_dir` into a DownloadError; what is there stays."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way_out = "make room" if full else "check that the folder exists and that you may write to it"
        raise DownloadError(
            f"cannot write {error.filename or data_dir} ({error.strerror or error})",
            remedy=[Remedy(way_out), Remedy("choose another folder with {data_dir}, and run the same again")],
        ) from error


def check_space(folder: Path, needed_bytes: int, purpose: str) -> None:
    """Raise DownloadError if the disk of `folder` has less room; `purpose` goes into the message."""
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise DownloadError(
            f"not enough disk space {purpose}: {needed_bytes / 1e6:,.0f} MB are needed in {folder}, "
            f"{free / 1e6:,.0f} MB are free",
            remedy=[
                Remedy("make room"),
                Remedy("choose another folder with {data_dir}, and run the same again"),
            ],
        )
