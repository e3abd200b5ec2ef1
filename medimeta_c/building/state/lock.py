"""The output directory of a build: free for it, and locked while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from medimeta_c.errors import BuildError, Remedy
from medimeta_c.format.manifest.file import BUILD_LOCK, MANIFEST_NAME
from medimeta_c.format.parts import FOLDER
from medimeta_c.io.files import exclusive

__all__ = ["locked", "require_free"]

_OTHER = Remedy("choose another {out}")


@contextlib.contextmanager
def locked(root: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Lock a directory for one build; of parts, each has a directory of its own.

    Parameters
    ----------
    root : Path
        The directory.
    wait_s : float, optional
        How many seconds to wait for another process.

    Raises
    ------
    BuildError
        If another process is building there, or the directory holds something else.
    WriteError
        If it is not writable.
    """
    require_free(root)
    busy = BuildError(f"another build is writing to {root}", remedy=[Remedy("wait until it ends"), _OTHER])
    with exclusive(root / BUILD_LOCK, root, busy, wait_s=wait_s):
        yield


def require_free(root: Path) -> None:
    """Refuse a path that holds something other than a build.

    Raises
    ------
    BuildError
        If it is a file, a folder with other files, or not valid Unicode.
    """
    if root.exists() and not root.is_dir():
        raise BuildError(f"{root} is a file, not a folder", remedy=_OTHER)
    try:
        str(root).encode()
    except UnicodeEncodeError:
        raise BuildError(f"{str(root)!r} is not valid Unicode", remedy=_OTHER) from None
    if root.is_dir() and not (root / FOLDER).is_dir() and not (root / MANIFEST_NAME).is_file():
        foreign = next((entry.name for entry in root.iterdir() if not entry.name.startswith(".")), None)
        if foreign is not None:
            raise BuildError(
                f"{root} is not empty and not a MediMeta-C build (it holds {foreign!r})", remedy=_OTHER
            )
