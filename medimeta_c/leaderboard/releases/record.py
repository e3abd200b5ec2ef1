"""The release contract: ``releases/<name>/release.json``, a frozen copy of a board's data.

It holds every entry with its numbers and the digests of its files, but no images. Its own digest reveals
edits.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue

from medimeta_c._version import __version__
from medimeta_c.errors import ConfigError, Remedy, ResultError, printable, short
from medimeta_c.io.files import sha256_file
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Document, Record, Sha256, Text, canonical_json, dump
from medimeta_c.leaderboard.releases.plain import from_plain, to_plain
from medimeta_c.leaderboard.site.entries import Board, Edition
from medimeta_c.leaderboard.submission import FILES, Date, Line, read_submission
from medimeta_c.leaderboard.tree import ROOT, root_of

__all__ = [
    "RELEASES",
    "RELEASE_NAME",
    "Frozen",
    "Release",
    "SubmissionDigest",
    "check_name",
    "frozen_boards",
    "read_releases",
    "releases_folder",
    "submission_digests",
]

RELEASES = "releases"
"""The folder of a board's repository that holds the releases."""

RELEASE_NAME = "release.json"

_NAME = r"^[a-z0-9](?:[a-z0-9.-]{0,58}[a-z0-9])?$"
_MAX_BYTES = 1 << 30
_LEFT_OUT = ("pictures", "examples", "release")
"""Fields of boards that are not frozen: images, which have licences of their own; and the release itself."""


def check_name(name: str) -> str:
    """Return the name of a release, which is a folder and part of an address.

    Raises
    ------
    ConfigError
        If it is not valid.
    """
    if re.fullmatch(_NAME, name) is None or ".." in name:
        raise ConfigError(
            f"{printable(name)!r} cannot name a release",
            value=name,
            remedy=Remedy(
                "use at most 60 lower-case letters, digits, dots and dashes, such as {0}", "2026-11"
            ),
        )
    return name


def _valid_name(name: str) -> str:
    try:
        return check_name(name)
    except ConfigError as error:
        raise ValueError(error.cause) from error


class SubmissionDigest(Record):
    """One submission as it was when the board was frozen.

    Attributes
    ----------
    place : str
        Its folder in the board's repository.
    files : dict of str to str
        SHA-256 of each file, by name.
    """

    place: Text
    name: Line
    organisation: Line
    date: Date | None
    files: dict[Text, Sha256]


class Release(Document):
    """What ``release.json`` holds.

    Attributes
    ----------
    date : str
        The day it was made, as ``YYYY-MM-DD``.
    package_version : str
        Of medimeta-c, which computed the numbers.
    submissions : tuple of SubmissionDigest
        By place.
    boards : tuple of dict
        Every board with its entries, as `to_plain` writes them.
    sha256 : str
        Of everything else, as canonical JSON.
    """

    name: Annotated[Text, AfterValidator(_valid_name)]
    date: Date
    package_version: Text
    submissions: tuple[SubmissionDigest, ...]
    boards: Annotated[tuple[dict[str, JsonValue], ...], Field(min_length=1)]
    sha256: Sha256

    @classmethod
    def of(
        cls, name: str, day: datetime.date, boards: Sequence[Board], submissions: Sequence[SubmissionDigest]
    ) -> Release:
        """Return the release of some boards."""
        values: dict[str, Any] = {
            "name": check_name(name),
            "date": day.isoformat(),
            "package_version": __version__,
            "submissions": tuple(submissions),
            "boards": tuple(to_plain(board, without=_LEFT_OUT) for board in boards),
        }
        unsigned = cls(**values, sha256="0" * 64)
        return unsigned.model_copy(update={"sha256": unsigned.digest})

    @property
    def digest(self) -> str:
        """What `sha256` must be."""
        values = {name: value for name, value in dump(self).items() if name != "sha256"}
        return hashlib.sha256(canonical_json(values).encode()).hexdigest()

    @property
    def edition(self) -> Edition:
        """What the pages of its boards say of it."""
        return Edition(name=self.name, date=self.date, package_version=self.package_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A release that was read, and its boards."""

    release: Release
    boards: tuple[Board, ...]


def frozen_boards(release: Release, where: object) -> tuple[Board, ...]:
    """Return the boards of a release, exactly as they were.

    Raises
    ------
    ResultError
        If it was edited, or this version cannot build it again as it was.
    """
    if release.digest != release.sha256:
        raise ResultError(f"{where} was edited after it was frozen: restore it from the board's repository")
    try:
        boards = tuple(from_plain(Board, each) for each in release.boards)
        same = [to_plain(board, without=_LEFT_OUT) for board in boards] == list(release.boards)
    except (ValueError, TypeError, OverflowError) as error:
        raise ResultError(
            f"{where} holds a board that cannot be read ({short(error)}); {_advice(release)}"
        ) from error
    if not same:
        raise ResultError(f"{where} cannot be built again as it was; {_advice(release)}")
    return tuple(replace(board, release=release.edition) for board in boards)


def _advice(release: Release) -> str:
    return f"build it with medimeta-c {printable(release.package_version)}, which wrote it"


def releases_folder(path: Path) -> Path:
    """Return the folder of releases of a board's repository, or of the repository of a results folder."""
    root = root_of(path)
    return (root.resolve().parent if root.resolve().name == ROOT else path) / RELEASES


def read_releases(folder: Path) -> tuple[Frozen, ...]:
    """Read every release of a folder, oldest first; links are not followed.

    Raises
    ------
    ResultError
        If something there is not a release, or was edited.
    """
    if not folder.exists() and not folder.is_symlink():
        return ()
    _require_kind(folder, stat.S_ISDIR, "a folder")
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue  # what a killed run may have left
        _require_kind(path, stat.S_ISDIR, "the folder of a release")
        if [one.name for one in path.iterdir()] != [RELEASE_NAME]:
            raise ResultError(f"{printable(path)} must hold {RELEASE_NAME} and nothing else: restore it")
        file = path / RELEASE_NAME
        _require_kind(file, stat.S_ISREG, "a regular file")
        remedy = "restore it from the board's repository"
        release = Reader(remedy=remedy, max_bytes=_MAX_BYTES).read(file, Release)
        if release.name != path.name:
            raise ResultError(
                f"{printable(file)} is the release {printable(release.name)}: its folder must have that name"
            )
        found.append(Frozen(release=release, boards=frozen_boards(release, file)))
    return tuple(sorted(found, key=lambda one: (one.release.date, one.release.name)))


def _require_kind(path: Path, holds: Any, what: str) -> None:
    if not holds(path.lstat().st_mode):
        raise ResultError(f"{printable(path)} is not {what}, or is a link: move it away")


def submission_digests(root: Path, folders: Sequence[Path]) -> tuple[SubmissionDigest, ...]:
    """Return the digests of submissions below a root, by place."""
    found = []
    for folder in folders:
        said = read_submission(folder)
        place = "/".join((ROOT, *folder.resolve().relative_to(root.resolve()).parts))
        files = {name: sha256_file(folder / name) for name in FILES}
        found.append(
            SubmissionDigest(
                place=place, name=said.name, organisation=said.organisation, date=said.date, files=files
            )
        )
    return tuple(sorted(found, key=lambda one: one.place))
