"""Configuration and report of a push."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medimeta_c.building import engines
from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.hub.tree import Plan
from medimeta_c.io.hub_client import check_repo_id
from medimeta_c.io.settings import Location, required, settle
from medimeta_c.io.shown import short_repr

__all__ = ["PushConfig", "PushReport"]

_TAG = re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)
_BRANCH = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushConfig:
    """What to push where.

    Parameters
    ----------
    root : str or path
        The built benchmark's directory.
    repo_id : str
        ORG/NAME of the dataset repository; created if it is not there.
    private : bool, optional
        Create it private; refused for a repository that is public.
    pull_request : bool, optional
        Propose the change instead of making it; needs no write access. Nothing is tagged.
    partial : bool, optional
        Push also what lacks sets of its suite.
    dry_run : bool, optional
        Verify and compare only.
    tag : str, optional
        Name of the tag; ``v`` and the benchmark's version by default.
    jobs : int, optional
        Worker processes of the verification; -1 is one per core.

    Raises
    ------
    ConfigError
        If a name or combination is not valid.
    """

    root: Location = required()
    repo_id: str
    private: bool = False
    pull_request: bool = False
    partial: bool = False
    dry_run: bool = False
    tag: str | None = None
    jobs: int = -1

    def __post_init__(self) -> None:
        settle(self)
        engines.check_jobs(self.jobs)
        check_repo_id(self.repo_id)
        if self.tag is not None and (not _TAG.fullmatch(self.tag) or ".." in self.tag or self.tag == _BRANCH):
            raise ConfigError(f"{self.tag!r} is not a valid tag: use letters, digits, '.', '-' and '_'")
        if self.pull_request and self.private:
            raise ConfigError(
                "private is for a new repository, and a pull request needs an existing one",
                remedy=Remedy("choose one of {private} and {pull_request}"),
            )
        if self.pull_request and self.tag is not None:
            raise ConfigError(
                "a pull request is not tagged",
                remedy=Remedy("leave {tag} out, and push without {pull_request} once it is merged"),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What a push did, or would do.

    Parameters
    ----------
    url : str
        Address of the repository.
    manifest : Manifest
        What was pushed.
    plan : Plan
        What was, or would be, sent and removed.
    exists : bool
        Whether the repository was there before; None when the Hub could not be reached to tell (dry run).
    commit : str or None
        The commit that holds the build.
    tag : str or None
        The tag that marks it; None with a pull request.
    tagged : str or None
        The commit the tag marks. An earlier one if that holds the same build: tags are never moved.
    pull_request : str or None
        Address of the pull request, opened now or found open.
    dry_run : bool
        Whether nothing was changed.
    """

    url: str
    manifest: Manifest
    plan: Plan
    exists: bool | None
    commit: str | None = None
    tag: str | None = None
    tagged: str | None = None
    pull_request: str | None = None
    dry_run: bool = False

    __repr__ = short_repr
