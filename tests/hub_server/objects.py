"""What a repository is made of: files, commits, and the rule that sends a file to LFS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePosixPath

_LFS_SUFFIXES = """
7z arrow bin bz2 ckpt ftz gz h5 jpeg jpg joblib model msgpack npy npz onnx parquet pb pickle pkl png pt
pth rar safetensors tar tflite tgz tiff wasm webp xz zip zst
"""
DEFAULT_ATTRIBUTES = "".join(
    f"*.{s} filter=lfs diff=lfs merge=lfs -text\n" for s in _LFS_SUFFIXES.split()
).encode()
LFS_SIZE = 10 * 1024 * 1024
"""Files above this many bytes go to LFS whatever their name."""


def now() -> str:
    """The time as the Hub writes it, the only form its client parses."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def git_sha1(content: bytes, kind: str = "blob") -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class File:
    """The content of one file, and whether git holds it or a pointer to it."""

    content: bytes
    lfs: bool = False

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def pointer(self) -> bytes:
        lines = (
            "version https://git-lfs.github.com/spec/v1",
            f"oid sha256:{self.sha256}",
            f"size {len(self.content)}",
        )
        return "".join(f"{line}\n" for line in lines).encode()

    @cached_property
    def blob_id(self) -> str:
        """What git calls the file: the SHA-1 of the content, or of the pointer for LFS."""
        return git_sha1(self.pointer if self.lfs else self.content)

    @property
    def etag(self) -> str:
        """What the Hub calls it, and what preupload compares: SHA-256 for LFS, git's SHA-1 otherwise."""
        return self.sha256 if self.lfs else self.blob_id


@dataclass(frozen=True)
class Commit:
    """A state of the whole repository and how it came about."""

    oid: str
    parent: Commit | None
    title: str
    message: str
    author: str
    date: str
    files: Mapping[str, File]

    def history(self) -> Iterator[Commit]:
        """This commit and its ancestors, newest first."""
        commit: Commit | None = self
        while commit is not None:
            yield commit
            commit = commit.parent

    def entries(self, folder: str = "", *, recursive: bool = True) -> dict[str, File | None]:
        """Paths below a folder in order, sub-folders included; the value of a folder is None."""
        prefix = f"{folder}/" if folder else ""
        found: dict[str, File | None] = {}
        for path, file in self.files.items():
            if not path.startswith(prefix):
                continue
            below = PurePosixPath(path[len(prefix) :])
            for parent in list(below.parents)[:-1]:
                if recursive or len(parent.parts) == 1:
                    found[f"{prefix}{parent}"] = None
            if recursive or len(below.parts) == 1:
                found[path] = file
        return dict(sorted(found.items()))

    def tree_id(self, folder: str) -> str:
        children = self.entries(folder)
        return git_sha1(repr([(p, f.blob_id) for p, f in children.items() if f]).encode(), "tree")

    def last_change(self, path: str) -> Commit:
        """The newest commit that changed a file, or anything below a folder."""

        def state(commit: Commit) -> object:
            return commit.files.get(path) or commit.tree_id(path)

        current = state(self)
        last = self
        for commit in self.history():
            if state(commit) != current:
                break
            last = commit
        return last


def goes_to_lfs(attributes: bytes, path: str, size: int, sample: bytes) -> bool:
    """Whether the Hub stores a file in LFS: by .gitattributes, by size, or because it is binary."""
    for line in attributes.decode("utf-8", "replace").splitlines():
        pattern, *options = line.split() or [""]
        if "filter=lfs" in options and fnmatch(path if "/" in pattern else PurePosixPath(path).name, pattern):
            return True
    return size > LFS_SIZE or b"\0" in sample


def is_ignored(gitignore: str, path: str) -> bool:
    """Whether simple .gitignore patterns (names, globs, folders; no negation) cover a path."""
    parts = PurePosixPath(path)
    for line in gitignore.splitlines():
        pattern = line.strip().strip("/")
        if not pattern or pattern.startswith("#"):
            continue
        candidates = [parts, *list(parts.parents)[:-1]]
        if any(fnmatch(str(c), pattern) or fnmatch(c.name, pattern) for c in candidates):
            return True
    return False
