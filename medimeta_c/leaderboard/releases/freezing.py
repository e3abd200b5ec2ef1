"""Freeze a board: compute its numbers once more and keep them under a name that is never used again."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

from medimeta_c.errors import ConfigError, Remedy, ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.io.files import PART_SUFFIX, write_atomic, writing
from medimeta_c.io.records import dump
from medimeta_c.leaderboard.releases.record import (
    RELEASE_NAME,
    Release,
    check_name,
    read_releases,
    releases_folder,
    submission_digests,
)
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.tree import board_entries, root_of
from medimeta_c.results.baseline_choice import PUBLISHED

__all__ = ["ReleaseConfig", "ReleaseReport", "release"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What was frozen.

    Parameters
    ----------
    path : Path
        The ``release.json``.
    release : Release
        What it holds.
    """

    path: Path
    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseConfig:
    """What to freeze, and as what.

    Parameters
    ----------
    name : str
        At most 60 lower-case letters, digits, dots and dashes.
    results : Path
        A clone of the board's repository, or its ``results`` folder.
    baseline : str
        What CE divides by, as for the site.
    benchmark : Benchmark, optional
        The board's own copy of the benchmark, which says which images belong together.
    day : date, optional
        The day of the release; by default today's in UTC.

    Raises
    ------
    ConfigError
        If the name is not valid.
    """

    name: str
    results: Path
    baseline: str = PUBLISHED
    benchmark: Benchmark | None = None
    day: date | None = None

    def __post_init__(self) -> None:
        check_name(self.name)


def release(config: ReleaseConfig, *, on_progress: Callable[[int, int], None] | None = None) -> ReleaseReport:
    """Freeze the board of a repository as ``releases/<name>/release.json``.

    Parameters
    ----------
    config : ReleaseConfig
        What to freeze, and as what.
    on_progress : callable, optional
        Called with the number of submissions done and of all.

    Raises
    ------
    ConfigError
        If the name is taken.
    ResultError
        If a submission or an earlier release cannot be read, or there is no submission.
    WriteError
        If the release cannot be written; then nothing of it is left.
    """
    results = config.results
    target = releases_folder(results) / config.name
    _refuse_taken(target)
    read_releases(target.parent)  # a release is added only to releases that are whole
    folders = board_entries(results)
    if not folders:
        raise ResultError(f"{results} holds no submission: there is nothing to freeze")
    before = submission_digests(root_of(results), folders)
    boards = read_boards(
        results, baseline=config.baseline, benchmark=config.benchmark, on_progress=on_progress
    )
    if submission_digests(root_of(results), board_entries(results)) != before:
        raise ResultError(f"{results} changed while it was read: freeze it again")
    made = Release.of(config.name, config.day or datetime.now(timezone.utc).date(), boards, before)
    _place(target, made)
    return ReleaseReport(path=target / RELEASE_NAME, release=made)


def _place(target: Path, made: Release) -> None:
    """Write a release beside its folder and move it there, which fails if another one took the name."""
    text = json.dumps(dump(made), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=PART_SUFFIX, dir=target.parent))
        try:
            part.chmod(0o755)
            write_atomic(part / RELEASE_NAME, text.encode())
            try:
                part.rename(target)  # never replaces a folder that holds a file
            except OSError:
                _refuse_taken(target)
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _refuse_taken(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise ConfigError(
            f"the release {target.name} exists ({target}), and releases never change",
            remedy=Remedy("choose another {name}"),
        )
