"""Check submissions as a maintainer would: each by itself, apart from the rest, then one against another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from medimeta_c.benchmark import open_benchmark
from medimeta_c.errors import ResultError
from medimeta_c.files import sha256_file
from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.checks import Finding, Terms, check_submission, run_digest
from medimeta_c.leaderboard.inspection import check_files
from medimeta_c.leaderboard.submission import SUBMISSION_NAME, read_submission, submission_path
from medimeta_c.results.folder import PREDICTIONS_NAME
from medimeta_c.results.result import RESULT_NAME, read_result

__all__ = ["submission_folders", "validate"]

_MEMORY_BYTES = 8 << 30


def validate(
    paths: Sequence[Path],
    terms: Terms,
    *,
    among: Path | None = None,
    isolated: bool = False,
) -> tuple[Finding, ...]:
    """Check submissions, and that none is there twice.

    Parameters
    ----------
    paths : sequence of Path
        Submissions, or folders that hold some at any depth: those must then lie where they belong.
    terms : Terms
        What they are held against.
    among : Path, optional
        Other submissions, not checked, among which no copy may be.
    isolated : bool
        Check each in a process of its own, with bounded memory, so that a file made to crash its reader
        stops nothing else.

    Returns
    -------
    tuple of Finding
        In the order of their folders.

    Raises
    ------
    ResultError
        If a path holds no submission.
    """
    jobs = [(folder, terms, folder != path) for path in paths for folder in submission_folders(path)]
    found = [_isolated(*job) if isolated else check_submission(*job) for job in jobs]
    return _without_copies(found, _known(among, {folder.resolve() for folder, _, _ in jobs}))


def submission_folders(path: Path) -> tuple[Path, ...]:
    """Return the submissions at or below a path, in order; links are not followed.

    Raises
    ------
    ResultError
        If there is none.
    """
    if not path.exists():
        raise ResultError(f"{path} does not exist: give the folder of a submission, or one that holds some")
    names = (SUBMISSION_NAME, RESULT_NAME)
    if path.is_file() and path.name in names:
        return (path.parent,)
    if any((path / name).exists() for name in names):
        return (path,)
    found = {file.parent for name in names for file in path.rglob(name) if ".cells" not in file.parts}
    if not found:
        raise ResultError(f"{path} holds no submission: it has no {SUBMISSION_NAME} at any depth")
    return tuple(sorted(found))


def _known(among: Path | None, ours: set[Path]) -> list[Finding]:
    """Return the submissions of a board, of which only the identity is read."""
    if among is None:
        return []
    found = []
    for folder in submission_folders(among):
        if folder.resolve() in ours:
            continue
        check_files(folder)
        result = read_result(folder)
        found.append(
            Finding(
                folder=folder,
                place=submission_path(read_submission(folder), result.run),
                run_digest=run_digest(result),
                predictions_sha256=sha256_file(folder / PREDICTIONS_NAME),
            )
        )
    return found


def _without_copies(found: Iterable[Finding], known: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings, those that repeat an earlier one with that problem added."""
    seen = list(known)
    checked = []
    for one in found:
        again = next((other for other in seen if _copy(one, other)), None)
        if again is not None:
            problem = f"{one.folder} is a copy of {again.folder}: the same place, run or predictions"
            checked.append(replace(one, problems=(*one.problems, problem)))
        else:
            checked.append(one)
        seen.append(one)
    return tuple(checked)


def _copy(one: Finding, other: Finding) -> bool:
    pairs = (
        (one.place, other.place),
        (one.run_digest, other.run_digest),
        (one.predictions_sha256, other.predictions_sha256),
    )
    return any(a is not None and a == b for a, b in pairs)


def _isolated(folder: Path, terms: Terms, placed: bool) -> Finding:
    """Check a submission in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_bound_memory) as pool:
        try:
            where = None if terms.benchmark is None else terms.benchmark.name
            return pool.submit(_check_by_path, folder, terms.accepted, where, placed).result()
        except (BrokenProcessPool, MemoryError):
            return Finding(
                folder=folder,
                problems=(f"{folder} crashed what reads it, or ran it out of memory: do not merge it",),
            )


def _check_by_path(folder: Path, accepted: Accepted | None, where: str | None, placed: bool) -> Finding:
    benchmark = None if where is None else open_benchmark(where)
    return check_submission(folder, Terms(accepted=accepted, benchmark=benchmark), placed)


def _bound_memory() -> None:
    """Bound what this process may allocate, where the system can."""
    try:
        import resource  # noqa: PLC0415  (not on Windows)
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
