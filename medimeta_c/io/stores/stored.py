"""Paths in an object store: the methods of `pathlib.Path` that this package needs, and uploads."""

from __future__ import annotations

import contextlib
import io
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from medimeta_c.errors import ConfigError, Remedy, StoreError, short
from medimeta_c.io import hub_errors
from medimeta_c.io.settings import as_path
from medimeta_c.io.stores.failures import explained, no_bucket
from medimeta_c.io.stores.schemes import SCHEMES, Scheme
from medimeta_c.io.stores.urls import REPOSITORY, looks_like_url, parts_of

__all__ = ["Place", "Stored", "StoredPath", "as_place", "require_writable"]

_RANGE_BYTES = 8 << 20
"""A file is hashed or copied in ranges of so many bytes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store says of an object: its size, and a text that changes whenever it does."""

    bytes: int
    version: str


@dataclass(frozen=True, slots=True)
class StoredPath:
    """An object or a folder in a store. It can be pickled; each process connects to the store by itself.

    Parameters
    ----------
    scheme : str
        A key of `medimeta_c.io.stores.schemes.SCHEMES`.
    path : str
        From the bucket on.
    expected : Stored, optional
        What the object must still be whenever it is opened.
    """

    scheme: str
    path: str
    expected: Stored | None = None

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"

    def __truediv__(self, name: str) -> StoredPath:
        return StoredPath(self.scheme, f"{self.path}/{name}")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)

    @property
    def parent(self) -> StoredPath:
        """The folder it is in."""
        return StoredPath(self.scheme, posixpath.dirname(self.path))

    @property
    def store(self) -> Scheme:
        """What is known of the store."""
        return SCHEMES[self.scheme]

    def find(self) -> Stored | None:
        """Return what the store says of the object; None if it is not there.

        Raises
        ------
        StoreError
            If the store fails, or there is no such bucket.
        """
        try:
            with explained(self.store, str(self)):
                return self._described(self._files().info(self.path))
        except FileNotFoundError:
            return None

    def exists(self) -> bool:
        """Return whether the object is there; raises as `find` does."""
        return self.find() is not None

    def pinned(self) -> StoredPath | None:
        """Return the path with what the object is now; None if it is not there."""
        found = self.find()
        return None if found is None else replace(self, expected=found)

    def check(self) -> None:
        """Raise StoreError if the object is no longer what was expected of it."""
        if self.expected is not None and self.find() != self.expected:
            raise StoreError(f"{self} was written again while it was read", remedy=Remedy("open it again"))

    def require_bucket(self) -> None:
        """Raise StoreError if there is no such bucket, or it cannot be listed."""
        if self.scheme == "hf":
            self.settled()
            return
        bucket = self.path.partition("/")[0]
        with explained(self.store, str(self)):
            try:
                self._files().ls(bucket, detail=False)
            except FileNotFoundError as error:
                raise no_bucket(self.store, str(self)) from error

    def settled(self) -> StoredPath:
        """Return the path as of now: of a repository, at the commit that its branch or tag names.

        Raises
        ------
        StoreError
            If there is no such repository or revision, or the Hub cannot be asked.
        """
        found = REPOSITORY.fullmatch(self.path) if self.scheme == "hf" else None
        if found is None:
            return self
        from huggingface_hub import HfApi  # noqa: PLC0415  (slow to import)

        repo_id, revision, rest = found.groups()
        with hub_errors.explained(repo_id, StoreError, revision):
            commit = HfApi().repo_info(repo_id, revision=revision, repo_type="dataset").sha
        return replace(self, path=f"datasets/{repo_id}@{commit}{rest or ''}")

    def files(self) -> dict[str, Stored]:
        """Return every object below this path, by its path relative to this one.

        Raises
        ------
        StoreError
            If the store fails, or there is no such bucket.
        """
        try:
            with explained(self.store, str(self)):
                found: Mapping[str, Any] = self._files().find(self.path, detail=True)
        except FileNotFoundError:
            return {}
        start, listed = f"{self.path}/", dict[str, Stored]()
        for name, info in sorted(found.items()):
            one, below = self._described(info), name.removeprefix(start)
            # Some stores hold an empty object in place of a folder.
            if one is not None and name.startswith(start) and below and not name.endswith("/"):
                # Callers join these names to a local folder.
                if {"", ".", ".."} & {*below.split("/")} or "\\" in below or ":" in below:
                    raise StoreError(
                        f"{self} holds an object with an unusual name ({short(repr(below))})",
                        remedy=Remedy("move it elsewhere"),
                    )
                listed[below] = one
        return listed

    def open(self, mode: str = "rb") -> StoredStream:
        """Open the object for reading; only the ranges that are read are fetched.

        Raises
        ------
        FileNotFoundError
            If it is not there.
        StoreError
            If the store fails, or the object is not what was expected of it.
        """
        assert mode == "rb", mode
        found = self.find()
        if found is None:
            raise FileNotFoundError(2, "No such object", str(self))
        if self.expected not in (None, found):
            self.check()
        return StoredStream(self, found)

    def read_bytes(self) -> bytes:
        """Return the whole object; raises as `open` does."""
        with self.open() as stream:
            return stream.read()

    def range(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` up to `end`, all of them.

        Raises
        ------
        StoreError
            If the store fails, or sends fewer.
        """
        with explained(self.store, str(self)):
            data: bytes = self._files().cat_file(self.path, start=start, end=end)
        if len(data) != end - start:
            raise StoreError(
                f"{self} is cut short (of the bytes {start} to {end}, {len(data)} came)",
                remedy=[Remedy("run the same again"), Remedy("restore the object")],
            )
        return data

    def download(self, target: Path) -> None:
        """Copy the object to a local file; raises as `open` does."""
        with self.open() as stream, target.open("wb") as file:
            while data := stream.read(_RANGE_BYTES):
                file.write(data)
        self.check()

    def upload(self, source: Path) -> None:
        """Make the object a copy of a local file, in several parts if it is large; then compare its size.

        Raises
        ------
        StoreError
            If the store fails, or holds another number of bytes afterwards.
        """
        size = source.stat().st_size
        with self._writing():
            self._files().put_file(str(source), self.path)
        found = self.find()
        if found is None or found.bytes != size:
            raise StoreError(
                f"{self} was not stored whole ({found.bytes if found else 0} of {size} bytes)",
                remedy=Remedy("run the same again; what is finished is kept"),
            )

    def write_bytes(self, data: bytes) -> None:
        """Write the object; a reader sees the old object or the new one."""
        with self._writing():
            self._files().pipe_file(self.path, data)

    def create(self, data: bytes) -> bool:
        """Write the object if there is none yet; return whether it was written.

        The store decides, so that of several writers one succeeds; the scheme must have locks.
        """
        assert self.store.locks, self.scheme
        try:
            with self._writing():
                self._files().pipe_file(self.path, data, mode="create")
        except FileExistsError:
            return False
        return True

    def remove(self) -> None:
        """Remove the object, if it is there."""
        try:
            with explained(self.store, str(self)):
                self._files().rm_file(self.path)
        except FileNotFoundError:
            return

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Explain failures of an upload; if something is not found then, it is the bucket."""
        try:
            with explained(self.store, str(self)):
                yield
        except FileNotFoundError as error:
            raise no_bucket(self.store, str(self)) from error

    def _files(self) -> Any:
        return self.store.filesystem()

    def _described(self, info: Mapping[str, Any]) -> Stored | None:
        if info.get("type") == "directory" or info.get("size") is None:
            return None
        return Stored(int(info["size"]), str(info.get(self.store.version) or ""))


class StoredStream(io.RawIOBase):
    """An object open for reading at any place; every read is one request for just these bytes."""

    def __init__(self, path: StoredPath, found: Stored) -> None:
        self._path, self._size, self._at = path, found.bytes, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position, from the start, from here or from the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Return so many bytes, fewer only at the end; all that are left if negative."""
        left = max(0, self._size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._path.range(self._at, self._at + wanted) if wanted else b""
        self._at += wanted
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; return how many bytes came."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


Place: TypeAlias = "Path | StoredPath"
"""A local path or one in a store."""


def as_place(value: object, name: str) -> Place:
    """Return a path of any kind, or the URL of an object store, as a Path or StoredPath.

    Raises
    ------
    ConfigError
        If it is no path, or a URL that is not valid or supported.
    """
    if isinstance(value, StoredPath):
        return value
    if not looks_like_url(value):
        return as_path(value, name)
    return StoredPath(*parts_of(value, name))


def require_writable(place: Place, name: str, remedy: Remedy) -> None:
    """Raise ConfigError, with a remedy, for a place in a store that cannot be written to."""
    if isinstance(place, StoredPath) and not place.store.writable:
        raise ConfigError(
            f"{name} {place} is on {place.store.title}, to which only `push` and `submit` write",
            value=str(place),
            remedy=remedy,
        )
