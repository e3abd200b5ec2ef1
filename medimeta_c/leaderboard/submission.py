"""The submission contract: the content of ``submission.yaml``, and its place in the board's repository.

::

    results/<organisation>/<name>/<fingerprint12>/
      submission.yaml        who, what, trained on what
      result.json            the numbers
      predictions.parquet    every row, from which each number can be computed again
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from medimeta_c.errors import ConfigError, Remedy, ResultError
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Document, Record, Since, write_record
from medimeta_c.io.text import flaw_of_text
from medimeta_c.leaderboard.fields import ADAPTATIONS, OVERLAPS, TRAINING_KINDS, blanks_sentence
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.predictions import PREDICTIONS_NAME
from medimeta_c.results.result import RESULT_NAME

__all__ = [
    "ADAPTATIONS",
    "FILES",
    "OVERLAPS",
    "SUBMISSION_NAME",
    "TRAINING_KINDS",
    "Statements",
    "Submission",
    "TrainingData",
    "described",
    "read_submission",
    "renamed",
    "slug",
    "submission_path",
    "write_submission",
]

SUBMISSION_NAME = "submission.yaml"
FILES = (SUBMISSION_NAME, RESULT_NAME, PREDICTIONS_NAME)
"""What a submission consists of; nothing else is part of it."""

MAX_BYTES = 64 << 10
_REMEDY = "docs/leaderboard.md shows what it must hold"


def _shown(text: str) -> str:
    flaw = flaw_of_text(" ".join(text.split()))
    if flaw:
        raise ValueError(flaw)
    return " ".join(text.split())


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


Line = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_shown)]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_day)]
Paragraph = Annotated[str, Field(min_length=20, max_length=2000), AfterValidator(_shown)]
Url = Annotated[
    str,
    Field(
        pattern=r"^https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[\w.~:/?#@!$&*+,;=%()-]*)?$", max_length=400
    ),
]


class TrainingData(Record):
    """What the weights have seen.

    Attributes
    ----------
    kind : str
        One of `TRAINING_KINDS`.
    description : str
        The data's names, in a line.
    overlap : str
        One of `OVERLAPS`: what of the benchmark's sources was trained on.
    statement : str
        The same in words: how it was checked, or why it is not known.
    """

    kind: Literal["general", "medical", "general-and-medical"]
    description: Line
    overlap: Literal["none", "train", "test", "unknown"]
    statement: Paragraph


class Statements(Record):
    """What every submission must declare.

    Attributes
    ----------
    not_chosen_on_test : bool
        Neither weights nor checkpoints, prompts or settings were chosen by results on the test split.
    may_be_published : bool
        The predictions may be published with the board.
    """

    not_chosen_on_test: Literal[True]
    may_be_published: Literal[True]


class Submission(Document):
    """What ``submission.yaml`` holds.

    Attributes
    ----------
    name, organisation : str
        The model as the board shows it, and who made it. The two together are its place on the board.
    contact : str
        A mail address or web address for questions. It is in the repository, not on the page.
    third_party : bool
        Whether it is submitted by others than those who made the model; `submitted_by` then says by whom.
    backbone : str
        The image encoder, e.g. ``"ViT-B/16"``.
    adaptation : str
        One of `ADAPTATIONS`.
    code, paper, model : str or None
        Web addresses; at least one of code and paper is there.
    date : str or None
        The day of the evaluation, as ``YYYY-MM-DD``.
    trained_on : tuple of str
        Names of the data that the weights were trained on; required of a classifier, and of a trained head.
    """

    name: Line
    organisation: Line
    contact: Line
    third_party: bool
    submitted_by: Line | None = None
    backbone: Line
    adaptation: Literal["base", "few-shot", "fine-tuned"]
    training_data: TrainingData
    code: Url | None = None
    paper: Url | None = None
    model: Url | None = None
    notes: Paragraph | None = None
    statements: Statements
    date: Annotated[Date | None, Since(2)] = None
    trained_on: Annotated[tuple[Line, ...], Since(2)] = ()

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Submission:
        if self.code is None and self.paper is None:
            raise ValueError("neither code nor paper is given: readers need one to know what was run")
        if self.third_party and self.submitted_by is None:
            raise ValueError("third_party is true, but submitted_by is missing")
        if not self.third_party and self.submitted_by is not None:
            raise ValueError(
                "submitted_by is given, but third_party is false: give it only for a third party"
            )
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+|https://\S+", self.contact):
            raise ValueError("contact is neither a mail address nor a web address (https://)")
        if self.adapted and self.training_data.overlap == "none":
            raise ValueError(
                f"adaptation is {self.adaptation}, which uses the benchmark's training images, but "
                "training_data.overlap is none"
            )
        return self

    @property
    def adapted(self) -> bool:
        """Whether it was trained on the benchmark's training images."""
        return self.adaptation != "base"

    @property
    def problem_of_date(self) -> str | None:
        """Why its date cannot be: it is more than a day ahead of this machine's; None if it can."""
        latest = datetime.now(timezone.utc).date() + timedelta(
            days=1
        )  # it may be tomorrow already where it was made
        if self.date is None or self.date <= latest.isoformat():
            return None
        return f"its date, {self.date}, is in the future: give the day of the evaluation"


