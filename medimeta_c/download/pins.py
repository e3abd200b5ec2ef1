"""Lock file beside the data: the checksums that each archive had when it was first fetched."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from medimeta_c.download.workdir import WORK_DIR, alone
from medimeta_c.errors import DownloadError, ResultError
from medimeta_c.io.files import replace_file
from medimeta_c.io.reading import read_record
from medimeta_c.io.records import Count, Record, Sha256

__all__ = ["LOCK_NAME", "Pin", "RemoteFile", "read_pins", "write_pin"]

LOCK_NAME = "download.lock.json"
"""Name of the lock file in the data directory."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", strict=True))
class RemoteFile:
    """A file as its publisher describes it.

    Parameters
    ----------
    archive : str
        The file's name.
    url : str
        The address of its bytes.
    record : str
        The record that answered: a record of one version, even if a record of all versions was asked.
    version : str
        The version that the record states of itself, with its revision number.
    size : int
        In bytes.
    md5 : str
        Lower-case hexadecimal.
    """

    archive: str = Field(default="", exclude=True)  # the key in the lock file
    url: str
    record: str
    version: str
    size: Count
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", strict=True))
class Pin(RemoteFile):
    """A file that was fetched and compared with its md5; `sha256` was taken of it then."""

    sha256: Sha256


class _Lock(Record):
    schema_: Literal[1] = Field(alias="schema")
    archives: dict[str, Pin]


def read_pins(data_dir: Path) -> dict[str, Pin]:
    """Read the pins by archive name; no lock file means no pins, a damaged one raises DownloadError."""
    path = data_dir / LOCK_NAME
    if not path.exists():
        return {}
    try:
        lock = read_record(
            path, _Lock, "restore it, or move it away: archives are pinned anew when they are next downloaded"
        )
    except ResultError as error:
        raise DownloadError(f"the lock file {path} cannot be used: {error}") from error
    return {name: dataclasses.replace(pin, archive=name) for name, pin in lock.archives.items()}


def write_pin(data_dir: Path, pin: Pin) -> None:
    """Add or replace one pin atomically, under a lock: two downloads may end at the same moment."""
    with alone(data_dir / WORK_DIR / f"{LOCK_NAME}.lock"):
        lock = _Lock(schema=1, archives=read_pins(data_dir) | {pin.archive: pin})
        text = json.dumps(lock.model_dump(by_alias=True), indent=2, sort_keys=True, ensure_ascii=False)
        replace_file(data_dir / LOCK_NAME, text.encode() + b"\n")
