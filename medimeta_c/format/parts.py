"""Parts of one build: which share each builds, and where a directory keeps it until it is merged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.keys import SetKey
from medimeta_c.io.records import Record, Sha256

__all__ = [
    "FOLDER",
    "Division",
    "PartRecord",
    "dealt",
    "merged_parts",
    "part_folder",
    "part_folders",
    "parts_folder",
    "plan_digest",
    "share_of",
]

FOLDER = ".medimeta-c"
"""Hidden folder of a benchmark's directory: the lock and state of builds, and parts. Never published."""

_PARTS = "parts"
_MERGED = "merged"
_NAME = re.compile(r"([1-9]\d{0,5})-of-([1-9]\d{0,5})")
_SHARE = re.compile(r"([1-9]\d{0,5})/([1-9]\d{0,5})")


class Division(Record):
    """How a build is divided.

    Attributes
    ----------
    of : int
        The number of parts.
    plan : str
        Digest of every set of the whole build and its number of rows, see `plan_digest`.
    """

    of: Annotated[int, Field(ge=1)]
    plan: Sha256


class PartRecord(Record):
    """Which part of a build a manifest lists.

    Attributes
    ----------
    number : int
        From 1.
    division : Division
        Of the whole build.
    """

    number: Annotated[int, Field(ge=1)]
    division: Division

    @property
    def name(self) -> str:
        """``part 2 of 5``."""
        return f"part {self.number} of {self.division.of}"

    @model_validator(mode="after")
    def _is_one_of_them(self) -> PartRecord:
        if self.number > self.division.of:
            raise ValueError(f"there is no {self.name}")
        return self


def share_of(text: str) -> tuple[int, int]:
    """Return number and count of ``"2/5"``, part 2 of 5.

    Raises
    ------
    ConfigError
        If the text is not of this form, or there is no such part.
    """
    found = _SHARE.fullmatch(text)
    if not found or int(found[1]) > int(found[2]):
        raise ConfigError(
            f"part {text!r} is not valid",
            value=text,
            remedy=Remedy("give {part} as i/n, with i from 1 to n"),
        )
    return int(found[1]), int(found[2])


def parts_folder(root: Path) -> Path:
    """Return the folder of all parts in a benchmark's directory."""
    return root / FOLDER / _PARTS


def merged_parts(root: Path) -> Path:
    """Return the folder that merged parts are moved to and removed from; the empty folder stays."""
    return root / FOLDER / _MERGED


def dealt(rows: Mapping[SetKey, int], number: int, of: int) -> list[SetKey]:
    """Return the sets of part `number` of `of`: sets are dealt to the parts in turn, the largest first.

    Examples
    --------
    >>> sets = {SetKey("pbc", "test", "contrast", severity): 100 for severity in (1, 2, 3)}
    >>> [str(key) for key in dealt(sets, 1, 2)]
    ['pbc/test/contrast/severity-1', 'pbc/test/contrast/severity-3']
    """
    return sorted(sorted(rows, key=lambda key: (-rows[key], key))[number - 1 :: of])


def part_folder(root: Path, number: int, of: int) -> Path:
    """Return where a benchmark's directory keeps a part until it is merged."""
    return parts_folder(root) / f"{number}-of-{of}"


def part_folders(root: Path) -> dict[Path, str]:
    """Return the folders of the parts in a directory, in order, with their names: ``part 2 of 5``."""
    found = [
        (int(match[2]), int(match[1]), path)
        for path in parts_folder(root).glob("*")
        if (match := _NAME.fullmatch(path.name)) and path.is_dir()
    ]
    return {path: f"part {number} of {of}" for of, number, path in sorted(found)}


def plan_digest(rows: Mapping[SetKey, int]) -> str:
    """Return the digest of a build's sets: SHA-256 over a line for each, its key, a tab and its rows."""
    lines = (f"{key}\t{rows[key]}\n" for key in sorted(rows))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
