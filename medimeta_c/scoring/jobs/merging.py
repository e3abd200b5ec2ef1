"""Merge the parts of an evaluation into one result, the same as if it had never been divided."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from medimeta_c.errors import ConfigError, Remedy, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.parts import dealt
from medimeta_c.io.settings import StrPath, as_path, several
from medimeta_c.metrics.registry import chosen_metrics
from medimeta_c.results.folder.adding import ResultFolder, locked_result, open_result_folder
from medimeta_c.results.folder.places import result_files
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.paraphrases.folder import SweptFolder
from medimeta_c.results.sharing.found import FoundParts, find_parts
from medimeta_c.results.unfinished import UnfinishedCells
from medimeta_c.scoring.jobs.environment import environment_of
from medimeta_c.scoring.jobs.job import Job
from medimeta_c.scoring.jobs.outcome import Outcome
from medimeta_c.scoring.jobs.work import State

__all__ = ["merge_results"]

_SHOWN = 8
_WAIT_S = 60


def merge_results(
    directories: StrPath | Iterable[StrPath], out: StrPath, *, benchmark: StrPath | None = None
) -> tuple[SavedResult, ...]:
    """Join all parts of evaluations into results with the bytes of undivided ones.

    No model is run. Each result that the directories hold in parts is joined; parts in `out` itself are
    removed in the end, others stay. An interrupted merge resumes.

    Parameters
    ----------
    directories : path, or several
        Where parts were evaluated (`EvaluateConfig.out`), in any order.
    out : str or path
        Root of the merged results.
    benchmark : str or path, optional
        The benchmark that was scored; by default where the parts found it.

    Returns
    -------
    tuple of SavedResult
        One for each model and benchmark. Where all parts had one directory, the last of them has written the
        result, and it is only read.

    Raises
    ------
    ConfigError
        If no directory is given, or `benchmark` is another one.
    ResultError
        If a part is missing or unfinished, parts are of different evaluations, or two of them have other
        predictions of a cell.
    ManifestError
        If the benchmark is missing or damaged.
    """
    roots = list(dict.fromkeys(as_path(each, "directory") for each in several(directories)))
    root = as_path(out, "out")
    if not roots:
        raise ConfigError("no directory of parts is given: give one or more")
    found = find_parts(roots)
    if not found:  # the last part has finished them
        return tuple(read_saved(file.parent) for each in roots for file in result_files(each))
    return tuple(_merge(root / name.parent.parent, parts, benchmark) for name, parts in sorted(found.items()))


def _merge(root: Path, parts: Sequence[FoundParts], benchmark: StrPath | None) -> SavedResult:
    first = parts[0]
    job = _job(root, first, benchmark)
    with contextlib.ExitStack() as locks:
        folder = locks.enter_context(open_result_folder(root, first.run, wait_s=_WAIT_S))
        for part in parts:
            if not _same(part.folder, folder.path):
                locks.enter_context(locked_result(part.folder, wait_s=_WAIT_S))
        swept = _swept(folder.path, first)
        missing = State(folder=folder, swept=swept).unfinished(job.cells)
        _require_all(job, parts, {*missing}.difference(*map(_cells_of, parts)))
        for part in parts:
            _take(folder, swept, part)
    with open_result_folder(root, first.run, wait_s=_WAIT_S) as folder:
        state = State(folder=folder, swept=_swept(folder.path, first))
        here = first.environment or environment_of(None, 1)
        outcome = Outcome(job=job, plugins=first.parted.plugins, marks=first.parted.marks)
        return outcome.finish(state, here)


def _job(root: Path, part: FoundParts, benchmark: StrPath | None) -> Job:
    asked, run = part.parted, part.run
    place = asked.benchmark if benchmark is None else str(benchmark)
    if benchmark is None and Path(place).is_absolute() and not Path(place).exists():
        raise ResultError(
            f"the benchmark that {part.folder} was scored on is not at {place}",
            remedy=Remedy("name it with {benchmark}"),
        )
    job = Job.of(
        place,
        asked.scope.datasets,
        run.split,
        baseline=asked.baseline,
        metrics=chosen_metrics(asked.metrics),
        resampling=asked.resampling,
        out=root,
        limit=asked.limit,
    )
    if job.described.fingerprint != run.benchmark.fingerprint:
        raise ConfigError(
            f"{place} has the fingerprint {job.described.fingerprint[:12]}, and {part.folder} was scored on "
            f"{run.benchmark.fingerprint[:12]}",
            remedy=Remedy("name the benchmark that was scored with {benchmark}"),
        )
    return job


def _cells_of(part: FoundParts) -> frozenset[SetKey]:
    """Return the cells that a folder holds; with a sweep over prompts, those that were swept."""
    there = UnfinishedCells(part.folder).saved()
    swept = _swept(part.folder, part)
    return there if swept is None else there & swept.finished


def _swept(folder: Path, part: FoundParts) -> SweptFolder | None:
    return None if part.parted.wordings is None else SweptFolder(folder, part.run, part.parted.wordings)


def _require_all(job: Job, parts: Sequence[FoundParts], cells: Set[SetKey]) -> None:
    """Raise ResultError, naming the parts of the cells that are missing, if there are any."""
    of = parts[0].parted.of
    rows = {key: job.benchmark.record(key).rows for key in job.cells}
    if missing := [number for number in range(1, of + 1) if cells & {*dealt(rows, number, of)}]:
        shown = ", ".join(map(str, missing[:_SHOWN])) + ", …" * (len(missing) > _SHOWN)
        raise ResultError(
            f"{len(missing)} of the {of} parts of the evaluation of {parts[0].run.who} are missing or not "
            f"finished ({shown})",
            remedy=[Remedy("evaluate them"), Remedy("give their directories, too")],
        )


def _take(folder: ResultFolder, swept: SweptFolder | None, part: FoundParts) -> None:
    """Copy the cells of a part that are not in the result's folder yet; compare the others."""
    if _same(part.folder, folder.path):
        return
    if part.environment is not None:
        folder.add_environment(part.environment)
    cells, theirs = UnfinishedCells(part.folder), _swept(part.folder, part)
    for key in sorted(cells.saved()):
        cell = cells.load(key)
        if not folder.has(key):
            folder.save(cell)
        elif folder.read(key).digest != cell.digest:
            raise ResultError(
                f"{part.folder} has other predictions of {key} than another part",
                remedy=Remedy("evaluate one of them again, and leave out the other"),
            )
    for swept_cell in theirs.load() if swept is not None and theirs is not None else ():
        if swept is not None and not swept.has(swept_cell.key):
            swept.save(swept_cell)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()
