"""What changed on a board: between its releases, and since the last one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medimeta_c._version import __version__
from medimeta_c.io.markdown import plain
from medimeta_c.leaderboard.releases.record import (
    Frozen,
    Release,
    SubmissionDigest,
    read_releases,
    releases_folder,
    submission_digests,
)
from medimeta_c.leaderboard.submission import SUBMISSION_NAME
from medimeta_c.leaderboard.tree import board_entries, root_of

__all__ = ["KINDS", "Change", "Chapter", "History", "changes", "history", "history_markdown"]

KINDS = {
    "added": "Added",
    "corrected": "Corrected: its result or predictions are others",
    "described": "Described anew: its numbers are the same",
    "withdrawn": "Withdrawn",
}
"""Kind of a change → its heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One submission that differs; `kind` is one of `KINDS`."""

    kind: str
    name: str
    organisation: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """What changed up to a release, or since the last one.

    Parameters
    ----------
    title, about : str
        Heading, and a sentence below it.
    release : str
        Its name; empty for what is not released yet.
    date : str
        Its day; empty for what is not released yet.
    changes : tuple of Change
        In the order of `KINDS`, then by name.
    """

    title: str
    about: str
    release: str
    date: str
    changes: tuple[Change, ...]

    @property
    def groups(self) -> list[tuple[str, list[Change]]]:
        """Headings with their changes, without those that have none."""
        by_kind = [(KINDS[kind], [one for one in self.changes if one.kind == kind]) for kind in KINDS]
        return [(heading, found) for heading, found in by_kind if found]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The releases of a board, oldest first, and its chapters, newest first."""

    releases: tuple[Frozen, ...] = ()
    chapters: tuple[Chapter, ...] = ()


def history(results: Path) -> History:
    """Read the releases of a board's repository and compare each with the one before.

    Raises
    ------
    ResultError
        If a release or a submission cannot be read.
    """
    root = root_of(results)
    current = submission_digests(root, board_entries(results))
    releases = read_releases(releases_folder(results))
    return History(releases=releases, chapters=tuple(_chapters(releases, current)))


def changes(earlier: Sequence[SubmissionDigest], later: Sequence[SubmissionDigest]) -> tuple[Change, ...]:
    """Return how the submissions of a board differ from earlier ones, told apart by their places."""
    old, new = ({one.place: one for one in each} for each in (earlier, later))
    found = []
    for place in old.keys() | new.keys():
        kind = _kind(old.get(place), new.get(place))
        one = new.get(place) or old[place]
        if kind:
            found.append(Change(kind=kind, name=one.name, organisation=one.organisation, place=place))
    order = list(KINDS)
    return tuple(sorted(found, key=lambda one: (order.index(one.kind), one.name.casefold(), one.place)))


def _kind(old: SubmissionDigest | None, new: SubmissionDigest | None) -> str | None:
    if old is None or new is None:
        return "added" if old is None else "withdrawn"
    differ = {
        name for name in old.files.keys() | new.files.keys() if old.files.get(name) != new.files.get(name)
    }
    if not differ:
        return None
    return "described" if differ == {SUBMISSION_NAME} else "corrected"


def _chapters(releases: Sequence[Frozen], current: Sequence[SubmissionDigest]) -> Iterator[Chapter]:
    """Yield the newest chapter first."""
    last = releases[-1].release if releases else None
    yield Chapter(
        title=f"Since {last.name}" if last else "Not released yet",
        about=_about(last, __version__),
        release="",
        date="",
        changes=changes(last.submissions if last else (), current),
    )
    for place in reversed(range(len(releases))):
        one = releases[place].release
        before = releases[place - 1].release if place else None
        yield Chapter(
            title=f"Release {one.name}",
            about=_about(before, one.package_version),
            release=one.name,
            date=one.date,
            changes=changes(before.submissions if before else (), one.submissions),
        )


def _about(before: Release | None, now: str) -> str:
    if before is None or before.package_version == now:
        return f"Numbers are computed with medimeta-c {now}."
    earlier = before.package_version
    return f"Numbers are computed with medimeta-c {now}, before with {earlier}: they may differ."


def history_markdown(of: History) -> str:
    """Return the changes as Markdown; names are shown literally."""
    lines = ["# Changes of the board", ""]
    for chapter in of.chapters:
        lines += [f"## {plain(chapter.title)}{f', {chapter.date}' if chapter.date else ''}", ""]
        lines += [str(plain(chapter.about)), ""]
        for heading, found in chapter.groups:
            lines += [f"**{heading}**", ""]
            lines += [f"- {plain(one.name)} ({plain(one.organisation)})" for one in found]
            lines.append("")
        if not chapter.changes:
            lines += ["No entry changed.", ""]
    return "\n".join(lines[:-1]) + "\n"
