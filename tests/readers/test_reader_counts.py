"""Counts of a few answers, by hand: what is right, a false alarm, shrunk, agreed on."""

from __future__ import annotations

import pytest
from simulated import study

from medimeta_c.metrics.resampling import Resampling
from medimeta_c.readers.answers import Answer, Answers
from medimeta_c.readers.scores import ReaderScores
from medimeta_c.readers.scoring import score_answers

ASKED = study(1, catch=2)
"""Reading at severities 1 to 5; comparing there, of which the first, third and fifth are worse on the right;
two images without corruption to read, and two pairs of equal images to compare."""

READ, COMPARED = ("yes", "yes", "no", "no", "no"), ("right", "left", "right", "right", "right")
FIRST = (*READ, *COMPARED, "yes", "no", "left", "left")
SECOND = ("yes", "yes", "yes", "no", "", *COMPARED[:4], "", "yes", "no", "right", "right")
"""The second reader left out the last of either and has another habit where both sides are equal."""


def said(reader: str, words: tuple[str, ...], scales: tuple[float, ...] = (2.0,) * 14) -> Answers:
    return Answers.model_validate(
        {
            "kind": "medimeta-c reader answers",
            "package_version": "0.2.0",
            "study": ASKED.digest,
            "reader": reader,
            "answers": tuple(
                Answer.model_validate(
                    {"trial": trial.trial, "answer": word, "seconds": float(second), "scale": scale}
                )
                for second, (trial, word, scale) in enumerate(zip(ASKED.trials, words, scales, strict=True))
                if word
            ),
        }
    )


def scored(*own: Answers) -> ReaderScores:
    return score_answers(ASKED, own, resampling=Resampling(resamples=100))


def test_a_readers_row() -> None:
    """Right of the comparisons with a corrupted image; shrunk only where a pixel had less than one."""
    (row,) = scored(said("a", FIRST, (0.5, 1.0, *(2.0,) * 12))).readers
    assert (row.right.value, row.false_alarms.value) == (0.8, 0.5)
    assert (row.answers, row.seconds, row.shrunk) == (14, 6.5, 1)


def test_points_and_habits() -> None:
    """Answers of all readers by severity; habits are those without corruption."""
    scores = scored(said("a", FIRST), said("b", SECOND))
    (one,) = scores.corruptions
    assert [(at.severity, at.answers, at.positive) for at in one.read] == [
        (1, 2, 2), (2, 2, 2), (3, 2, 1), (4, 2, 0), (5, 1, 0)
    ]  # fmt: skip
    assert [(at.severity, at.answers, at.positive) for at in one.compared] == [
        (1, 2, 2), (2, 2, 2), (3, 2, 2), (4, 2, 0), (5, 1, 1)
    ]  # fmt: skip
    assert (scores.false_alarms.value, scores.left.value) == (0.5, 0.5)
    assert scored(said("a", FIRST)).left.value == 1.0


def test_agreement_is_of_trials_that_two_answered_and_that_have_an_answer() -> None:
    """Neither a trial that one left out nor two equal images, of which neither is worse, count."""
    read, compared = (
        {one.question: one for one in scored(said("a", FIRST), said("b", SECOND)).agreement}[question]
        for question in ("read", "compare")
    )
    assert (compared.trials, compared.equal.value, compared.alpha.value) == (4, 1.0, 1.0)
    assert (read.trials, read.equal.value) == (6, pytest.approx(5 / 6))
