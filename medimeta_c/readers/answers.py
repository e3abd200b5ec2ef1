"""Read the answers that readers export, and check them against their study."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from medimeta_c.errors import ResultError, printable, short
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Document, Record, Sha256, Text
from medimeta_c.readers.study import MOST_TRIALS, QUESTIONS, Question, Study, TrialName

__all__ = ["MOST_LETTERS", "MOST_READERS", "WORDS", "Answer", "Answers", "read_answers"]

WORDS: dict[Question, tuple[str, str]] = dict(zip(QUESTIONS, (("left", "right"), ("yes", "no")), strict=True))
"""The answers to each question."""

MOST_LETTERS = 40
"""Of a reader's name."""

MOST_READERS = 200
_MOST_BYTES = 1 << 20


class Answer(Record):
    """What a reader said of one trial.

    Attributes
    ----------
    trial : str
        Its name in the study.
    answer : str
        ``"left"`` or ``"right"`` is worse; ``"yes"``, it can still be read, or ``"no"``.
    seconds : float
        From the images' appearance to the answer.
    scale : float
        Pixels of the screen for one of the image, in each direction; below 1 the image was shrunk.
    """

    trial: TrialName
    answer: Literal["left", "right", "yes", "no"]
    seconds: Annotated[float, Field(ge=0, le=1e7)]
    scale: Annotated[float, Field(gt=0, le=1e4)]


class Answers(Document):
    """The file that the page exports.

    Attributes
    ----------
    kind : str
        What the file is.
    package_version : str
        The version that made the page.
    study : str
        Digest of the study.
    reader : str
        What the reader is called: free text, best initials or a pseudonym.
    answers : tuple of Answer
        In the order in which they were given; all, or the first ones.
    """

    kind: Literal["medimeta-c reader answers"]
    package_version: Text
    study: Sha256
    reader: Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
    answers: Annotated[tuple[Answer, ...], Field(min_length=1, max_length=MOST_TRIALS)]

    @model_validator(mode="after")
    def _says_each_once(self) -> Answers:
        if not _folded(self.reader):
            raise ValueError("the reader's name is blank")
        seen: set[str] = set()
        for one in self.answers:
            if one.trial in seen:
                raise ValueError(f"trial {one.trial} is answered twice")
            seen.add(one.trial)
        return self

    @property
    def shown_reader(self) -> str:
        """The reader's name as one printable line."""
        return printable(self.reader)


def read_answers(paths: Sequence[Path], study: Study) -> tuple[Answers, ...]:
    """Read the files that readers exported, one a reader.

    Raises
    ------
    ResultError
        If a file is damaged, is of another study, has a trial or an answer that the study does not have, or
        is by the reader of another one.
    """
    if len(paths) > MOST_READERS:
        raise ResultError(f"{len(paths)} files are more than {MOST_READERS}: give one a reader")
    reader = Reader(remedy="export the answers from the page again", max_bytes=_MOST_BYTES)
    questions = {one.trial: one.question for one in study.trials}
    found: dict[str, tuple[Path, Answers]] = {}
    for path in paths:
        answers = reader.read(path, Answers)
        _check(answers, path, study, questions)
        name = _folded(answers.reader)
        if name in found:
            raise ResultError(
                f"{path} and {found[name][0]} are both by the reader {short(answers.reader)}: give one of "
                "them, or the second person another name"
            )
        found[name] = path, answers
    return tuple(answers for _, answers in found.values())


def _check(answers: Answers, path: Path, study: Study, questions: dict[str, Question]) -> None:
    if answers.study != study.digest:
        raise ResultError(
            f"{path} has answers to another study ({answers.study[:12]}, not {study.digest[:12]}): give the "
            "study file that was written beside its page"
        )
    for one in answers.answers:
        if one.trial not in questions:
            raise ResultError(
                f"{path} has an answer to {one.trial}, which the study does not ask: export the answers again"
            )
        words = WORDS[questions[one.trial]]
        if one.answer not in words:
            raise ResultError(
                f"{path} answers {one.trial} with {one.answer!r}, which asks for {' or '.join(words)}: "
                "export the answers again"
            )


def _folded(name: str) -> str:
    """Return a reader's name without the differences that people do not see."""
    return printable(unicodedata.normalize("NFKC", name)).casefold()
