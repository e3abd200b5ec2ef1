"""Write the site: plain files that work from a folder, from any web server, and as a static Space."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.io.files import write_atomic, writing
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.site.entries import Board
from medimeta_c.leaderboard.site.pages import index_page, model_page, scoring_page
from medimeta_c.results.baseline_choice import PUBLISHED

__all__ = ["ASSETS", "EXAMPLE", "SiteConfig", "SiteReport", "build_site", "write_site"]

ASSETS = (
    "board.css",
    "board.js",
    "charts.js",
    "model.js",
    "vendor/chart.umd.min.js",
    "vendor/chart.LICENSE.md",
)
_MARK = ".medimeta-c-site"
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
    BuildError
        If a file cannot be written.
    """
    boards = read_boards(
        config.results, baseline=config.baseline, benchmark=config.benchmark, on_progress=on_progress
    )
    return write_site(boards, config.out, repository=config.repository)


def write_site(boards: tuple[Board, ...], out: Path, *, repository: str | None = None) -> SiteReport:
    """Write the site of some boards; see `build_site`."""
    _clear(out)
    write_atomic(out / _MARK, b"")
    assets = _FILES.joinpath("assets")
    for name in ASSETS:
        write_atomic(out / "assets" / name, assets.joinpath(name).read_bytes())
    entries = [(entry, board) for board in boards for entry in board.entries]
    models = out / "models"
    with writing(models):
        models.mkdir(exist_ok=True)
        for entry, board in entries:  # not synced one by one: what is lost is written again
            (models / f"{entry.key}.html").write_text(model_page(entry, board), encoding="utf-8")
    write_atomic(out / "scoring.html", scoring_page(boards, EXAMPLE, repository).encode())
    write_atomic(out / "README.md", _SPACE.encode())
    write_atomic(out / "index.html", index_page(boards).encode())
    return SiteReport(index=out / "index.html", boards=boards, pages=len(entries) + 2)


def _clear(out: Path) -> None:
    """Remove an earlier site; refuse any other folder that is not empty."""
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / _MARK).is_file():
        raise ConfigError(f"{out} holds something that is not a leaderboard's site: choose another --out")
    with writing(out):
        for name in ("models", "assets"):
            shutil.rmtree(out / name, ignore_errors=True)