def read_submission(path: Path) -> Submission:
    """Read and check a ``submission.yaml``, or that of a folder.

    Raises
    ------
    ResultError
        If it is missing, too large, not YAML, has duplicate keys, a blank, or an invalid value.
    """
    file = path / SUBMISSION_NAME if path.is_dir() else path

    def filled_in(values: Any) -> None:
        if sentence := blanks_sentence(values):
            raise ResultError(f"{file}: {sentence}")

    return Reader(remedy=_REMEDY, max_bytes=MAX_BYTES).read(file, Submission, check=filled_in)


def described(given: Mapping[str, str], *, declared: bool) -> Submission:
    """Return the submission that single values describe.

    Parameters
    ----------
    given : mapping of str to str
        Fields of `Submission` and `TrainingData` by name.
    declared : bool
        Whether both `Statements` are made.

    Raises
    ------
    ConfigError
        If a field is missing or not valid; the message names the first.
    """
    training = {key: given[key] for key in TrainingData.model_fields if key in given}
    values: dict[str, Any] = {
        **{key: value for key, value in given.items() if key not in training},
        "third_party": "submitted_by" in given,
        "training_data": training,
        "statements": {"not_chosen_on_test": declared, "may_be_published": declared},
    }
    if "trained_on" in given:
        values["trained_on"] = tuple(name.strip() for name in given["trained_on"].split(","))
    return _checked(values)


def renamed(submission: Submission, name: str) -> Submission:
    """Return a submission under another name on the board.

    Raises
    ------
    ConfigError
        If the name is not valid.
    """
    return _checked({**submission.model_dump(), "name": name})


def _checked(values: Mapping[str, Any]) -> Submission:
    try:
        return Submission.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "description"
        if "statements" in first["loc"]:
            raise ConfigError(
                "the two declarations are missing",
                remedy=Remedy("read them in the help, and give {declare}", declare=True),
            ) from error
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"the {where} of the submission is not valid: {message}; see the help") from error


def write_submission(path: Path, submission: Submission) -> None:
    """Write a ``submission.yaml`` atomically."""
    write_record(path, submission, comment="A submission to the MediMeta-C leaderboard.")


def slug(text: str) -> str:
    """Return a name as a folder: ASCII lower case and dashes.

    Examples
    --------
    >>> slug("BiomedCLIP (ensemble prompts)"), slug("Université de Genève")
    ('biomedclip-ensemble-prompts', 'universite-de-geneve')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    short = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    # A name in another script still gets a folder of its own.
    return short or "u-" + text.encode().hex()[:40]


def submission_path(submission: Submission, run: RunIdentity) -> str:
    """Return the folder of a submission in the board's repository, with forward slashes."""
    return f"results/{slug(submission.organisation)}/{slug(submission.name)}/{run.benchmark.fingerprint[:12]}"
