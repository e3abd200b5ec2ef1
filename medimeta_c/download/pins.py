"""The lock file beside the data: which bytes each archive had when it was first fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from medimeta_c.download.workdir import WORK_DIR, alone, replace_json
from medimeta_c.errors import DownloadError

__all__ = ["LOCK_NAME", "Pin", "read_pins", "write_pin"]

LOCK_NAME = "download.lock.json"
"""Name of the lock file in the data directory."""

_SCHEMA = 1
_HEX = {"md5": re.compile(r"[0-9a-f]{32}"), "sha256": re.compile(r"[0-9a-f]{64}")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What one archive was when it was fetched and verified.

    Parameters
    ----------
    archive : str
        The archive's file name.
    url : str
        The address its bytes came from.
    record : str
        The record that answered: a record of one version, even if a record of all versions was asked.
    version : str
        The version that the record states of itself, with its revision number.
    size : int
        In bytes.
    md5, sha256 : str
        Lower-case hexadecimal. The first is the record's own, the second was taken of the verified file.
    """

    archive: str
    url: str
    record: str
    version: str
    size: int
    md5: str
    sha256: str


def read_pins(data_dir: Path) -> dict[str, Pin]:
    """Read the pins by archive name; no lock file means no pins.

    Raises
    ------
    DownloadError
        If the lock file cannot be read or is not one that this version writes.
    """
    path = data_dir / LOCK_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != _SCHEMA:
            raise ValueError(f"schema {content['schema']!r}, this version reads {_SCHEMA}")
        return {name: _pin(name, entry) for name, entry in content["archives"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DownloadError(
            f"the lock file {path} cannot be used ({error}): restore it, or delete it: every archive is "
            "pinned anew when it is next downloaded"
        ) from error


def write_pin(data_dir: Path, pin: Pin) -> None:
    """Add or replace one pin; a reader sees the old file or the new one, never a part.

    Two downloads of different archives may end at the same moment, so the file is read and replaced
    under a file lock.
    """
    path = data_dir / LOCK_NAME
    work = data_dir / WORK_DIR
    work.mkdir(exist_ok=True)
    with alone(work / f"{LOCK_NAME}.lock"):
        pins = {**read_pins(data_dir), pin.archive: pin}
        archives = {name: {k: v for k, v in asdict(p).items() if k != "archive"} for name, p in pins.items()}
        replace_json(path, {"schema": _SCHEMA, "archives": archives})


def _pin(name: str, entry: Mapping[str, Any]) -> Pin:
    pin = Pin(archive=name, **entry)
    for field in fields(Pin):
        wanted = int if field.name == "size" else str
        if type(getattr(pin, field.name)) is not wanted:
            raise ValueError(f"{field.name} of {name} is not of type {wanted.__name__}")
    for algorithm, pattern in _HEX.items():
        if not pattern.fullmatch(getattr(pin, algorithm)):
            raise ValueError(f"{algorithm} of {name} is not a checksum")
    return pin
