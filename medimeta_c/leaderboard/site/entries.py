"""Entries of a board: one per model, measured here or reported in the paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from medimeta_c.leaderboard.site.pairs.bits import RightBits
from medimeta_c.metrics.summary import Summary
from medimeta_c.metrics.values import Estimate
from medimeta_c.results.assessment.standing import Mark
from medimeta_c.results.baseline_choice import ChosenBaseline

__all__ = [
    "VIEWS",
    "Assessment",
    "Board",
    "CellShown",
    "DatasetShown",
    "Edition",
    "Entry",
    "Example",
    "Picture",
    "Training",
    "View",
    "no_estimate",
    "reported",
]

REPORTED = "reported in the paper, without an interval"

View = Literal["zero-shot", "probe", "adapted", "supervised", "words", "unverified"]

VIEWS: dict[View, str] = {
    "zero-shot": "zero-shot",
    "probe": "probe",
    "adapted": "few-shot",
    "supervised": "supervised",
    "words": "in words",
    "unverified": "unverified",
}
"""How the classes were named to a model, and what readers call it; an entry is in one view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellShown:
    """One cell of the heat map; fractions."""

    top1: float
    low: float | None = None
    high: float | None = None
    images: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image that is right when clean and wrong under a corruption, as PNG data URIs.

    `credit` are its terms, which go wherever it is shown.
    """

    dataset: str
    credit: str
    clean: str
    corrupted: str
    condition: str
    truth: str
    prediction: str
    before: float
    after: float
    image_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One image of a dataset, clean and under each corruption, as PNG data URIs by condition."""

    image_id: str
    label: str
    images: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What an entry loses to corruption and how sure it is; the numbers behind columns of the ranking.

    Parameters
    ----------
    points_lost : Estimate
        Clean accuracy minus average accuracy under corruption.
    share_kept : Estimate
        Of the accuracy above chance.
    coverage_gap : Estimate
        Coverage of conformal sets under corruption minus the level they promise; below 0, labels are missing.
    """

    points_lost: Estimate
    share_kept: Estimate
    coverage_gap: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the weights have seen: the kind that is filtered by, and the words a reader sees."""

    kind: str
    description: str
    overlap: str
    statement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The release that a frozen board belongs to: its name, its day, and the package that computed it."""

    name: str
    date: str
    package_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetShown:
    """A dataset of a board.

    Parameters
    ----------
    dataset, title, modality : str
        Its id, and what readers call it.
    key : str
        Names its page. It follows from the collection and the fingerprint, so that it stays.
    fingerprint : str
        Empty where only reported numbers are shown.
    images : int or None
        Of the split scored.
    credit : str
        The terms of its images.
    examples : tuple of Example
        From the board's own copy of the benchmark.
    """

    dataset: str
    title: str
    modality: str = ""
    key: str = ""
    fingerprint: str = ""
    images: int | None = None
    credit: str = ""
    examples: tuple[Example, ...] = ()

    @property
    def page(self) -> str:
        """The name of its page."""
        return self.key or self.dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model on one board.

    Parameters
    ----------
    key : str
        Unique on the site; names its page. Lower-case letters, digits and dashes.
    name, organisation, backbone : str
        As the table shows them.
    source : {"measured", "unverified", "paper"}
        Whether the numbers were computed from predictions of a model that was run, from predictions that
        were made elsewhere, or reported in the paper and not re-run.
    training : Training
        What the weights have seen.
    adaptation : {"base", "few-shot", "fine-tuned"}
        Whether it was trained on the benchmark's training images.
    overall : Summary[Estimate] or None
        Means over the board's datasets; None where it does not cover them all.
    datasets : mapping of str to Summary[Estimate]
        By dataset; Summary.accuracy holds the mean over severities by corruption.
    cells : mapping of str to (mapping of str to (mapping of int to CellShown))
        By dataset, corruption and severity; empty for reported numbers.
    ranks : (int, int) or None
        Best and worst rank the images allow; None where it is not ranked.
    tied : tuple of str
        Keys of the entries it cannot be told from.
    facts : mapping of str to str
        What else its page says, in order.
    assessed : mapping of str to Assessment
        By dataset; "" is the mean over all of them.
    view : str
        One of `VIEWS`.
    input_size : str
        Pixels a side that the model sees, e.g. ``"224"``; empty where it is not known.
    weights : bool
        Whether readers can get the weights.
    command : mapping of str to str
        Options of the command that evaluates it again; empty where there is none.
    words : str
        Of a model that answers in words: its blind controls, and the share of images without an answer.
    date : str or None
        The day of the evaluation.
    marks : tuple of Mark
        Why it is ranked nowhere, as `Result.standing` says.
    right : tuple of RightBits
        Which images it gets right, by dataset; empty for reported numbers, which cannot be compared.
    """

    key: str
    name: str
    organisation: str
    backbone: str
    source: Literal["measured", "unverified", "paper"]
    training: Training
    adaptation: Literal["base", "few-shot", "fine-tuned"]
    overall: Summary[Estimate] | None
    datasets: Mapping[str, Summary[Estimate]]
    cells: Mapping[str, Mapping[str, Mapping[int, CellShown]]] = field(default_factory=dict)
    parameters: int | None = None
    third_party: str | None = None
    code: str | None = None
    paper: str | None = None
    model: str | None = None
    notes: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    words: str = ""
    pictures: tuple[Picture, ...] = ()
    ranks: tuple[int, int] | None = None
    tied: tuple[str, ...] = ()
    date: str | None = None
    marks: tuple[Mark, ...] = ()
    right: tuple[RightBits, ...] = ()
    assessed: Mapping[str, Assessment] = field(default_factory=dict)
    view: View = "zero-shot"
    input_size: str = ""
    weights: bool = False
    command: Mapping[str, str] = field(default_factory=dict)

    @property
    def comparable(self) -> bool:
        """Whether it may have a rank: a whole measurement, by weights that have not seen the test images."""
        return self.source == "measured" and self.training.overlap != "test" and not self.marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Entries whose numbers may stand side by side.

    Parameters
    ----------
    key : str
        Unique on the site.
    title : str
        E.g. ``"MediMeta-C 1.0"``.
    datasets : tuple of DatasetShown
        What the means are over, in the paper's order.
    corruptions : tuple of str
        In the paper's order.
    severities : tuple of int
        Ascending.
    baseline : str or None
        What CE divides by, in words.
    ranked_by : {"mce", "average_accuracy"}
        What ranks are of.
    entries : tuple of Entry
        Best first; those without a mean over all datasets come last.
    phantoms : bool
        Whether its images are generated, not medical.
    release : Edition or None
        The release it belongs to; None for the board as it stands.
    divisor : ChosenBaseline or None
        What CE divides by, in numbers; None where nothing was measured.
    fingerprint : str
        Of the benchmark of these datasets; empty where only reported numbers are shown.
    preview : str
        The name of the entry that is previewed, on a page that is not the board's; else empty.
    """

    key: str
    title: str
    datasets: tuple[DatasetShown, ...]
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    baseline: str | None
    ranked_by: Literal["mce", "average_accuracy"]
    entries: tuple[Entry, ...]
    phantoms: bool = False
    release: Edition | None = None
    divisor: ChosenBaseline | None = field(default=None, compare=False)  # its arrays have no truth value
    fingerprint: str = ""
    preview: str = ""

    @property
    def ranked(self) -> int:
        """How many entries have a rank."""
        return sum(entry.ranks is not None for entry in self.entries)


def reported(value: float) -> Estimate:
    """Return a reported fraction, which has no interval."""
    return Estimate(value=value, low=None, high=None, interval_reason=REPORTED)


def no_estimate(reason: str) -> Estimate:
    """Return the absence of a number, with its reason."""
    return Estimate(value=None, reason=reason, low=None, high=None, interval_reason=reason)
