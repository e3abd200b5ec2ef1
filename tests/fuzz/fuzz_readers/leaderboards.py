"""Readers of what is sent to a leaderboard, and of studies with readers."""

from __future__ import annotations

from pathlib import Path

from fuzz_readers.entry import BOARD, calls, entry


def _submission(root: Path) -> None:
    from medimeta_c.leaderboard.submission import read_submission

    read_submission(root / f"{BOARD}/submission.yaml")


def _inspected(root: Path) -> None:
    from medimeta_c.leaderboard.inspection import check_predictions_file, check_result
    from medimeta_c.results.result import read_result

    result = read_result(root / BOARD)
    check_result(result)
    check_predictions_file(root / f"{BOARD}/predictions.parquet", result)


def _answers(root: Path) -> None:
    from medimeta_c.readers.answers import read_answers
    from medimeta_c.readers.study import read_study

    read_answers([root / "study/answers.json"], read_study(root / "study/mine.study.json"))


READERS = (
    entry(
        "submission",
        "yaml",
        f"{BOARD}/submission.yaml",
        _submission,
        also=("texts/submission-*.yaml",),
        code={"leaderboard.submission": "read_submission Submission._parts_fit_together _shown _day"},
    ),
    entry(
        "accepted",
        "yaml",
        "leaderboard/accepted.yaml",
        calls("leaderboard.accepted:read_accepted", "leaderboard/accepted.yaml"),
        code={"leaderboard.accepted": "read_accepted Accepted._each_once"},
    ),
    entry(
        "board-predictions",
        "parquet",
        f"{BOARD}/predictions.parquet",
        _inspected,
        code={"leaderboard.inspection": "check_predictions_file _check_schema _claimed _unfolded"},
    ),
    entry(
        "board-result",
        "json",
        f"{BOARD}/result.json",
        _inspected,
        also=("formats/results/*/result.json", "formats/leaderboard/results/*/*/*/result.json"),
        code={"leaderboard.inspection": "check_result _check_names _texts"},
    ),
    entry(
        "study",
        "json",
        "study/mine.study.json",
        calls("readers.study:read_study", "study/mine.study.json"),
        code={"readers.study": "read_study Study._names_are_numbers Trial._is_consistent"},
    ),
    entry(
        "reader-answers",
        "json",
        "study/answers.json",
        _answers,
        code={"readers.answers": "read_answers Answers._says_each_once _check"},
    ),
)
