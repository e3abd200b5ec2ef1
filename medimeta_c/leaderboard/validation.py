"""Check submissions: each by itself in a process of its own, then against each other."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.checks import Finding, check_submission, found_of
from medimeta_c.leaderboard.inspection import check_files, stray_files
from medimeta_c.leaderboard.lookalikes import likeness
from medimeta_c.leaderboard.submission import FILES, read_submission
from medimeta_c.leaderboard.tree import board_entries, is_tree, root_of, strays, submission_folders
from medimeta_c.results.folder.places import matching
from medimeta_c.results.result import read_result

__all__ = ["validate"]

_MEMORY_BYTES = 8 << 30
_CPU_SECONDS = 900


def validate(
    paths: Sequence[Path],
    accepted: Accepted | None,
    *,
    among: Path | None = None,
    isolated: bool = False,
) -> tuple[Finding, ...]:
    """Check submissions, and that there are no duplicates.

    Parameters
    ----------
    paths : sequence of Path
        Submissions, or folders that hold some at any depth: those must then lie where they belong, and
        nothing else beside them. Patterns name what they match.
    accepted : Accepted or None
        The benchmarks that are accepted; None leaves fingerprints, grids and labels unchecked.
    among : Path, optional
        The board as it stands: none may be a copy of an entry there, or take its place. Entries that are the
        same there, byte for byte, are not checked again.
    isolated : bool
        Check each in a process of its own, with bounded memory and time, so that a file made to crash or
        stall its reader does not stop the other checks.

    Returns
    -------
    tuple of Finding
        In the order of their folders; those not checked again are there, as unchanged.

    Raises
    ------
    ResultError
        If a path holds no submission.
    """
    entries = () if among is None else board_entries(among)
    found: list[Finding] = []
    for path in dict.fromkeys(each for given in paths for each in matching(given) or [given]):
        folders = submission_folders(path)
        root = root_of(path) if is_tree(path) else None
        found += _strays(root)
        for folder in folders:
            if root and among and _is_entry(folder, root_of(among) / folder.relative_to(root)):
                found.append(Finding(folder=folder, unchanged=True))
            else:
                found.append((_isolated if isolated else check_submission)(folder, accepted, root))
    ours = {one.folder.resolve() for one in found}
    return _without_copies(found, [_entry(one) for one in entries if one.resolve() not in ours])


def _is_entry(folder: Path, entry: Path) -> bool:
    """Return whether a submission is, file by file, an entry of the board, which lies elsewhere."""
    if not entry.is_dir() or entry.resolve() == folder.resolve() or stray_files(folder):
        return False
    pairs = [(folder / name, entry / name) for name in FILES]
    return all(path.is_file() and not path.is_symlink() for pair in pairs for path in pair) and all(
        filecmp.cmp(ours, theirs, shallow=False) for ours, theirs in pairs
    )


def _strays(root: Path | None) -> list[Finding]:
    """Return, as a problem, what lies in a board's tree and belongs to no submission."""
    found = strays(root) if root else []
    if not root or not found:
        return []
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    problem = f"{root} also holds {found[0]}{more}, which belongs to no submission: move it away"
    return [Finding(folder=root, problems=(problem,))]


def _entry(folder: Path) -> Finding:
    """Return an entry of the board, of which only the identity is read."""
    check_files(folder)
    return found_of(folder, read_submission(folder), read_result(folder))


def _without_copies(found: Iterable[Finding], board: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings, those that repeat another one with that problem added."""
    seen = list(board)
    checked = []
    for one in found:
        problem = next((text for text in (_clash(one, other) for other in seen) if text), None)
        named = [other.named for other in seen if other.named]
        alike = tuple(likeness(one.named, named)) if one.named and not one.unchanged else ()
        problems = (*one.problems, problem) if problem else one.problems
        checked.append(replace(one, problems=problems, warnings=(*one.warnings, *alike)))
        seen.append(one)
    return tuple(checked)


def _clash(one: Finding, other: Finding) -> str | None:
    """Return why two submissions cannot both stand; None if they can."""
    if _same_place(one, other):
        return (
            f"{one.folder} has the same place as {other.folder}: give it another name; to replace an entry, "
            "its maintainers must remove it first"
        )
    same_run = one.run_digest is not None and one.run_digest == other.run_digest
    # More than half: an entry on some datasets, or with single cells changed, is a copy all the same.
    if same_run or 2 * len(one.answers & other.answers) > min(len(one.answers), len(other.answers)):
        return f"{one.folder} is a copy of {other.folder}: the same run or predictions"
    return None


def _same_place(one: Finding, other: Finding) -> bool:
    """Return whether two submissions are under one name on one board."""
    if one.place is None or other.place is None:
        return False
    # The last folder is the fingerprint of a whole build, which nobody can check where part of it was scored.
    names = one.place.rpartition("/")[0], other.place.rpartition("/")[0]
    return one.place == other.place or (
        names[0] == names[1] and not one.fingerprints.isdisjoint(other.fingerprints)
    )


def _isolated(folder: Path, accepted: Accepted | None, root: Path | None) -> Finding:
    """Check a submission in a process of its own."""
    limits = (_MEMORY_BYTES, _CPU_SECONDS)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_bound, initargs=limits) as pool:
        try:
            return pool.submit(check_submission, folder, accepted, root).result()
        except (BrokenProcessPool, MemoryError):
            problem = f"{folder} crashed its reader, or exceeded its memory or time limit: do not merge it"
            return Finding(folder=folder, problems=(problem,))


def _bound(memory_bytes: int, cpu_seconds: int) -> None:
    """Bound what this process may allocate and compute, where the system can."""
    try:
        import resource  # noqa: PLC0415  (not on Windows)
    except ImportError:
        return
    for what, wanted in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_CPU, cpu_seconds)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
