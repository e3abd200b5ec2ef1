"""Check one submission: nothing it states is believed, everything is computed again from its predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from medimeta_c.benchmark import Benchmark
from medimeta_c.errors import MediMetaError, MissingExtraError, ResultError
from medimeta_c.files import sha256_file
from medimeta_c.leaderboard.accepted import Accepted, label_digest
from medimeta_c.leaderboard.inspection import (
    check_files,
    check_predictions_file,
    check_result,
    stray_files,
)
from medimeta_c.leaderboard.submission import Submission, read_submission, submission_path
from medimeta_c.leaderboard.tree import ROOT
from medimeta_c.metrics.baselines import PUBLISHED, published_baseline
from medimeta_c.recordfile import canonical_json
from medimeta_c.records import SetKey
from medimeta_c.results.folder import PREDICTIONS_NAME, SavedResult, read_saved
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.recomputation import check_rows, disagreements, rescore
from medimeta_c.results.result import RESULT_NAME, BaselineRecord, Result, read_result
from medimeta_c.results.score_records import Estimate, Scores

__all__ = ["Finding", "Terms", "check_submission", "load_submission", "run_digest"]

_SHOWN = 3
_INTERVAL_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What submissions are held against.

    Parameters
    ----------
    accepted : Accepted, optional
        The benchmarks that are accepted.
    benchmark : Benchmark, optional
        The benchmark itself; its images and labels must be the submission's.
    """

    accepted: Accepted | None = None
    benchmark: Benchmark | None = None


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
    run_digest : str or None
        Equal for two submissions of the same run.
    predictions_sha256 : str or None
        Of the file; equal for two submissions of the same answers.
    unchanged : bool
        Whether it is an entry of the board as it stands there, which was not checked again.
    """

    folder: Path
    place: str | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    run_digest: str | None = None
    predictions_sha256: str | None = None
    unchanged: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing stands against it."""
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


def check_submission(folder: Path, terms: Terms, root: Path | None = None) -> Finding:
    """Check one submission against everything but the others.

    Parameters
    ----------
    folder : Path
        Where it is.
    terms : Terms
        What it is held against.
    root : Path, optional
        The tree it lies in: it must be at its place there, with no other file beside.
    """
    try:
        submission, result = _read_description(folder)
    except MediMetaError as error:
        return Finding(folder=folder, problems=(str(error),))
    place = submission_path(submission, result.run)
    problems = [] if root is None else list(_placement(folder, root, place))
    finding = Finding(folder=folder, place=place, run_digest=run_digest(result))
    try:
        # First: an accepted benchmark bounds how many predictions there are to read.
        _complete(result)
        _accepted(result, terms)
        saved = _read_predictions(folder, result)
    except MediMetaError as error:
        return replace(finding, problems=(*problems, str(error)))
    for check in (_rows, _baseline, _numbers):
        try:
            check(saved, terms)
        except MissingExtraError:
            raise
        except MediMetaError as error:
            problems.append(str(error))
    return replace(
        finding,
        problems=tuple(problems),
        notes=tuple(_notes(submission, saved, terms)),
        predictions_sha256=sha256_file(folder / PREDICTIONS_NAME),
    )


def _placement(folder: Path, root: Path, place: str) -> Iterator[str]:
    parts, whole = tuple(place.split("/")), folder.resolve().parts
    # Of a board, also no deeper; of a part of one, what can be told from the path's end.
    start = len(root.resolve().parts) - 1 if root.resolve().name == ROOT else -len(parts)
    if whole[start:] != parts:
        yield f"{folder} is not where it belongs: its name, organisation and fingerprint say {place}"
    strays = stray_files(folder)
    if strays:
        yield f"{folder} also holds {', '.join(strays[:_SHOWN])}, no part of a submission: remove it"


def _complete(result: Result) -> None:
    lacking = [*result.missing, *result.invalid]
    if lacking:
        raise ResultError(
            f"{len(lacking)} cells are missing or hold NaN or infinity (first {lacking[0]}): a board takes "
            "whole results only"
        )


def _accepted(result: Result, terms: Terms) -> None:
    for entry in result.run.benchmark.datasets:
        if terms.accepted is not None:
            problem = terms.accepted.find(entry.dataset, entry.fingerprint).problem_of(result)
            if problem:
                raise ResultError(problem)
        if terms.benchmark is not None:
            record = terms.benchmark.dataset(entry.dataset)
            if record.fingerprint != entry.fingerprint or record.class_names != entry.class_names:
                raise ResultError(
                    f"{entry.dataset} has the fingerprint {entry.fingerprint[:12]}, {terms.benchmark.name} "
                    f"has {record.fingerprint[:12]}: evaluate on that benchmark"
                )


