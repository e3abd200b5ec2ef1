"""Discussions and pull requests, their events, and the three-way merge of whole files."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .objects import Commit, File, now


@dataclass
class Discussion:
    """A discussion, or a pull request if `base` is set (the commit its branch started from)."""

    num: int
    title: str
    author: str
    status: str = "open"
    base: Commit | None = None
    merge_commit: str | None = None
    created_at: str = field(default_factory=now)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_pull_request(self) -> bool:
        return self.base is not None

    @property
    def ref(self) -> str:
        return f"refs/pr/{self.num}"

    def add_event(self, kind: str, author: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Append an event in the form the client parses, and return it."""
        identity = f"{self.num} {len(self.events)} {kind}"
        event = {
            "id": hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()[:24],
            "author": {"name": author, "type": "user"},
            "createdAt": now(),
            "type": kind,
            "data": dict(data),
        }
        self.events.append(event)
        return event

    def comment(self, author: str, text: str) -> dict[str, Any]:
        latest = {"raw": text, "html": "", "updatedAt": now(), "author": {"name": author}}
        data = {"edited": False, "hidden": False, "latest": latest, "history": []}
        return self.add_event("comment", author, data)


def changed_files(base: Commit, head: Commit) -> dict[str, File | None]:
    """What a pull request does: path to new file, or None where it deletes."""
    paths = sorted({*base.files, *head.files})
    return {p: head.files.get(p) for p in paths if base.files.get(p) != head.files.get(p)}


def conflicts(base: Commit, head: Commit, target: Commit) -> list[str]:
    """Paths that the target changed since `base` to something other than the pull request did."""
    return [
        path
        for path, new in changed_files(base, head).items()
        if target.files.get(path) not in (base.files.get(path), new)
    ]


def unified_diff(base: Commit, head: Commit) -> str:
    """A git-like diff; LFS files show as their pointers."""

    def lines(file: File | None) -> list[str]:
        content = b"" if file is None else file.pointer if file.lfs else file.content
        return content.decode("utf-8", "replace").splitlines(keepends=True)

    parts = []
    for path, new in changed_files(base, head).items():
        old = base.files.get(path)
        names = ("/dev/null" if old is None else f"a/{path}", "/dev/null" if new is None else f"b/{path}")
        parts.append(f"diff --git a/{path} b/{path}\n")
        parts.extend(difflib.unified_diff(lines(old), lines(new), *names))
    return "".join(parts)
