"""Check one submission: recompute every number from its predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from medimeta_c.errors import MediMetaError, MissingExtraError, ResultError
from medimeta_c.io.records import canonical_json
from medimeta_c.io.text import counted
from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.answers import check_one_truth, check_renderings_differ, decided
from medimeta_c.leaderboard.inspection import (
    check_files,
    check_predictions_file,
    check_result,
    stray_files,
)
from medimeta_c.leaderboard.lookalikes import Named, oddities
from medimeta_c.leaderboard.submission import SUBMISSION_NAME, Submission, read_submission, submission_path
from medimeta_c.leaderboard.tree import ROOT
from medimeta_c.metrics.baselines import PUBLISHED, published_baseline
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.predictions import PREDICTIONS_NAME
from medimeta_c.results.recomputation import disagreements, rescore
from medimeta_c.results.result import RESULT_NAME, Result, read_result

__all__ = ["Finding", "check_submission", "found_of", "load_submission"]

_SHOWN = 3
_SAME_RUN = ("architecture", "revision", "prompts", "package version")
"""What two submissions of one run may state differently: weights and prompts are known by their digests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one submission.

    Parameters
    ----------
    folder : Path
        Where it is.
    place : str or None
        Where it belongs in the board's repository; None if it could not be read that far.
    problems : tuple of str
        Why it cannot be taken, a sentence each; empty if it can.
    notes : tuple of str
        What a maintainer should know.
    warnings : tuple of str
        What a maintainer should look at: names that can be taken for others.
    named : Named or None
        What the board would show as its identity.
    run_digest : str or None
        Equal for two submissions of the same run.
    fingerprints : frozenset of str
        Of the datasets scored.
    answers : frozenset of str
        A digest of each cell's predictions, whatever the order of its rows and the form of the file.
    unchanged : bool
        Whether it is an entry of the board as it stands there, which was not checked again.
    """

    folder: Path
    place: str | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    named: Named | None = None
    run_digest: str | None = None
    fingerprints: frozenset[str] = frozenset()
    answers: frozenset[str] = frozenset()
    unchanged: bool = False

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


def load_submission(folder: Path) -> tuple[Submission, SavedResult]:
    """Read a submission of which only the form is checked: files, schema, counts, names.

    Raises
    ------
    ResultError
        If a file is missing, too large, a link, damaged or not valid.
    """
    submission, result = _read_description(folder)
    return submission, _read_predictions(folder, result)


def _read_description(folder: Path) -> tuple[Submission, Result]:
    check_files(folder)
    submission = read_submission(folder)
    result = read_result(folder)
    check_result(result)
    return submission, result


def _read_predictions(folder: Path, result: Result) -> SavedResult:
    check_predictions_file(folder / PREDICTIONS_NAME, result)
    return read_saved(folder)


def found_of(folder: Path, submission: Submission, result: Result) -> Finding:
    """Return what identifies a submission among others, by its own account."""
    return Finding(
        folder=folder,
        place=submission_path(submission, result.run),
        named=Named(name=submission.name, organisation=submission.organisation),
        run_digest=_run_digest(result),
        fingerprints=frozenset(entry.fingerprint for entry in result.run.benchmark.datasets),
        answers=frozenset(cell.predictions_sha256 for cell in result.scores.cells),
    )


def check_submission(folder: Path, accepted: Accepted | None, root: Path | None = None) -> Finding:
    """Check one submission against everything but the others.

    Parameters
    ----------
    folder : Path
        Where it is.
    accepted : Accepted or None
        The benchmarks that are accepted; None leaves fingerprints, grids and labels unchecked.
    root : Path, optional
        The tree it lies in: it must be at its place there, with no other file beside.
    """
    try:
        submission, result = _read_description(folder)
    except MediMetaError as error:
        return Finding(folder=folder, problems=(str(error),))
    finding = replace(found_of(folder, submission, result), warnings=tuple(_odd_letters(submission)))
    problems = [] if root is None else list(_placement(folder, root, str(finding.place)))
    problems += _unnamed_training(submission, result)
    problems += [submission.problem_of_date] if submission.problem_of_date else []
    try:
        # Checked first, because an accepted benchmark limits how many predictions have to be read.
        _complete(result)
        _check_accepted(result, accepted)
        saved = _read_predictions(folder, result)
    except MediMetaError as error:
        return replace(finding, problems=(*problems, str(error)))
    for check in (_check_rows, _check_answers, _check_baseline, _check_numbers):
        try:
            check(saved, accepted)
        except MissingExtraError:
            raise
        except MediMetaError as error:
            problems.append(str(error))
    notes = tuple(_notes(submission, saved, accepted))
    return replace(finding, problems=tuple(problems), notes=notes)


def _placement(folder: Path, root: Path, place: str) -> Iterator[str]:
    parts, whole = tuple(place.split("/")), folder.resolve().parts
    # In a full tree compare the whole relative path, otherwise its suffix.
    start = len(root.resolve().parts) - 1 if root.resolve().name == ROOT else -len(parts)
    if whole[start:] != parts:
        yield f"{folder} is not where it belongs: its name, organisation and fingerprint say {place}"
    strays = stray_files(folder)
    if strays:
        yield f"{folder} also holds {', '.join(strays[:_SHOWN])}, not part of a submission: leave it out"


def _unnamed_training(submission: Submission, result: Result) -> Iterator[str]:
    if (result.run.outputs or result.run.head) and not submission.trained_on:
        yield (
            f"{SUBMISSION_NAME} does not say what its classifier was trained on: give the names of the data "
            "as trained_on (and schema_version: 2)"
        )


def _odd_letters(submission: Submission) -> Iterator[str]:
    for what in ("name", "organisation", "submitted_by", "backbone"):
        yield from oddities(getattr(submission, what) or "", what)


def _complete(result: Result) -> None:
    if result.is_trial:
        raise ResultError("it is a trial on a part of each split: a board takes whole results only")
    lacking = [*result.missing, *result.invalid]
    if lacking:
        raise ResultError(
            f"it lacks {counted(len(lacking), 'cell')}, missing or with NaN or infinity (first "
            f"{lacking[0]}): a board takes complete results only"
        )


def _check_accepted(result: Result, accepted: Accepted | None) -> None:
    if accepted is None:
        return
    for entry in result.run.benchmark.datasets:
        problem = accepted.find(entry.dataset, entry.fingerprint).problem_of(result)
        if problem:
            raise ResultError(problem)


def _check_rows(saved: SavedResult, accepted: Accepted | None) -> None:
    """Check that images and labels are the benchmark's, or at least the same in every cell of a dataset."""
    check_one_truth(saved.predictions)
    if accepted is None:
        return
    for entry in saved.result.run.benchmark.datasets:
        accepted.find(entry.dataset, entry.fingerprint).check_labels(saved.predictions)


