"""Find the submissions in a board's tree, which is untrusted: links are never followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from medimeta_c.errors import ResultError
from medimeta_c.leaderboard.submission import SUBMISSION_NAME
from medimeta_c.results.result import RESULT_NAME

__all__ = ["ROOT", "board_entries", "is_tree", "root_of", "strays", "submission_folders"]

ROOT = "results"
"""The folder of a board's repository that holds the submissions."""

_NAMES = (SUBMISSION_NAME, RESULT_NAME)
_MAX_DEPTH = 8


def root_of(path: Path) -> Path:
    """Return the folder that holds the submissions of a board's repository, or the path itself."""
    # Never a folder `results` within `results`: a pull request that adds one must not hide the rest.
    return path / ROOT if path.resolve().name != ROOT and (path / ROOT).is_dir() else path


def is_tree(path: Path) -> bool:
    """Return whether a path holds submissions at any depth, rather than being one."""
    # The root itself is never a submission: the submissions below it would be missed.
    is_root = root_of(path.resolve()).name == ROOT
    return path.is_dir() and (is_root or not any((path / name).exists() for name in _NAMES))


def submission_folders(path: Path) -> tuple[Path, ...]:
    """Return the submissions at or below a path, in order.

    Raises
    ------
    ResultError
        If there is none, or the tree cannot be read.
    """
    if not path.exists():
        raise ResultError(f"{path} does not exist: give the folder of a submission, or one that holds some")
    if path.is_file() and path.name in _NAMES:
        return (path.parent,)
    if path.is_dir() and not is_tree(path):
        return (path,)
    found = _below(path)
    if not found:
        raise ResultError(f"{path} holds no submission: it has no {SUBMISSION_NAME} at any depth")
    return found


def board_entries(path: Path) -> tuple[Path, ...]:
    """Return the submissions of a board, in order; a new board has none.

    Raises
    ------
    ResultError
        If it is no folder, or cannot be read.
    """
    if not path.is_dir():
        raise ResultError(f"{path} is not a folder: give the one that holds the submissions")
    return _below(path)


def _below(path: Path) -> tuple[Path, ...]:
    entries = _entries(root_of(path))
    return tuple(sorted({Path(entry.path).parent for entry in entries if entry.name in _NAMES}))


def strays(root: Path) -> list[str]:
    """Return the files and links below a root that no submission's folder holds, relative to it."""
    if not root.is_dir():
        return []
    entries = list(_entries(root))
    held = {Path(entry.path).parent for entry in entries if entry.name in _NAMES}
    return sorted(
        os.path.relpath(entry.path, root)
        for entry in entries
        if not entry.is_dir(follow_symlinks=False) and Path(entry.path).parent not in held
    )


def _entries(path: Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a folder. Not recursive, because an untrusted tree may be very deep."""
    if path.is_symlink():
        raise ResultError(f"{path} is a link: give the folder itself")
    if not path.is_dir():
        return
    todo = [(str(path), 0)]
    try:
        while todo:
            folder, depth = todo.pop()
            if depth > _MAX_DEPTH:
                raise ResultError(f"{path} has folders more than {_MAX_DEPTH} deep: move them away")
            with os.scandir(folder) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False):
                        todo.append((entry.path, depth + 1))
    except OSError as error:
        raise ResultError(f"{path} cannot be read ({error.strerror}): check its permissions") from error
