"""Claims on the cells of a result: file locks, which the system frees when a process ends.

::

    <the folder above a result's>/
      .<fingerprint12>.lock              held for moments, whenever a claim, a cell or the result is written
      .<fingerprint12>.claims/<cell>.lock  held while a process evaluates the cell
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from filelock import BaseFileLock

from medimeta_c.format.keys import SetKey
from medimeta_c.io.files import take_lock

__all__ = ["Claims"]

_SUFFIX = ".lock"


class Claims:
    """The claims of this process. The caller of a method must hold the lock of the result's folder.

    Parameters
    ----------
    result : Path
        The result's folder.
    """

    def __init__(self, result: Path) -> None:
        self._result = result
        self._folder = result.parent / f".{result.name}.claims"
        self._held: dict[SetKey, BaseFileLock] = {}

    def take(self, key: SetKey) -> bool:
        """Claim a cell; return whether it was free."""
        if key in self._held:
            return False
        held = take_lock(self._file(key), self._result)
        if held is None:
            return False
        self._held[key] = held
        return True

    def is_free(self, key: SetKey) -> bool:
        """Return whether no process has claimed a cell, this one included."""
        if not self._file(key).is_file():
            return key not in self._held
        if not self.take(key):
            return False
        self.release(key)
        return True

    def release(self, key: SetKey) -> None:
        """Give a claim back."""
        self._held.pop(key).release()

    def release_all(self) -> None:
        """Give every claim back; the one method that needs no lock."""
        while self._held:
            self._held.popitem()[1].release()

    def clear(self) -> bool:
        """Remove the files of claims that no process holds; return whether none is left."""
        for file in self._folder.glob(f"*{_SUFFIX}"):
            held = take_lock(file, self._result)
            if held is not None:
                held.release()
                with contextlib.suppress(OSError):  # a file system that still has it open
                    file.unlink()
        with contextlib.suppress(OSError):
            self._folder.rmdir()
        return not self._folder.is_dir()

    def _file(self, key: SetKey) -> Path:
        return self._folder / f"{key.dataset}-{key.split}-{key.corruption}-{key.severity}{_SUFFIX}"
