"""Records of an audit of the published MediMeta-C: its classes, its rows, and every file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from medimeta_c.io.records import Count, Document, Name, Record, Sha256, Text

__all__ = ["Audit", "DatasetAudit", "FileAudit", "LabelRow", "Moments", "SplitRow"]

_FOLLOWING = 0.5  # by chance it is one in twenty
_EQUAL = 0.99  # another machine's exponential moves single values of a motion blur by one level
_NOISE = 0.03  # of the deviation; what a few images' noise varies by
_CORRELATION = 0.05

Share = Annotated[float, Field(ge=0, le=1)]


class LabelRow(Record):
    """One label of the npz files, and the class it stands for.

    Attributes
    ----------
    label : int
        The npz files' number.
    class_name : str
        What the benchmark calls it.
    medimeta_label : int or None
        MedIMeta's number of the class that the label's images have; None if no image was found there.
    images, matched : int
        Clean images with the label, and those of them that say which class it is.
    """

    label: Count
    class_name: Text
    medimeta_label: Count | None
    images: Count
    matched: Count


class SplitRow(Record):
    """How the clean images of a split were found in MedIMeta by their pixels.

    Attributes
    ----------
    rows, matched : int
        Clean images, and those found.
    elsewhere : int
        Of those found, the ones that MedIMeta has in another split.
    duplicates : int
        Images that repeat the pixels of an earlier row; they were assigned in file order.
    """

    split: Name
    rows: Count
    matched: Count
    elsewhere: Count
    duplicates: Count


class Moments(Record):
    """What noise added, in grey levels of 255, and how alike it is in the three channels (None: constant)."""

    mean: float
    deviation: float
    channel_correlation: float | None


class FileAudit(Record):
    """One corrupted file, compared with its clean rows.

    Attributes
    ----------
    labels_follow : bool
        Whether its labels are the clean file's, row by row.
    images_follow : float
        Of a sample of its rows, the share that resemble their own clean row more than 19 in 20 others.
    equal : float or None
        Share of values that equal this package's corruption of the clean row; under motion blur, at the
        angle that fits best. None for noise, and where rows do not follow.
    angles : tuple of float
        Those angles, one an image sampled.
    measured, defined : Moments or None
        What the noise added, and what noise by the definition adds to the same images.
    """

    split: Name
    corruption: Name
    severity: Annotated[int, Field(ge=1, le=5)]
    labels_follow: bool
    images_follow: Share
    equal: Share | None = None
    angles: tuple[float, ...] = ()
    measured: Moments | None = None
    defined: Moments | None = None

    @property
    def aligned(self) -> bool:
        """Whether its rows are those of the clean file: alike, or equal once these are corrupted."""
        equal = self.equal is not None and self.equal >= _EQUAL
        return self.labels_follow and (equal or self.images_follow >= _FOLLOWING)

    @property
    def as_defined(self) -> bool | None:
        """Whether it is the corruption of its name at its severity; None where that was not measured."""
        return None if self.equal is None and self.measured is None else self.distance <= 1

    @property
    def distance(self) -> float:
        """Distance from its definition; values up to 1 are accepted as the same corruption."""
        if self.equal is not None:
            return (1 - self.equal) / (1 - _EQUAL)
        if self.measured is None or self.defined is None:
            return 0.0
        found, due = self.measured, self.defined
        scale = _NOISE * due.deviation or 1.0
        return max(
            abs(found.mean - due.mean) / scale,
            abs(found.deviation - due.deviation) / scale,
            abs((found.channel_correlation or 0.0) - (due.channel_correlation or 0.0)) / _CORRELATION,
        )


class DatasetAudit(Record):
    """One dataset.

    Attributes
    ----------
    grey : bool or None
        Whether the three channels of every clean image are equal; None if there is no corrupted file.
    ids : {"medimeta", "rows"}
        Whether image ids are MedIMeta's or row numbers.
    names : {"matched", "position"}
        Whether images decided what the labels are called, or position alone.
    """

    dataset: Name
    grey: bool | None
    ids: Literal["medimeta", "rows"]
    names: Literal["matched", "position"]
    splits: tuple[SplitRow, ...]
    labels: tuple[LabelRow, ...]
    files: tuple[FileAudit, ...]


class Audit(Document):
    """The audit of one import.

    Attributes
    ----------
    fingerprint : str
        Of the benchmark that was written.
    """

    fingerprint: Sha256
    datasets: tuple[DatasetAudit, ...]
