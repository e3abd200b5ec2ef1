"""What a Zenodo record says of its files, read through its public API and believed only in part."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medimeta_c.download.client import Http, Interrupted
from medimeta_c.download.transfer import RemoteFile
from medimeta_c.errors import DownloadError

__all__ = ["Record", "read_record"]

_MAX_RECORD_BYTES = 16 << 20
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ +-]*")
_CHECKSUM = re.compile(r"md5:([0-9a-f]{32})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One version of a published record.

    Parameters
    ----------
    url : str
        The address asked.
    id : str
        The record that answered, which may be the newest version of the one asked.
    version : str
        What it says of its version, with its revision number.
    entries : mapping of str to mapping
        What it says of each file, by name. Names that are not plain file names are left out.
    """

    url: str
    id: str
    version: str
    entries: Mapping[str, Mapping[str, Any]]

    def file(self, name: str) -> RemoteFile:
        """Return the file called `name`; raises DownloadError if it is not there or not well described."""
        if name not in self.entries:
            some = ", ".join(sorted(self.entries)[:10]) or "none"
            raise DownloadError(
                f"{self.url} has no file {name} (it has {len(self.entries)}: {some}): a newer version of "
                "this package may know where it is now"
            )
        try:
            return _file(name, self.entries[name])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DownloadError(
                f"{self.url} does not describe {name} as expected ({type(error).__name__}: {error}): a newer "
                "version of this package may read it"
            ) from error


def read_record(http: Http, record: str) -> Record:
    """Read a record through ``GET <base>/api/records/<record>``.

    Both shapes in use are read: ``files`` as a list whose ``links.self`` is the content, and InvenioRDM's
    ``files.entries``, by name, with ``links.content``.

    Raises
    ------
    DownloadError
        If the server is not reached, has no such record, or answers something else.
    """
    url = f"{http.base}/api/records/{record}"
    body = http.persist(lambda: _body(http, url))
    try:
        content = json.loads(body)
        entries = [entry for entry in _entries(content["files"]) if _PLAIN_NAME.fullmatch(entry["key"])]
        names = [entry["key"] for entry in entries]
        if len(set(names)) != len(names):
            raise ValueError("a file name occurs twice")
        return Record(
            url=url,
            id=str(content.get("id", record)),
            version=_version(content),
            entries=dict(zip(names, entries, strict=True)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DownloadError(
            f"{url} did not answer with a record of files ({type(error).__name__}: {error}): check the "
            "address, or whether a log-in page of the network answers in its place"
        ) from error


def _body(http: Http, url: str) -> bytes:
    # Checksums come from here, so no redirect to another host is followed.
    with http.get(url, headers={"Accept": "application/json"}) as response:
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > _MAX_RECORD_BYTES:
                raise DownloadError(f"{url} answered more than {_MAX_RECORD_BYTES} bytes: that is no record")
        if not body:
            raise Interrupted(f"{url} answered nothing")
        return bytes(body)


def _entries(files: Any) -> list[Mapping[str, Any]]:
    if isinstance(files, list):
        return files
    entries = files["entries"]
    if isinstance(entries, list):
        return entries
    return [{"key": key, **entry} for key, entry in entries.items()]


def _file(name: str, entry: Mapping[str, Any]) -> RemoteFile:
    size, links = entry["size"], entry["links"]
    checksum = _CHECKSUM.fullmatch(entry["checksum"])
    if checksum is None:
        raise ValueError("its checksum is not an md5")
    if type(size) is not int or size < 0:
        raise ValueError("its size is not a number of bytes")
    # In the newer shape `self` is the file's description and `content` its bytes.
    url = links.get("content", links.get("self"))
    if not isinstance(url, str):
        raise ValueError("it has no link to its content")
    return RemoteFile(name=name, url=url, size=size, md5=checksum[1])


def _version(content: Mapping[str, Any]) -> str:
    stated = str(content["metadata"].get("version", "")) if "metadata" in content else ""
    revision = content.get("revision", content.get("revision_id"))
    parts = [stated, "" if revision is None else f"revision {revision}"]
    return ", ".join(part for part in parts if part) or "not stated"
