"""Compare the files of a build with those of a repository: what a push sends and removes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medimeta_c.card.card_check import pictures
from medimeta_c.card.dataset_card import ASSETS, CARD_NAME
from medimeta_c.card.evalfile import EVAL_NAME
from medimeta_c.errors import PublishError, Remedy
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.signing.benchmark import SIGNATURE_NAME
from medimeta_c.io.files import sha256_file

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

__all__ = ["OWNED", "LocalFile", "Plan", "RemoteFile", "compare", "local_files", "remote_files"]

OWNED = ("data/", f"{ASSETS}/", "stats/", SIGNATURE_NAME)
"""Folders of the repository that are the build's alone, and the signature; what it has not is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file of the build: its path in the repository, where it is, and what it holds."""

    path: str
    source: Path
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: str, source: Path) -> LocalFile:
        """Return a file as it is on this disk."""
        return cls(path=path, source=source, bytes=source.stat().st_size, sha256=sha256_file(source))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of the repository; `blob_id` is git's name of it, `sha256` is None if git itself holds it."""

    bytes: int
    sha256: str | None
    blob_id: str

    @classmethod
    def of(cls, entry: RepoFile) -> RemoteFile:
        """Return a file as the Hub lists it."""
        return cls(bytes=entry.size, sha256=entry.lfs.sha256 if entry.lfs else None, blob_id=entry.blob_id)

    def holds(self, file: LocalFile) -> bool:
        """Return whether it has the bytes of a local file."""
        if self.bytes != file.bytes:
            return False
        if self.sha256 is not None:
            return self.sha256 == file.sha256
        return self.blob_id == _git_blob_id(file.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a push does, file by file.

    Parameters
    ----------
    send : tuple of LocalFile
        Files that the repository lacks, or has with other content.
    remove : tuple of str
        Files of the repository, in the build's own folders, that are not part of the build.
    unchanged : tuple of LocalFile
        Files that the repository has already.
    other : tuple of str
        Files of the repository that a push leaves alone.
    """

    send: tuple[LocalFile, ...]
    remove: tuple[str, ...]
    unchanged: tuple[LocalFile, ...]
    other: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """How many bytes would be sent."""
        return sum(file.bytes for file in self.send)

    @property
    def empty(self) -> bool:
        """Whether the repository holds exactly the build."""
        return not self.send and not self.remove


def local_files(root: Path, manifest: Manifest, card: str) -> tuple[LocalFile, ...]:
    """Return the files of a verified build that are published, sorted by path.

    The card, the pictures it shows, ``eval.yaml`` and the signature if they are there, the manifest, and the
    files and shards that the manifest lists: nothing else that may lie in the directory.

    Raises
    ------
    PublishError
        If the card shows a picture that is missing, or that is a link to something outside.
    """
    records = [*manifest.files, *(shard for one in manifest.sets for shard in one.shards)]
    files = [
        LocalFile(path=each.path, source=root / each.path, bytes=each.bytes, sha256=each.sha256)
        for each in records
    ]
    # A benchmark may be published without these.
    optional = [name for name in (EVAL_NAME, SIGNATURE_NAME) if (root / name).exists()]
    for path in (CARD_NAME, MANIFEST_NAME, *optional, *pictures(card)):
        source = root / path
        # The manifest has no digests of these, so a link could publish any file of this machine.
        if not source.is_file() or not source.resolve().is_relative_to(root.resolve()):
            raise PublishError(
                f"{source} is missing, or not a file of the benchmark",
                remedy=Remedy("draw it again with {command}", command="build", force=True),
            )
        files.append(LocalFile.of(path, source))
    return tuple(sorted(files, key=lambda file: file.path))


def remote_files(api: HfApi, repo_id: str, revision: str) -> dict[str, RemoteFile]:
    """Return every file of a dataset repository at a revision, by path."""
    from huggingface_hub.hf_api import RepoFile  # noqa: PLC0415  (slow to import)

    entries = api.list_repo_tree(repo_id, recursive=True, revision=revision, repo_type="dataset")
    return {entry.path: RemoteFile.of(entry) for entry in entries if isinstance(entry, RepoFile)}


def compare(files: Sequence[LocalFile], remote: Mapping[str, RemoteFile]) -> Plan:
    """Return what makes a repository hold exactly the build."""
    same = [file for file in files if file.path in remote and remote[file.path].holds(file)]
    names = {file.path for file in files}
    strays = sorted(path for path in remote if path not in names)
    return Plan(
        send=tuple(file for file in files if file not in same),
        remove=tuple(path for path in strays if path.startswith(OWNED)),
        unchanged=tuple(same),
        other=tuple(path for path in strays if not path.startswith(OWNED)),
    )


def _git_blob_id(path: Path) -> str:
    """Return the name git gives to a file's content. Only small files are held by git itself."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
