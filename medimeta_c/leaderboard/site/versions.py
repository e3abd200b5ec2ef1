"""Versions that every page shows: of the board, the package and the benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from medimeta_c._version import __version__
from medimeta_c.leaderboard.site.entries import Board

__all__ = ["package_version", "versions_of"]

_NO_RELEASE = "current, not a release"
_PREVIEW = "a preview, not the board"


def package_version(boards: Sequence[Board]) -> str:
    """Return the version of medimeta-c that computed the numbers of some boards."""
    release = boards[0].release if boards else None
    return __version__ if release is None else release.package_version


def versions_of(boards: Sequence[Board]) -> dict[str, str]:
    """Return what the numbers of some boards of one site are of, by what a page calls it.

    Returns
    -------
    dict of str to str
        ``"Board"``: the release and its day, or that it is none, or a preview. ``"Package"``: what computed
        the numbers. ``"Benchmark"``: the titles of the boards, which have the benchmark's version, and the
        start of the fingerprints that were scored.
    """
    release = boards[0].release if boards else None
    current = _PREVIEW if boards and boards[0].preview else _NO_RELEASE
    return {
        "Board": current if release is None else f"release {release.name} of {release.date}",
        "Package": f"medimeta-c {package_version(boards)}",
        "Benchmark": ", ".join(map(_benchmark, boards)) or "none",
    }


def _benchmark(board: Board) -> str:
    return f"{board.title} (fingerprint {board.fingerprint[:12]})" if board.fingerprint else board.title
