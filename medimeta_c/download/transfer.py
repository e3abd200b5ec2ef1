"""Transfer one file: resume an interrupted transfer, and check what arrived."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from medimeta_c.download.client import Http
from medimeta_c.download.pins import RemoteFile
from medimeta_c.download.retry import Interrupted
from medimeta_c.errors import DownloadError, ResultError
from medimeta_c.io.files import replace_file
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Record

__all__ = ["digests", "discard", "fetch"]

_CHUNK = 1 << 20


class _Note(Record):
    """What is known of a partial file: whose bytes they are, and the server's entity tag."""

    md5: str = ""
    etag: str = ""


def fetch(http: Http, file: RemoteFile, part: Path, on_bytes: Callable[[int, int], None]) -> int:
    """Bring a partial file to its full size, resuming from what is there.

    Beside `part` lies ``<part>.json``, which says which file the bytes belong to, so that another process
    can resume with them. Bytes of another file are dropped. `on_bytes` gets (bytes there, bytes in all).

    Returns
    -------
    int
        Bytes that came over the network; the size is right, the checksum is not checked yet.

    Raises
    ------
    DownloadError
        If the server does not have it, serves another size, or fails too often.
    """
    transfer = _Transfer(http, file, part, on_bytes)
    if _note(part).md5 != file.md5 or transfer.position() > file.size:
        part.unlink(missing_ok=True)
    http.persist(transfer.attempt, position=transfer.position)
    return transfer.received


@dataclass
class _Transfer:
    http: Http
    file: RemoteFile
    part: Path
    on_bytes: Callable[[int, int], None]
    received: int = 0

    def position(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def attempt(self) -> None:
        file, done = self.file, self.position()
        if done == file.size and self.part.exists():
            return
        with self.http.answer(file.url, self._range(done), elsewhere=True) as response:
            done = self._start(response, done)
            if done == 0:  # before the note: old bytes must not pass for the answer's
                self.part.unlink(missing_ok=True)
            note = _Note(md5=file.md5, etag=response.headers.get("ETag", ""))
            replace_file(_note_path(self.part), note.model_dump_json().encode())
            with self.part.open("ab") as stream:
                for chunk in response.iter_raw():
                    done += len(chunk)
                    if done > file.size:
                        break
                    stream.write(chunk)
                    self.received += len(chunk)
                    self.on_bytes(done, file.size)
                stream.flush()
                os.fsync(stream.fileno())
        # A chunked answer that is short came to its own end; any other was cut off.
        if done > file.size or (done < file.size and "Transfer-Encoding" in response.headers):
            self._refuse_size(f"{done} or more" if done > file.size else str(done))
        if done < file.size:
            raise Interrupted(f"{file.url} ended after {done} of {file.size} bytes")

    def _range(self, offset: int) -> dict[str, str]:
        if not offset:
            return {}
        etag = _note(self.part).etag
        # A weak tag may not be used here (RFC 9110, 13.1.5), one beyond ASCII cannot be sent; the checksum
        # still tells a changed file.
        condition = {"If-Range": etag} if etag.startswith('"') and etag.isascii() else {}
        return {"Range": f"bytes={offset}-", **condition}

    def _start(self, response: httpx.Response, offset: int) -> int:
        """Return where the answer's bytes belong, or raise if they are not of this file."""
        size = response.headers.get("Content-Length", "")
        if response.status_code == httpx.codes.OK:
            offset = 0
        else:
            stated = re.fullmatch(rf"bytes {offset}-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
            if stated is None or response.status_code != httpx.codes.PARTIAL_CONTENT:
                self.part.unlink(missing_ok=True)
                raise Interrupted(f"{self.file.url} did not resume at byte {offset} as requested")
            size = stated[1]
        if size.isdecimal() and int(size) != self.file.size:
            self._refuse_size(size)
        return offset

    def _refuse_size(self, served: str) -> None:
        discard(self.part)
        raise DownloadError(
            f"{self.file.archive} has the wrong size: the record says {self.file.size} bytes, "
            f"{self.file.url} serves {served}; what was fetched is deleted, run the same command again later"
        )


def digests(path: Path, on_bytes: Callable[[int, int], None]) -> tuple[str, str]:
    """Return the md5 and the sha256 of a file, as lower-case hexadecimal, reading it once."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    total = path.stat().st_size
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            md5.update(chunk)
            sha256.update(chunk)
            on_bytes(stream.tell(), total)
    return md5.hexdigest(), sha256.hexdigest()


def discard(part: Path) -> None:
    """Delete a partial file, if it is there, and what is known of it."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


def _note_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _note(part: Path) -> _Note:
    """Read what is known of a partial file; unreadable is the same as unknown."""
    try:
        return read_record(_note_path(part), _Note, "")
    except ResultError:
        return _Note()