def _check_answers(saved: SavedResult, accepted: Accepted | None) -> None:
    check_renderings_differ(saved.predictions)


def _check_baseline(saved: SavedResult, accepted: Accepted | None) -> None:
    """Check that a baseline named as the published one has the published figures."""
    record = saved.result.baseline
    if record is None or (record.name != PUBLISHED and record.measured_on_these_shards):
        return
    expected = published_baseline().for_scope(saved.result.scope)
    if record.grids != expected.grids or record.measured_on_these_shards:
        raise ResultError(
            "its published baseline differs from the published figures: evaluate with an unchanged package"
        )


def _check_numbers(saved: SavedResult, accepted: Accepted | None) -> None:
    result = saved.result
    # NumPy promises the same resamples within one version only, and neither a paired baseline's images nor
    # groups are part of a result: elsewhere intervals are not compared. The board shows its own in any case.
    paired = result.baseline is not None and result.baseline.paired
    plan = result.resampling
    comparable = plan.numpy == np.__version__ and not paired and not plan.grouped
    computed = rescore(result, saved.predictions)
    wrong = disagreements(result.scores, computed, intervals=comparable)
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ResultError(
            f"{RESULT_NAME} has {counted(len(wrong), 'number')} that {PREDICTIONS_NAME} does not give: "
            f"{'; '.join(wrong[:_SHOWN])}{more}"
        )


def _notes(submission: Submission, saved: SavedResult, accepted: Accepted | None) -> Iterator[str]:
    result = saved.result
    if submission.third_party:
        yield f"submitted by a third party: {submission.submitted_by}"
    if submission.training_data.overlap in ("test", "unknown"):
        yield f"overlap of its training data with the benchmark: {submission.training_data.overlap}"
    if seen := result.seen_in_training:
        yield f"trained on images with corruptions that it is scored on: {', '.join(seen)}"
    if result.run.model.family == "robustmedclip" and not submission.adapted:
        yield "a robustmedclip model is adapted to some datasets, but its adaptation is stated as base"
    if result.run.model.caution:
        yield result.run.model.caution.rstrip(".")
    if accepted is None:
        yield "fingerprints and labels were not compared with a benchmark, because none was given"
    if result.baseline is not None and result.baseline.name != PUBLISHED:
        yield (
            f"its CE and mCE are divided by {result.baseline.name}, the submitter's own baseline, whose "
            "figures cannot be checked here; a board uses its own baseline"
        )
    if result.phantoms:
        yield f"{', '.join(result.phantoms)}: phantoms, not medical images"
    certain = sum(decided(cell) for cell in saved.predictions.values())
    if certain:
        yield (
            f"{counted(certain, 'cell')} with only the probabilities 0 and 1, or none: decisions, not "
            "probabilities"
        )


def _run_digest(result: Result) -> str:
    """Return a text that two results share exactly if they are of the same run."""
    run = result.run
    settings = run.settings(run.scored)
    told_apart = {name: each for name, each in settings.items() if name not in _SAME_RUN}
    return canonical_json([run.benchmark.fingerprint, told_apart])
