"""Repositories in memory: revisions, commits, pull requests, LFS objects, and who may touch them."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from .discussions import Discussion
from .objects import DEFAULT_ATTRIBUTES, Commit, File, goes_to_lfs, now
from .web import HubError

MAIN = "refs/heads/main"
_serial = itertools.count()


@dataclass(frozen=True)
class User:
    """The owner of a token. `writes` are the namespaces it may push to; None means all of them."""

    name: str
    writes: frozenset[str] | None = None

    def may_write(self, namespace: str) -> bool:
        return self.writes is None or namespace == self.name or namespace in self.writes


@dataclass
class Repo:
    """One model, dataset or space repository. `refs` maps full reference names to commit ids."""

    kind: str
    id: str
    private: bool = False
    gated: bool = False
    sdk: str | None = None
    created_at: str = field(default_factory=now)
    viewer_info: dict[str, Any] | None = None
    """What the dataset viewer's /info says of its configs; None: the viewer knows nothing of it."""
    refs: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    discussions: dict[int, Discussion] = field(default_factory=dict)
    lfs: dict[str, bytes] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.id.split("/")[0]

    @property
    def url_path(self) -> str:
        """The path of the repository's page: datasets and spaces have a prefix, models have none."""
        return self.id if self.kind == "model" else f"{self.kind}s/{self.id}"

    @property
    def head(self) -> Commit:
        return self.commits[self.refs[MAIN]]

    def ref_name(self, revision: str) -> str | None:
        """The full name of the branch, tag or pull request a revision names, if there is one."""
        candidates = (revision, f"refs/heads/{revision}", f"refs/tags/{revision}")
        return next((name for name in candidates if name in self.refs), None)

    def resolve(self, revision: str) -> Commit:
        """The commit a branch, tag, pull request or (abbreviated) commit id names, else HubError 404."""
        name = self.ref_name(revision)
        if name:
            return self.commits[self.refs[name]]
        matches = [oid for oid in self.commits if len(revision) >= 7 and oid.startswith(revision)]
        if len(matches) != 1:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[matches[0]]

    def file(self, revision: str, path: str) -> tuple[Commit, File]:
        """A file at a revision; a missing one is HubError 404 that still names the commit looked in."""
        commit = self.resolve(revision)
        if path not in commit.files:
            raise HubError(404, "Entry not found", "EntryNotFound", X_Repo_Commit=commit.oid)
        return commit, commit.files[path]

    def make_file(self, path: str, content: bytes, at: Commit | None = None) -> File:
        """A file stored the way the repository's .gitattributes (of the commit `at`) say."""
        files = (at or self.head).files
        attributes = files[".gitattributes"].content if ".gitattributes" in files else b""
        file = File(content, goes_to_lfs(attributes, path, len(content), content[:512]))
        if file.lfs:
            self.lfs[file.sha256] = content
        return file

    def add_commit(
        self,
        changes: Mapping[str, File | None],
        title: str,
        *,
        message: str = "",
        author: str = "tester",
        ref: str = MAIN,
    ) -> Commit:
        """Commit changed files (None deletes) on top of a reference, and move it there."""
        parent = self.commits.get(self.refs.get(ref, ""))
        files = {**(parent.files if parent else {}), **changes}
        kept = {path: file for path, file in sorted(files.items()) if file is not None}
        identity = f"{self.kind} {self.id} {next(_serial)} {title}"
        oid = hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()
        commit = Commit(oid, parent, title, message, author, now(), kept)
        self.commits[oid] = commit
        self.refs[ref] = oid
        return commit

    def commit(
        self, files: Mapping[str, bytes | str | None], title: str = "Change files", *, revision: str = "main"
    ) -> str:
        """For tests: commit contents (None deletes) to a branch directly; return the commit id."""
        ref = self.ref_name(revision) or f"refs/heads/{revision}"
        changes = {
            path: None if content is None else self.make_file(path, _as_bytes(content))
            for path, content in files.items()
        }
        return self.add_commit(changes, title, ref=ref).oid

    def tag(self, name: str, revision: str = "main") -> None:
        """For tests: tag a revision directly."""
        self.refs[f"refs/tags/{name}"] = self.resolve(revision).oid

    def read(self, path: str, revision: str = "main") -> bytes:
        """For tests: the content of a file at a revision."""
        return self.file(revision, path)[1].content

    def paths(self, revision: str = "main") -> list[str]:
        """For tests: the paths of all files at a revision, in order."""
        return list(self.resolve(revision).files)


class Store:
    """All repositories of a hub, by kind ("model", "dataset", "space") and id."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}

    def get(self, kind: str, repo_id: str) -> Repo | None:
        return self.repos.get((kind, repo_id))

    def repo(self, repo_id: str, kind: str = "dataset") -> Repo:
        """For tests: the repository, which must exist."""
        return self.repos[kind, repo_id]

    def create(self, kind: str, repo_id: str, **settings: Any) -> Repo:
        """Create a repository as the Hub does: with one commit that holds .gitattributes."""
        repo = Repo(kind, repo_id, **settings)
        repo.add_commit({".gitattributes": File(DEFAULT_ATTRIBUTES)}, "initial commit")
        self.repos[kind, repo_id] = repo
        return repo

    def add_repo(
        self, kind: str, repo_id: str, files: Path | Mapping[str, bytes | str] | None = None, **settings: Any
    ) -> Repo:
        """For tests: create a repository holding a folder's files, or the contents of a mapping.

        `settings` are the fields of `Repo`: ``private=True``, ``gated=True``, ``viewer_info={...}``.
        """
        if kind not in ("model", "dataset", "space") or repo_id.count("/") != 1:
            raise ValueError(f"not a kind and an org/name: {kind!r}, {repo_id!r}")
        contents = _read_folder(files) if isinstance(files, Path) else dict(files or {})
        repo = self.create(kind, repo_id, **settings)
        if contents:
            repo.commit(contents, "Add files")
        return repo


def check_path(path: str) -> str:
    """Return a path that stays inside a repository, else raise HubError 400."""
    parts = PurePosixPath(path).parts
    if (
        not parts
        or path.startswith("/")
        or ".." in parts
        or ".git" in parts
        or str(PurePosixPath(path)) != path
    ):
        raise HubError(400, f"invalid path: {path!r}")
    return path


def _as_bytes(content: bytes | str) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def _read_folder(folder: Path) -> dict[str, bytes | str]:
    if not folder.is_dir():
        raise NotADirectoryError(f"nothing to seed a repository with at {folder}")
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
