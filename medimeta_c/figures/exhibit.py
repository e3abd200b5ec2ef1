"""What the figures of a paper are made of, and what is made: pictures and tables with their data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.figure import Figure

from medimeta_c.benchmark import Benchmark
from medimeta_c.modelscores import FewShotScore, ModelScores
from medimeta_c.results.result import Result

__all__ = ["Inputs", "Lacking", "Mark", "Picture", "PrintedTable", "Scalar"]

Scalar = str | int | float | None


class Lacking(Exception):
    """Raised by an entry of the gallery whose input was not given; says what to give."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """Everything the gallery may draw. What is empty was not given.

    Parameters
    ----------
    benchmark : Benchmark or None
        What was built.
    results : mapping of str to Result
        By the name figures show.
    scores : tuple of ModelScores
        Of the results, or the paper's.
    fewshot : tuple of FewShotScore
        Of an ablation, or the paper's.
    features : Path or None
        Image features that ``medimeta-c features`` saved.
    printed : str
        Where scores come from, for captions, if not from results: e.g. the paper.
    images : int
        Images of each set to decode at most.
    """

    benchmark: Benchmark | None = None
    results: Mapping[str, Result] = field(default_factory=dict)
    scores: tuple[ModelScores, ...] = ()
    fewshot: tuple[FewShotScore, ...] = ()
    features: Path | None = None
    printed: str = ""
    images: int = 500

    def built(self) -> Benchmark:
        """Return the benchmark; raises Lacking without one."""
        if self.benchmark is None:
            raise Lacking("give the directory of a built benchmark")
        return self.benchmark

    def scored(self) -> tuple[ModelScores, ...]:
        """Return the scores; raises Lacking without any."""
        if not self.scores:
            raise Lacking("give --results, or --paper")
        return self.scores

    def ablated(self) -> tuple[FewShotScore, ...]:
        """Return the few-shot scores; raises Lacking without any."""
        if not self.fewshot:
            raise Lacking("give --ablation, or --paper")
        return self.fewshot

    def models(self) -> tuple[str, ...]:
        """Return every model's name, in the order that decides its look."""
        names = (*(one.model for one in self.scores), *(one.variant for one in self.fewshot))
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A figure with the numbers it shows.

    Parameters
    ----------
    name : str
        File name without ending.
    caption : str
        What it shows and how to read it, in whole sentences.
    figure : Figure
        Drawn in the shared style.
    header : tuple of str
        Columns of the data.
    rows : sequence of sequence
        The data; None is written as an empty field.
    """

    name: str
    caption: str
    figure: Figure
    header: tuple[str, ...]
    rows: Sequence[Sequence[Scalar]]


@dataclass(frozen=True, slots=True)
class Mark:
    """Which way a column is ranked, and how its numbers are printed.

    Parameters
    ----------
    best : {"high", "low", ""}
        Empty: not ranked.
    digits : int
        After the point.
    """

    best: str
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTable:
    """A table as the paper prints it: named rows in blocks, best and second best of each block marked.

    Parameters
    ----------
    name, caption : str
        As in `Picture`.
    labels : tuple of str
        Headings of the leading columns of text.
    columns : mapping of str to Mark
        Headings of the numbers.
    blocks : sequence of sequence of (labels, numbers)
        Numbers are ranked within a block.
    """

    name: str
    caption: str
    labels: tuple[str, ...]
    columns: Mapping[str, Mark]
    blocks: Sequence[Sequence[tuple[tuple[str, ...], tuple[float | None, ...]]]]
