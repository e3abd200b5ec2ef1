"""A lock in an object store: an object that is created only if it is not there.

A store does not notice that a process was killed. So the object says which process holds the lock. If that
process ran on this machine and has ended, the lock is free. If it ran on another machine, a person has to
check that it has ended, and remove the object.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from medimeta_c.errors import MediMetaError, StoreError, short
from medimeta_c.io.stores.stored import StoredPath

__all__ = ["StoreLock", "store_lock"]

_ATTEMPTS = 3
_MOST_BYTES = 4096


class StoreLock:
    """A lock that this process holds.

    Parameters
    ----------
    path : StoredPath
        The object.
    content : bytes
        What this process wrote into it; no other process writes the same.
    """

    def __init__(self, path: StoredPath, content: bytes) -> None:
        self._path, self._content = path, content

    def held(self) -> bool:
        """Return whether the object is still this process's."""
        return _content(self._path) == self._content

    def release(self) -> None:
        """Remove the object, if it is still this process's."""
        if self.held():
            self._path.remove()


@contextlib.contextmanager
def store_lock(path: StoredPath, busy: Callable[[str], MediMetaError]) -> Iterator[StoreLock]:
    """Hold a lock while the block runs.

    Parameters
    ----------
    path : StoredPath
        The object; the store's scheme must have locks.
    busy : callable
        Takes the description of the holder, and returns the error to raise.

    Raises
    ------
    StoreError
        If the store fails.
    """
    lock = _acquired(path, busy)
    try:
        yield lock
    finally:
        # If the store fails again here, the first failure is the one to show; the lock names its holder.
        with contextlib.suppress(StoreError):
            lock.release()


def _acquired(path: StoredPath, busy: Callable[[str], MediMetaError]) -> StoreLock:
    mine = {
        "owner": secrets.token_hex(16),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "machine": _machine(),
        "started": _started(os.getpid()),
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    content = json.dumps(mine).encode()
    lock = StoreLock(path, content)
    for _ in range(_ATTEMPTS):
        # Read the object first, because a server that ignores the condition would replace it.
        held = _content(path)
        if held is None:
            if path.create(content) and lock.held():
                return lock
        elif _is_of_a_dead_process(held):
            path.remove()
        else:
            raise busy(_holder(held))
    raise busy(_holder(_content(path) or b""))


def _content(path: StoredPath) -> bytes | None:
    try:
        with path.open() as stream:
            return stream.read(_MOST_BYTES)
    except FileNotFoundError:
        return None


def _fields(held: bytes) -> dict[str, object]:
    try:
        fields = json.loads(held)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _holder(held: bytes) -> str:
    """Return who holds a lock, for people."""
    fields = _fields(held)
    if not {"host", "process", "since"} <= fields.keys():
        return "its lock does not say who"
    return short(f"process {fields['process']} on {fields['host']}, since {fields['since']}")


def _is_of_a_dead_process(held: bytes) -> bool:
    """Return whether a lock's process ran in this very system and has ended, as far as that can be known."""
    fields = _fields(held)
    process, started, machine = (fields.get(name) for name in ("process", "started", "machine"))
    if not machine or machine != _machine() or type(process) is not int or not started:
        return False
    return _started(process) != started


def _machine() -> str:
    """Return what tells this run of this system, and this container, from others; empty if nothing does."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(process: int) -> str:
    """Return when a process started, in the system's own ticks; empty if there is none."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[19]
