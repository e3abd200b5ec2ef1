"""A local folder that is kept the same as one in a store, by the process that holds its lock."""

from __future__ import annotations

import tempfile
from pathlib import Path

from medimeta_c.io.files import PART_SUFFIX, identity
from medimeta_c.io.stores.stored import StoredPath

__all__ = ["Mirror"]

_KEPT: list[tempfile.TemporaryDirectory[str]] = []
"""The folders of all mirrors: what was read from them stays readable until the process ends."""


class Mirror:
    """A local copy of a folder in a store: `folder` has its files, and `push` sends what changed.

    Parameters
    ----------
    root : StoredPath
        The folder in the store.
    name : str
        The last parts of the local folder's path.
    last : str
        The file that marks the folder as complete: it is sent after all others.

    Raises
    ------
    StoreError
        If the store fails.
    """

    def __init__(self, root: StoredPath, *, name: str, last: str) -> None:
        _KEPT.append(tempfile.TemporaryDirectory(prefix="medimeta-c-"))
        self.root, self.folder, self._last = root, Path(_KEPT[-1].name) / name, last
        self.folder.mkdir(parents=True)
        for path in root.files():
            local = self.folder / path
            local.parent.mkdir(parents=True, exist_ok=True)
            (root / path).download(local)
        self._sent = self._files()

    def push(self) -> None:
        """Send the files that changed, and remove from the store those that are gone."""
        now = self._files()
        changed = [path for path, found in now.items() if self._sent.get(path) != found]
        for path in sorted(changed, key=lambda path: (path == self._last, path)):
            (self.root / path).upload(self.folder / path)
            self._sent[path] = now[path]
        for path in sorted(self._sent.keys() - now.keys()):
            (self.root / path).remove()
            del self._sent[path]

    def _files(self) -> dict[str, tuple[int, ...] | None]:
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        return {
            path.relative_to(self.folder).as_posix(): identity(path)
            for path in found
            if not path.name.endswith(PART_SUFFIX)
        }
