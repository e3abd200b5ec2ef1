"""A reader study: its trials, which the page asks and only the study file explains."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from medimeta_c.errors import ResultError
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Count, Document, Name, Record, Sha256, Text, canonical_json, dump

__all__ = [
    "MOST_TRIALS",
    "QUESTIONS",
    "Question",
    "Side",
    "Study",
    "Trial",
    "TrialName",
    "read_study",
    "trial_name",
]

Question = Literal["compare", "read"]
QUESTIONS: tuple[Question, ...] = ("compare", "read")
"""Which of two images is worse, and whether one image can still be read."""

Side = Literal["left", "right"]
TrialName = Annotated[str, Field(pattern=r"^t[0-9]{4}$")]

MOST_TRIALS = 2000
"""In one study: some hours of work for a reader."""


class Trial(Record):
    """One question about one image.

    Attributes
    ----------
    trial : str
        Its name in the page and in the answers, which says nothing about it.
    question : {"compare", "read"}
        What is asked.
    dataset, corruption, severity, image_id
        What is shown; severity 0, clean, for a trial without corruption. A comparison shows the clean image
        beside it.
    worse : {"left", "right"} or None
        Where a comparison shows the corrupted image; None where there is none.
    """

    trial: TrialName
    question: Question
    dataset: Name
    corruption: Name
    severity: Annotated[int, Field(ge=0, le=5)]
    image_id: Text
    worse: Side | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Trial:
        if (self.corruption == CLEAN) != (self.severity == 0):
            raise ValueError(f"{self.trial} has severity {self.severity} of {self.corruption}")
        if (self.worse is None) == (self.question == "compare" and not self.is_catch):
            raise ValueError(f"{self.trial} does not fit its side")
        return self

    @property
    def is_catch(self) -> bool:
        """Whether nothing shown is corrupted."""
        return self.severity == 0


class Study(Document):
    """What a page was made from; whoever has it can tell right answers from wrong ones.

    Attributes
    ----------
    package_version : str
        The version that made it.
    benchmark, fingerprint, split
        Title and fingerprint of the benchmark whose images are shown, and their split.
    phantoms : tuple of str
        Datasets of it that are generated, not medical.
    seed : int
        Seed of the choice and order of the trials.
    trials : tuple of Trial
        In the order in which they are asked.
    """

    package_version: Text
    benchmark: Text
    fingerprint: Sha256
    split: Name
    phantoms: tuple[Name, ...]
    seed: Count
    trials: Annotated[tuple[Trial, ...], Field(min_length=1, max_length=MOST_TRIALS)]

    @model_validator(mode="after")
    def _names_are_numbers(self) -> Study:
        if [one.trial for one in self.trials] != list(map(trial_name, range(len(self.trials)))):
            raise ValueError("its trials are not numbered from t0001 on")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of everything in it; page and answers name the study by it."""
        return hashlib.sha256(canonical_json(dump(self)).encode()).hexdigest()

    def key(self, trial: Trial) -> SetKey:
        """Return the set that a trial's image is of."""
        return SetKey(trial.dataset, self.split, trial.corruption, trial.severity)

    def clean_key(self, trial: Trial) -> SetKey:
        """Return the set of the clean image that a comparison shows beside it."""
        return SetKey(trial.dataset, self.split, CLEAN, 0)


def trial_name(index: int) -> str:
    """Return the name of the trial at an index.

    Examples
    --------
    >>> trial_name(0)
    't0001'
    """
    return f"t{index + 1:04d}"


def read_study(path: Path) -> Study:
    """Read a study file.

    Raises
    ------
    ResultError
        If it is missing, damaged or something else.
    """
    remedy = "give the .study.json that was written beside the page"
    return Reader(remedy=remedy, error=ResultError, max_bytes=2 << 20).read(path, Study)
