"""Zenodo records: the files of a record and their checksums, read through the public API and validated."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from medimeta_c.download.client import Http
from medimeta_c.download.pins import RemoteFile
from medimeta_c.download.retry import Interrupted
from medimeta_c.errors import DownloadError
from medimeta_c.io.reading import first_problem

__all__ = ["Record", "read_record"]

_MAX_RECORD_BYTES = 16 << 20
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ +-]*")


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
        entry = self.entries[name]
        try:
            return RemoteFile(
                archive=name,
                # In the newer shape `self` is the file's description and `content` its bytes.
                url=entry["links"].get("content", entry["links"].get("self")),
                record=self.id,
                version=self.version,
                size=entry["size"],
                md5=entry["checksum"].partition("md5:")[2],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            why = first_problem(error) if isinstance(error, ValidationError) else repr(error)
            raise DownloadError(
                f"{self.url} does not describe {name} as expected ({why}): a newer version of this package "
                "may read it"
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
        stated = [str(content.get("metadata", {}).get("version", ""))]
        if (revision := content.get("revision", content.get("revision_id"))) is not None:
            stated.append(f"revision {revision}")
        return Record(
            url=url,
            id=str(content.get("id", record)),
            version=", ".join(filter(None, stated)) or "not stated",
            entries=_entries(content["files"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DownloadError(
            f"{url} did not return a record of files ({type(error).__name__}: {error}): check the "
            "address, and that no log-in page of the network answers instead"
        ) from error


def _body(http: Http, url: str) -> bytes:
    body = bytearray()
    # Checksums come from here, so no redirect to another host is followed.
    with http.answer(url, {"Accept": "application/json"}) as response:
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > _MAX_RECORD_BYTES:
                raise DownloadError(f"{url} sent more than {_MAX_RECORD_BYTES} bytes: that is not a record")
    if not body:
        raise Interrupted(f"{url} answered nothing")
    return bytes(body)


def _entries(files: Any) -> dict[str, Mapping[str, Any]]:
    listed = files if isinstance(files, list) else files["entries"]
    if isinstance(listed, dict):
        listed = [{"key": key, **entry} for key, entry in listed.items()]
    entries: dict[str, Mapping[str, Any]] = {}
    for entry in listed:
        if _PLAIN_NAME.fullmatch(name := entry["key"]):
            if name in entries:
                raise ValueError("a file name occurs twice")
            entries[name] = entry
    return entries
