"""Write files atomically (temporary name, sync, rename), lock folders, and hash files."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock

from medimeta_c.errors import MediMetaError, Remedy, WriteError

__all__ = [
    "PART_SUFFIX",
    "exclusive",
    "explain_os_error",
    "identity",
    "is_locked",
    "link_or_copy",
    "publish",
    "replace_file",
    "sha256_file",
    "take_lock",
    "write_atomic",
    "writing",
]

PART_SUFFIX = ".part"
"""Ends the name of a file still being written; its name also starts with a dot."""

_CHUNK_BYTES = 1 << 20
_PATIENCE_S = 0.2
"""How long a lock is waited for: `is_locked` takes it for an instant."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_IN_THE_WAY = {errno.EEXIST, errno.ENOTDIR}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def explain_os_error(error: OSError, path: Path) -> WriteError:
    """Return the one-sentence error for an operating-system failure while writing `path`."""
    if error.errno in _FULL:
        return WriteError(
            f"no space left while writing {path} ({error.strerror})",
            remedy=Remedy(
                "free some space or choose another {out}, then run the same again; what is finished is kept"
            ),
        )
    if error.errno in _FORBIDDEN:
        return WriteError(
            f"cannot write {path} ({error.strerror})", remedy=Remedy("choose an {out} you may write to")
        )
    if error.errno in _IN_THE_WAY:
        return WriteError(
            f"cannot write {path} (a file or a broken link is in place of a folder)",
            remedy=[Remedy("move it"), Remedy("choose another {out}")],
        )
    return WriteError(f"cannot write {path}: {error.strerror or error}")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an operating-system failure inside the block into a WriteError that names `path`.

    An interruption stays one, even if it makes a library's clean-up fail.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise error.__context__ from None
        raise explain_os_error(error, path) from error


@contextlib.contextmanager
def exclusive(lock: Path, folder: Path, busy: MediMetaError, *, wait_s: float = 0) -> Iterator[None]:
    """Hold a file lock while the block runs; the system releases it if the process is killed.

    Parameters
    ----------
    lock : Path
        The lock's file; its folder is made if need be.
    folder : Path
        What it guards, for messages.
    busy : MediMetaError
        Raised if another process holds it.
    wait_s : float, optional
        For how many seconds another process may hold it first.

    Raises
    ------
    WriteError
        If the file cannot be written, or the file system has no locks.
    """
    held = take_lock(lock, folder, wait_s=max(wait_s, _PATIENCE_S))
    if held is None:
        raise busy
    try:
        yield
    finally:
        held.release()


def take_lock(lock: Path, folder: Path, *, wait_s: float = 0) -> filelock.BaseFileLock | None:
    """Return a file lock of this process, for any of its threads to release; None if another one holds it.

    Parameters
    ----------
    lock, folder, wait_s
        As `exclusive` has them.

    Raises
    ------
    WriteError
        If the file cannot be written, or the file system has no locks.
    """
    held = filelock.FileLock(lock, thread_local=False)
    with writing(folder):
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(timeout=wait_s)
        except filelock.Timeout:
            return None
        except NotImplementedError as error:
            raise WriteError(
                f"the file system of {folder} has no file locks",
                remedy=Remedy("choose an {out} on a local disk, and move it afterwards"),
            ) from error
    return held


def is_locked(lock: Path) -> bool:
    """Return whether a process holds the lock of `exclusive`; False where that cannot be found out."""
    if not lock.is_file():
        return False
    held = filelock.FileLock(lock)
    try:
        held.acquire(timeout=0)
    except filelock.Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
    held.release()
    return False


def publish(part: Path, final: Path) -> None:
    """Sync a finished part to disk and rename it to its final name, durably."""
    with part.open("rb+") as stream:  # Windows syncs nothing that is open for reading only
        os.fsync(stream.fileno())
    part.replace(final)
    _sync_folder(final.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power loss, if the system can sync directories."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no directories; its rename is durable enough
        return
    try:
        os.fsync(descriptor)
    except OSError as error:  # some network and FUSE file systems sync files only
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or where the file system cannot, a copy; atomically and durably.

    Raises
    ------
    WriteError
        If the new file cannot be written.
    """
    part = target.parent / f".{target.name}{PART_SUFFIX}"
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        try:
            os.link(source.resolve(), part)
        except OSError:  # another disk, or a file system without links
            shutil.copyfile(source, part)
            publish(part, target)
            return
        part.replace(target)
        part.unlink(missing_ok=True)  # a rename onto another name of the same file leaves both
        _sync_folder(target.parent)


def write_atomic(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write `data` to `path` so that a reader sees the old content or the new, never a part.

    A private file, and the folder made for it, are for this user alone.

    Raises
    ------
    WriteError
        If the file cannot be written; nothing is left behind.
    """
    with writing(path):
        path.parent.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
        replace_file(path, data, mode=0o600 if private else 0o666)


def replace_file(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write `data` to `path` as `write_atomic` does, in a folder that exists; an OSError stays one."""
    part = path.parent / f".{path.name}{PART_SUFFIX}"
    try:
        part.unlink(missing_ok=True)  # a killed process may have left one, with another mode
        with open(part, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
        publish(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def identity(path: Path) -> tuple[int, ...] | None:
    """Return numbers that tell a file from one that replaces it; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal, reading it in chunks."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()
