"""What the answers of readers say: records of agreement and thresholds, with intervals or reasons."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from medimeta_c.io.records import Count, Document, Name, Record, Sha256, Text
from medimeta_c.metrics.resampling import Resampling
from medimeta_c.metrics.values import Estimate, Number
from medimeta_c.readers.study import Question

__all__ = ["AgreementScores", "CorruptionScores", "Point", "ReaderRow", "ReaderScores"]


class Point(Record):
    """What all readers answered at one severity of a corruption.

    Attributes
    ----------
    severity : int
        1 to 5; 0 is without corruption.
    answers, positive : int
        Answers, and how many were right (of a comparison) or yes (can be read).
    """

    severity: Annotated[int, Field(ge=0, le=5)]
    answers: Count
    positive: Count


class CorruptionScores(Record):
    """One corruption.

    Attributes
    ----------
    corruption : str
        Its name.
    noticeable : Estimate
        Severity at which the worse image is recognised in three of four comparisons.
    readable : Estimate
        Severity at which half of the images can still be read.
    compared, read : tuple of Point
        The answers behind them, by severity.
    """

    corruption: Name
    noticeable: Estimate
    readable: Estimate
    compared: tuple[Point, ...]
    read: tuple[Point, ...]


class AgreementScores(Record):
    """How far readers agree about one question.

    Attributes
    ----------
    question : {"compare", "read"}
        The question; of comparisons, those of a corrupted image.
    trials : int
        Trials that at least two readers answered.
    equal : Estimate
        Share of pairs of answers that are equal.
    alpha : Estimate
        Krippendorff's alpha: 1 is agreement, 0 what chance would give.
    """

    question: Question
    trials: Count
    equal: Estimate
    alpha: Estimate


class ReaderRow(Record):
    """One reader.

    Attributes
    ----------
    reader : str
        What the reader is called.
    answers : int
        Trials answered.
    right : Number
        Share of comparisons of a corrupted image that are right.
    false_alarms : Number
        Share of images without corruption that, the reader says, cannot be read.
    seconds : float
        Median time of an answer.
    shrunk : int
        Answers to images that the screen showed with fewer pixels than they have.
    """

    reader: Text
    answers: Count
    right: Number
    false_alarms: Number
    seconds: float
    shrunk: Count


class ReaderScores(Document):
    """What the answers of readers to one study say.

    Attributes
    ----------
    study, benchmark, fingerprint
        Digest of the study; title and fingerprint of the benchmark.
    phantoms : tuple of str
        Datasets shown whose images are generated, not medical.
    resampling : Resampling
        How intervals are made.
    readers : tuple of ReaderRow
        In the order of the files.
    agreement : tuple of AgreementScores
        By question.
    false_alarms : Estimate
        Over all readers.
    left : Estimate
        Share of comparisons of two equal images answered with *left*: 0.5 without a habit.
    corruptions : tuple of CorruptionScores
        By corruption.
    """

    study: Sha256
    benchmark: Text
    fingerprint: Sha256
    phantoms: tuple[Name, ...]
    resampling: Resampling
    readers: tuple[ReaderRow, ...]
    agreement: tuple[AgreementScores, ...]
    false_alarms: Estimate
    left: Estimate
    corruptions: tuple[CorruptionScores, ...]
