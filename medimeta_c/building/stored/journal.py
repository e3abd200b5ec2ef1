"""State of a build in an object store: kept there set by set, so that any machine can resume it.

The local folder has the same small files, and in place of each shard that is in the store an empty file of
its size, which takes no room. The manifest is put last, as locally.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from medimeta_c.building.render import RenderTask, render_set
from medimeta_c.building.state.begun import Begun
from medimeta_c.building.state.journal import Journal
from medimeta_c.building.state.remembered import remember_data
from medimeta_c.building.stored.copies import small_files
from medimeta_c.errors import BuildError, Remedy
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.file import BUILD_LOCK, MANIFEST_NAME
from medimeta_c.format.manifest.records import SetRecord
from medimeta_c.format.parts import FOLDER
from medimeta_c.format.signing.benchmark import SIGNATURE_NAME
from medimeta_c.io.files import writing
from medimeta_c.io.stores.locks import StoreLock, store_lock
from medimeta_c.io.stores.naming import spoken_of_as
from medimeta_c.io.stores.stored import StoredPath
from medimeta_c.sources.folders.ids import ids_beside

__all__ = ["Store", "StoredJournal", "StoredTask", "looked_at", "render_into_store", "working_folder"]

_DATA = "data/"
_SHARD = re.compile(r"data/[^/]+/[^/]+/[^/]+/severity-[^/]*\.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Where a build is put, and the lock that it holds there."""

    root: StoredPath
    lock: StoreLock


@contextlib.contextmanager
def working_folder(root: StoredPath) -> Iterator[tuple[Path, Store]]:
    """Lock a place in a store for one build, and yield a local folder with the state of what is there.

    Raises
    ------
    BuildError
        If another build is writing there, or something else is there.
    StoreError
        If the store fails.
    """

    def busy(holder: str) -> BuildError:
        return BuildError(
            f"another build is writing to {root} ({holder})",
            remedy=[
                Remedy("wait until it ends"),
                Remedy("if it was killed, remove {0} and run the same again", root / BUILD_LOCK),
                Remedy("choose another {out}"),
            ],
        )

    _require_free(root)
    with store_lock(root / BUILD_LOCK, busy) as lock, looked_at(root) as folder:
        yield folder, Store(root=root, lock=lock)


@contextlib.contextmanager
def looked_at(root: StoredPath) -> Iterator[Path]:
    """Yield a local folder with the state of what is in a store, without locking it."""
    _require_free(root)
    with small_files(root, empty=False) as folder:
        for name, found in root.files().items():
            local = folder / name
            if name.startswith(_DATA):
                _stand_in(local, found.bytes)
            elif name.startswith(f"{FOLDER}/") and name != BUILD_LOCK:
                local.parent.mkdir(parents=True, exist_ok=True)
                (root / name).download(local)
        # A key of patients' numbers belongs neither into the store nor into a folder that is removed.
        remember_data(folder, (), folder, ids=ids_beside(root))
        with spoken_of_as(folder, root):
            yield folder


def _require_free(root: StoredPath) -> None:
    names = root.files()
    own = MANIFEST_NAME in names or any(name.startswith(f"{FOLDER}/") for name in names)
    foreign = next((name for name in names if not name.startswith(".")), None)
    if foreign is not None and not own:
        raise BuildError(
            f"{root} is not empty and not a MediMeta-C build (it holds {foreign!r})",
            remedy=Remedy("choose another {out}"),
        )


def _stand_in(path: Path, size: int) -> None:
    """Make a file of a size that takes no room, where the file system can do that."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            os.truncate(file.fileno(), size)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """A set to render, and the store that it is put into."""

    task: RenderTask
    root: StoredPath


def render_into_store(stored: StoredTask) -> SetRecord:
    """Render one set into a folder of its own, put its shards into the store, and remove them here.

    Raises
    ------
    StoreError
        If the store fails.
    MediMetaError
        As `render_set` raises it.
    """
    with tempfile.TemporaryDirectory(prefix="medimeta-c-") as scratch:
        folder = Path(scratch)
        with spoken_of_as(folder, stored.root):
            record = render_set(replace(stored.task, root=folder))
            for shard in record.shards:
                (stored.root / shard.path).upload(folder / shard.path)
    return record


class StoredJournal(Journal):
    """The state of a build in a store, for the process that holds its lock.

    Parameters
    ----------
    folder : Path
        The local folder of `working_folder`.
    store : Store
        What it is a copy of.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        super().__init__(folder)
        self._store, self._shown = store, str(store.root)

    def begin(self, begun: Begun) -> None:
        """Mark the place unfinished, there and here."""
        super().begin(begun)
        self._put(self._state_file)
        if self._aside.is_file():
            self._put(self._aside)
        for name in (SIGNATURE_NAME, MANIFEST_NAME):
            (self._store.root / name).remove()

    def record(self, record: SetRecord) -> None:
        """Note a finished set, whose shards a worker has put into the store."""
        self._require_lock()
        for shard in record.shards:
            found = (self._store.root / shard.path).find()
            _stand_in(self._root / shard.path, found.bytes if found else 0)
        super().record(record)
        self._put(self._set_file(record.key))

    def forget(self, keys: Iterable[SetKey]) -> None:
        """Drop the records of sets about to be built again."""
        for key in keys:
            super().forget([key])
            self._there(self._set_file(key)).remove()

    def drop_unlisted(self, sets: Iterable[SetRecord]) -> None:
        """Remove shards that belong to none of these sets."""
        listed = {shard.path for record in sets for shard in record.shards}
        for name in self._store.root.files():
            if _SHARD.fullmatch(name) and name not in listed:
                (self._store.root / name).remove()

    def end(self) -> None:
        """Put what was written beside the shards, the manifest last, and clear the state of the build."""
        self._require_lock()
        files = [path for path in sorted(self._root.rglob("*")) if path.is_file()]
        for path in files:
            name = path.relative_to(self._root).as_posix()
            if not name.startswith((_DATA, f"{FOLDER}/")) and name != MANIFEST_NAME:
                self._put(path)
        self._put(self._root / MANIFEST_NAME)
        for name in self._store.root.files():
            if name.startswith(f"{FOLDER}/") and name != BUILD_LOCK:
                (self._store.root / name).remove()
        super().end()

    def _there(self, path: Path) -> StoredPath:
        return self._store.root / path.relative_to(self._root).as_posix()

    def _put(self, path: Path) -> None:
        self._there(path).upload(path)

    def _require_lock(self) -> None:
        if not self._store.lock.held():
            raise BuildError(
                f"the lock of {self._store.root} was removed, so another build may be writing there",
                remedy=Remedy("when no other runs, run the same again; what is finished is kept"),
            )