def _rows(saved: SavedResult, terms: Terms) -> None:
    """Check that images and labels are the benchmark's, or at least the same in every cell of a dataset."""
    _check_one_truth(saved.predictions)
    for entry in saved.result.run.benchmark.datasets:
        if terms.accepted is not None:
            terms.accepted.find(entry.dataset, entry.fingerprint).check_labels(saved.predictions)
    if terms.benchmark is not None:
        check_rows(saved.predictions, terms.benchmark)


def _check_one_truth(cells: Mapping[SetKey, CellPredictions]) -> None:
    first: dict[str, tuple[SetKey, str]] = {}
    for key, cell in cells.items():
        digest = label_digest(cell.image_ids, cell.labels.tolist())
        other, expected = first.setdefault(key.dataset, (key, digest))
        if digest != expected:
            raise ResultError(
                f"{key} has other image ids or labels than {other}: all sets of a dataset are renderings of "
                "the same images"
            )


def _baseline(saved: SavedResult, terms: Terms) -> None:
    """Check that what calls itself the published baseline is that."""
    record = saved.result.baseline
    if record is None or (record.name != PUBLISHED and record.measured_on_these_shards):
        return
    expected = BaselineRecord.of(published_baseline(), saved.result.scope.scope(), paired=False)
    if record.grids != expected.grids or record.measured_on_these_shards:
        raise ResultError(
            "the figures of its published baseline are not the published ones: evaluate with an unchanged "
            "package"
        )


def _numbers(saved: SavedResult, terms: Terms) -> None:
    computed = rescore(saved.result, saved.predictions)
    wrong = [*disagreements(saved.result.scores, computed), *_wrong_intervals(saved.result, computed)]
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ResultError(
            f"{len(wrong)} numbers of {RESULT_NAME} do not follow from {PREDICTIONS_NAME}: "
            f"{'; '.join(wrong[:_SHOWN])}{more}"
        )


def _wrong_intervals(result: Result, computed: Scores) -> list[str]:
    """Return the intervals that cannot have come from these predictions.

    NumPy promises the same resamples within one version only, and a paired baseline's images are not part of
    a result: elsewhere intervals are not compared. The board shows its own in any case.
    """
    paired = result.baseline is not None and result.baseline.paired
    if result.resampling.numpy != np.__version__ or paired:
        return []
    claimed, ours = _estimates(result.scores), _estimates(computed)
    return [
        f"the interval of {name} is [{one.low}, {one.high}], recomputed [{ours[name].low}, {ours[name].high}]"
        for name, one in claimed.items()
        if not (_close(one.low, ours[name].low) and _close(one.high, ours[name].high))
    ]


def _estimates(scores: Scores) -> dict[str, Estimate]:
    found = {f"top1 of {cell.key}": cell.top1 for cell in scores.cells}
    for owner, part in (*scores.datasets.items(), ("all datasets", scores.overall)):
        for name in ("clean_accuracy", "average_accuracy", "clean_error", "mce", "relative_mce"):
            found[f"{name} of {owner}"] = getattr(part, name)
    return found


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=_INTERVAL_TOLERANCE)


def _notes(submission: Submission, saved: SavedResult, terms: Terms) -> Iterator[str]:
    if submission.third_party:
        yield f"a third party submits it: {submission.submitted_by}"
    if submission.training_data.overlap in ("test", "unknown"):
        yield f"overlap of its training data with the benchmark: {submission.training_data.overlap}"
    if terms.accepted is None and terms.benchmark is None:
        yield "fingerprints and labels were not held against a benchmark: give --accepted or --benchmark"
    if saved.result.phantoms:
        yield f"{', '.join(saved.result.phantoms)}: phantoms, not medical images"
    certain = [
        key for key, cell in saved.predictions.items() if np.isin(cell.probabilities, (0.0, 1.0)).all()
    ]
    if certain:
        yield f"{len(certain)} cells hold only the probabilities 0 and 1: decisions, not probabilities"


def run_digest(result: Result) -> str:
    """Return a text that two results share exactly if they are of the same run."""
    run = result.run
    parts = (
        run.model.weights_sha256,
        run.benchmark.fingerprint,
        run.split,
        run.prompts.digest,
        run.precision,
        canonical_json(run.preprocessing),
    )
    return "|".join(parts)
