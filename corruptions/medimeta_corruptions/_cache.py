"""Disk cache of compiled kernels: one folder per user, package version and processor.

Not beside the package's own files, where numba would put it: they may be read-only or another user's, and
what lies there stays behind when the package is uninstalled.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from medimeta_corruptions._version import __version__

__all__ = ["folders", "keeps_kernels", "kept_in"]

_NAME = "medimeta-corruptions"
_PATIENCE_S = 60
_POLL_S = 0.05


def folders() -> Iterator[Path]:
    """Yield the folders that can be written to, best first: one asked for, the user's, a temporary one."""
    from llvmlite.binding import get_host_cpu_name  # noqa: PLC0415 - see _jit

    # Machines of a cluster share a home folder. Kinds of processor each have a folder of their own, since
    # numba's index of a function may mix up what two of them write at once; so have versions of this package.
    kind = f"{__version__}-{get_host_cpu_name()}"
    for place in (_asked_for, _user_cache, _private_temporary):
        try:
            folder = place() / _NAME / kind
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except (OSError, RuntimeError):  # RuntimeError: the user has no home folder
            continue
        yield folder


def keeps_kernels() -> bool:
    """Return whether compiled kernels can be kept on disk, so that not every process compiles them again."""
    return next(folders(), None) is not None


@contextlib.contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Have numba keep the code of functions compiled in the block in a folder, one process at a time."""
    from numba import config  # noqa: PLC0415

    with _alone_in(folder):
        before = config.CACHE_DIR
        config.CACHE_DIR = str(folder)
        try:
            yield
        finally:
            config.CACHE_DIR = before


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait while another process compiles into a folder: what it leaves there is found, not compiled again.

    Only for so long, since the locks of a network's folder may be missing or stuck; a lock saves time, and
    nothing is wrong without it.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl  # noqa: PLC0415 - not on every system

    with (folder / "lock").open("w") as file:
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_POLL_S)
            except OSError:
                break
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)  # at once, though a forked process may have the file open


def _asked_for() -> Path:
    """Return the folder of ``NUMBA_CACHE_DIR``."""
    from numba import config  # noqa: PLC0415

    if not config.CACHE_DIR:
        raise FileNotFoundError("NUMBA_CACHE_DIR is not set")
    return Path(config.CACHE_DIR)


def _user_cache() -> Path:
    """Return the folder that the platform has for what can be made again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    wanted = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return wanted if wanted.is_absolute() else Path.home() / ".cache"


def _private_temporary() -> Path:
    """Return a temporary folder that nobody else can write to: code found there is run.

    Raises
    ------
    PermissionError
        If somebody else made a folder or link of that name, or may write to it.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"{_NAME}-{user}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if hasattr(os, "getuid"):
        found = folder.lstat()
        private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
        if found.st_uid != os.getuid() or not private:
            raise PermissionError(f"{folder} is not this user's alone")
    return folder
