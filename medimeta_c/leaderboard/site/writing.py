"""Write the site: static files that work from a folder, from any web server, and as a static Space."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import chain
from pathlib import Path

from medimeta_c.errors import ConfigError, Remedy, WriteError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.io.files import PART_SUFFIX, exclusive, writing
from medimeta_c.leaderboard.releases.changes import History, history, history_markdown
from medimeta_c.leaderboard.releases.record import RELEASES
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.site.downloads.files import FOLDER, download_files
from medimeta_c.leaderboard.site.entries import Board
from medimeta_c.leaderboard.site.pages import (
    changelog_page,
    compare_page,
    dataset_page,
    downloads_page,
    index_page,
    model_page,
    scoring_page,
)
from medimeta_c.leaderboard.site.pairs.files import FOLDER as PAIRS
from medimeta_c.leaderboard.site.pairs.files import pair_files
from medimeta_c.results.baseline_choice import PUBLISHED

__all__ = ["ASSETS", "EXAMPLE", "SiteConfig", "SiteReport", "build_site", "refuse_others", "write_site"]

_COMPARING = ("page.css", "page.js", "numbers.js", "scope.js", "tables.js", "view.js", "words.js")
ASSETS = (
    "board.css",
    "board.js",
    "charts.js",
    "details.js",
    "ranking.js",
    "tables.js",
    *(f"compare/{name}" for name in _COMPARING),
)
_MARK = ".medimeta-c-site"
_OLD = "old"
_SPACE = """---
title: MediMeta-C leaderboard
emoji: 🩻
colorFrom: blue
colorTo: gray
sdk: static
pinned: false
---

The MediMeta-C leaderboard: robustness of medical vision-language models to image corruptions. Written by
`medimeta-c leaderboard build`; open `index.html`.
"""
_FILES = resources.files("medimeta_c.leaderboard.site")

EXAMPLE = _FILES.joinpath("example.yaml").read_text(encoding="utf-8")
"""A filled-in ``submission.yaml``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """What was written.

    Parameters
    ----------
    index : Path
        The page to open.
    boards : tuple of Board
        What it shows.
    pages : int
        Number of pages.
    """

    index: Path
    boards: tuple[Board, ...]
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """What to build from, and where.

    Parameters
    ----------
    results : Path
        A clone of the board's repository, or its ``results`` folder.
    out : Path
        Where the site goes; an earlier site there is replaced.
    baseline : str
        What CE divides by: ``"published"``, ``"none"`` or the folder of a result.
    benchmark : Benchmark, optional
        Where sample images are taken from.
    repository : str, optional
        ORG/NAME that submissions are sent to, for the page that says how.
    """

    results: Path
    out: Path
    baseline: str = PUBLISHED
    benchmark: Benchmark | None = None
    repository: str | None = None


def build_site(config: SiteConfig, *, on_progress: Callable[[int, int], None] | None = None) -> SiteReport:
    """Compute every number of the submissions below a folder and write the site.

    Parameters
    ----------
    config : SiteConfig
        What to build from, and where.
    on_progress : callable, optional
        Called with the number of submissions done and of all.

    Raises
    ------
    ResultError
        If a submission cannot be read; the message names it.
    ConfigError
        If the folder to write holds something that is not an earlier site.
    WriteError
        If a file cannot be written.
    """
    past = history(config.results)
    boards = read_boards(
        config.results, baseline=config.baseline, benchmark=config.benchmark, on_progress=on_progress
    )
    return write_site(boards, config.out, repository=config.repository, past=past)


def write_site(
    boards: tuple[Board, ...], out: Path, *, repository: str | None = None, past: History | None = None
) -> SiteReport:
    """Write the site of some boards, and of the releases there have been; see `build_site`.

    It is written beside its folder and takes its place when it is whole: neither a full disk nor a kill
    leaves part of a site there. What a killed run left beside it is removed, or put back, by the next.
    """
    past = past or History()
    refuse_others(out)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        target = out.resolve()  # a link stays a link
        with _workplace(target) as place:
            fresh = place / "site"
            count = _write_boards(boards, fresh, repository) + 1
            (fresh / _MARK).touch()
            for one in past.releases:
                count += _write_boards(one.boards, fresh / RELEASES / one.release.name, repository)
            for name, text in {
                "README.md": _SPACE,
                "changelog.html": changelog_page(boards, past),
                "changelog.md": history_markdown(past),
            }.items():
                (fresh / name).write_text(text, encoding="utf-8")
            _swap(fresh, target, place / _OLD)
    return SiteReport(index=out / "index.html", boards=boards, pages=count)


def _write_boards(boards: tuple[Board, ...], folder: Path, repository: str | None) -> int:
    """Write the pages of some boards, with all that they need, into a new folder; return how many."""
    entries = [(entry, board) for board in boards for entry in board.entries]
    pages = {f"models/{entry.key}.html": model_page(entry, board) for entry, board in entries}
    datasets = [(one, board) for board in boards for one in board.datasets]
    pages |= {f"datasets/{one.page}.html": dataset_page(one, board) for one, board in datasets}
    pages |= {
        "scoring.html": scoring_page(boards, EXAMPLE, repository),
        "downloads.html": downloads_page(boards),
        "compare.html": compare_page(boards),
        "index.html": index_page(boards),
    }
    assets = _FILES.joinpath("assets")
    for below in ("models", "datasets", "assets/compare", PAIRS, f"{FOLDER}/bibtex"):
        (folder / below).mkdir(parents=True)
    for name in ASSETS:
        (folder / "assets" / name).write_bytes(assets.joinpath(name).read_bytes())
    for name, content in pair_files(boards):
        (folder / name).write_bytes(content)
    for name, text in chain(download_files(boards), pages.items()):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return len(pages)


@contextlib.contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """Make the folder that a site is written in, for one build at a time, and remove it at the end.

    A build that was killed between the two renames of `_swap` left the earlier site in there.
    """
    place = target.with_name(f".{target.name}{PART_SUFFIX}")
    busy = WriteError(
        f"another build is writing {target}",
        remedy=Remedy("wait until it has ended, or choose another {out}"),
    )
    with exclusive(place / "lock", target, busy):
        if not target.exists() and (place / _OLD).exists():
            (place / _OLD).replace(target)
        for left in ("site", _OLD):
            if (place / left).exists():
                shutil.rmtree(place / left)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _swap(fresh: Path, out: Path, old: Path) -> None:
    """Put a whole site in the place of another, with what else lies in that one's folder, as `.git` may."""
    if not out.exists():
        fresh.replace(out)
        return
    for other in out.iterdir():
        if other.name not in {one.name for one in fresh.iterdir()}:
            copied = fresh / other.name
            if other.is_dir() and not other.is_symlink():
                shutil.copytree(other, copied, symlinks=True)
            else:
                shutil.copy2(other, copied, follow_symlinks=False)
    fresh.chmod(out.stat().st_mode)
    try:
        out.replace(old)
        fresh.replace(out)
    except BaseException:  # an interruption too: the old one lies where everything is removed next
        if old.exists() and not out.exists():
            old.replace(out)
        raise


def refuse_others(out: Path) -> None:
    """Raise ConfigError if a folder is neither empty nor an earlier site."""
    if out.exists() and any(out.iterdir()) and not (out / _MARK).is_file():
        raise ConfigError(
            f"{out} holds something that is not a leaderboard's site", remedy=Remedy("choose another {out}")
        )
