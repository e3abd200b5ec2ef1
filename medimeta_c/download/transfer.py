"""Bring a file over the network whole, going on where an interrupted transfer stopped."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from medimeta_c.download.client import Http, Interrupted
from medimeta_c.download.workdir import replace_json
from medimeta_c.errors import DownloadError

__all__ = ["RemoteFile", "digests", "discard", "fetch"]

_CHUNK = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file as its publisher describes it: name, address, size in bytes and md5 (hexadecimal)."""

    name: str
    url: str
    size: int
    md5: str


def fetch(
    http: Http, file: RemoteFile, part: Path, on_bytes: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Bring a partial file to its full size, going on from what is there.

    Beside `part` lies ``<part>.json``, which says which file (md5, size) the bytes belong to and the
    server's entity tag, so that another process can go on with them. Bytes of another file are dropped.

    Parameters
    ----------
    http : Http
        The client.
    file : RemoteFile
        What to fetch.
    part : Path
        Where to.
    on_bytes : callable
        Called with (bytes there, bytes in all).

    Returns
    -------
    int
        Bytes that came over the network; the size is right, the checksum is not checked yet.

    Raises
    ------
    DownloadError
        If the server does not have it, serves another size, or fails too often.
    """
    note = _note_path(part)
    if _note(note).get("md5") != file.md5:
        part.unlink(missing_ok=True)
    transfer = _Transfer(http, file, part, note, on_bytes)
    return http.persist(transfer.attempt, position=transfer.position)


@dataclass
class _Transfer:
    http: Http
    file: RemoteFile
    part: Path
    note: Path
    on_bytes: Callable[[int, int], None]
    received: int = 0

    def position(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def attempt(self) -> int:
        offset = self.position()
        if offset == self.file.size and self.part.exists():
            return self.received
        if offset >= self.file.size:  # nothing to ask for: too long, or an empty file
            self.part.unlink(missing_ok=True)
            offset = 0
        with self.http.get(self.file.url, headers=self._range(offset), elsewhere=True) as response:
            start = self._start(response, offset)
            if start == 0:  # before the note: old bytes must not pass for the answer's
                self.part.unlink(missing_ok=True)
            replace_json(self.note, {"md5": self.file.md5, "etag": response.headers.get("ETag", "")})
            self._receive(response, start)
        if self.position() < self.file.size:
            if "Transfer-Encoding" in response.headers:  # then the answer came to its own end
                self._refuse_size(str(self.position()))
            raise Interrupted(f"{self.file.url} ended after {self.position()} of {self.file.size} bytes")
        return self.received

    def _range(self, offset: int) -> dict[str, str]:
        if not offset:
            return {}
        etag = _note(self.note).get("etag", "")
        # A weak tag may not be used here (RFC 9110, 13.1.5), one beyond ASCII cannot be sent; the checksum
        # still tells a changed file.
        condition = {"If-Range": etag} if etag.startswith('"') and etag.isascii() else {}
        return {"Range": f"bytes={offset}-", **condition}

    def _start(self, response: httpx.Response, offset: int) -> int:
        """Return where the answer's bytes belong, or raise if they are not of this file."""
        start, size = 0, response.headers.get("Content-Length")
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            self.part.unlink(missing_ok=True)
            raise Interrupted(f"{self.file.url} refused to go on from byte {offset}")
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            start, size = (int(match[1]), match[2]) if match else (-1, None)
            if start != offset:
                self.part.unlink(missing_ok=True)
                raise Interrupted(f"{self.file.url} answered with another range than asked for")
        if size is not None and size.isdecimal() and int(size) != self.file.size:
            self._refuse_size(size)
        return start

    def _receive(self, response: httpx.Response, start: int) -> None:
        done = start
        with self.part.open("ab" if start else "wb") as file:
            for chunk in response.iter_raw():
                done += len(chunk)
                if done > self.file.size:
                    break
                file.write(chunk)
                self.received += len(chunk)
                self.on_bytes(done, self.file.size)
            file.flush()
            os.fsync(file.fileno())
        if done > self.file.size:
            self._refuse_size(f"more than {self.file.size}")

    def _refuse_size(self, served: str) -> None:
        discard(self.part)
        raise DownloadError(
            f"{self.file.name} has the wrong size: the record says {self.file.size} bytes, {self.file.url} "
            f"serves {served}; what was fetched is deleted, run the same command again later"
        )


def digests(path: Path, on_bytes: Callable[[int, int], None] = lambda done, total: None) -> tuple[str, str]:
    """Return the md5 and the sha256 of a file, as lower-case hexadecimal, reading it once."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    done, total = 0, path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            md5.update(chunk)
            sha256.update(chunk)
            done += len(chunk)
            on_bytes(done, total)
    return md5.hexdigest(), sha256.hexdigest()


def discard(part: Path) -> None:
    """Delete a partial file, if it is there, and what is known of it."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _note_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _note(path: Path) -> dict[str, str]:
    """Read what is known of a partial file; unreadable is the same as unknown."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    items = content.items() if isinstance(content, dict) else ()
    return {key: value for key, value in items if isinstance(value, str)}
