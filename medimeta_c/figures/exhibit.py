"""Exhibits: the inputs that figures are made from, and pictures and tables with their data."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from medimeta_c.errors import ConfigError
from medimeta_c.figures.drawing.canvas import Canvas
from medimeta_c.figures.drawing.looks import Look
from medimeta_c.figures.drawing.modellooks import model_looks, short_names
from medimeta_c.format.display import CORE_TITLE, built_corruptions, dataset_label, title_of
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.suites import COLLECTIONS
from medimeta_c.io.tables.table import Scalar
from medimeta_c.sources import collection_of

if TYPE_CHECKING:  # a benchmark's card is drawn without results
    from matplotlib.figure import Figure

    from medimeta_c.format.benchmark import Benchmark
    from medimeta_c.paper import DatasetRow, FewShotScore, ModelScores, Results
    from medimeta_c.results.assessment.standing import Mark

__all__ = [
    "Inputs",
    "Lacking",
    "Picture",
    "Scalar",
    "file_word",
    "grouped",
    "name_builds",
    "paged",
    "panel_title",
    "row_label",
]

_Item = TypeVar("_Item")


class Lacking(Exception):
    """Raised by a figure whose input was not given; its text, if any, replaces the figure's `needs`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """Everything the gallery may draw. What is empty was not given.

    Parameters
    ----------
    benchmarks : mapping of str to Benchmark
        What was built, by the name of the collection.
    results : mapping of str to tuple of Result
        By the model's name that figures show.
    scores : tuple of ModelScores
        Of the results, or the paper's.
    fewshot : tuple of FewShotScore
        Of an ablation, or the paper's.
    datasets : tuple of DatasetRow
        Of what was built, or the paper's.
    features : Path or None
        Image features that ``medimeta-c features`` saved.
    printed : str
        Where scores come from, for captions, if not from results: e.g. the paper.
    images : int
        Images of each set to decode at most.
    """

    benchmarks: Mapping[str, Benchmark] = field(default_factory=dict)
    results: Results = field(default_factory=dict)
    scores: tuple[ModelScores, ...] = ()
    fewshot: tuple[FewShotScore, ...] = ()
    datasets: tuple[DatasetRow, ...] = ()
    features: Path | None = None
    printed: str = ""
    images: int = 500

    def built(self) -> Mapping[str, Benchmark]:
        """Return the benchmarks by collection; raises Lacking without one."""
        if not self.benchmarks:
            raise Lacking
        return self.benchmarks

    def one_by_one(self) -> Iterator[tuple[str, Benchmark]]:
        """Yield each benchmark after what the names of its pictures end in: nothing where there is one."""
        for name, benchmark in self.built().items():
            yield f"_{file_word(name)}" if len(self.benchmarks) > 1 else "", benchmark

    def scored(self) -> tuple[ModelScores, ...]:
        """Return the scores; raises Lacking without any."""
        if not self.scores:
            raise Lacking
        return self.scores

    def ablated(self) -> tuple[FewShotScore, ...]:
        """Return the few-shot scores over all datasets of the ablation; raises Lacking without any."""
        if not self.fewshot:
            raise Lacking
        return tuple(one for one in self.fewshot if not one.dataset) or self.fewshot

    def divisor(self) -> str:
        """Return whose errors CE divides by, as captions say it."""
        names = dict.fromkeys(one.baseline for one in self.scores if one.baseline)
        return " or ".join(names) or "a baseline"

    def corruptions(self) -> set[str]:
        """Return every corruption built, whose looks depend on one another."""
        return {name for one in self.benchmarks.values() for name in built_corruptions(one.manifest)}

    @property
    def note(self) -> str:
        """Where scores come from and which are ranked nowhere, as a caption's last sentences."""
        said = [self.printed] if self.printed else []
        trials = [name for name, one in self.benchmarks.items() if one.manifest.limited]
        if trials:
            said.append(f"Only a trial, on a part of each split: {', '.join(trials)}.")
        by_mark: dict[Mark, list[str]] = {}
        for model, marks in self._marks().items():
            for mark in marks:
                by_mark.setdefault(mark, []).append(model)
        said += [f"Not ranked ({mark.phrase}): {', '.join(by_mark[mark])}." for mark in by_mark]
        return "".join(f" {sentence}" for sentence in said)

    def model_looks(self) -> dict[str, Look]:
        """Return how each model is drawn, the same in every figure."""
        return model_looks(self.models())

    def model_labels(self) -> dict[str, str]:
        """Return what legends call each model: its name in short, with the marks of its results."""
        from medimeta_c.paper import with_marks  # noqa: PLC0415

        marks = self._marks()
        return {
            model: with_marks(name, marks.get(model, ()))
            for model, name in short_names(self.models()).items()
        }

    def _marks(self) -> dict[str, tuple[Mark, ...]]:
        """Return the marks of each model's results, of every result once."""
        found: dict[str, dict[Mark, None]] = {}
        for name, results in self.results.items():
            found.setdefault(name, {}).update(dict.fromkeys(mark for one in results for mark in one.standing))
        for model, marks in (
            *((one.model, one.marks) for one in self.scores),
            *((one.variant, one.marks) for one in self.fewshot),
        ):
            found.setdefault(model, {}).update(dict.fromkeys(marks))
        return {model: tuple(marks) for model, marks in found.items() if marks}

    def models(self) -> tuple[str, ...]:
        """Return every model's name, in the order that decides its look."""
        names = (*(one.model for one in self.scores), *(one.variant for one in self.fewshot))
        return tuple(dict.fromkeys(names))


def name_builds(benchmarks: Sequence[Benchmark]) -> dict[str, Benchmark]:
    """Return benchmarks by collection or title, with their directory's name where several have one name.

    Raises
    ------
    ConfigError
        If one is given twice.
    """
    places = [one.name for one in benchmarks]
    kinds = [_collection(one.manifest) for one in benchmarks]
    named: dict[str, Benchmark] = {}
    for kind, place, one in zip(kinds, places, benchmarks, strict=True):
        if places.count(place) > 1:
            raise ConfigError(f"duplicate benchmark: {place}")
        name = kind if kinds.count(kind) == 1 else f"{kind} ({Path(place).name})"
        named[f"{kind} ({place})" if name in named else name] = one
    return named


def _collection(manifest: Manifest) -> str:
    """Return what figures call a build: its title, or the collection of which tables of scores speak."""
    title, collections = title_of(manifest), {collection_of(one.kind) for one in manifest.datasets}
    if manifest.title is not None or len(collections) > 1 or not collections <= set(COLLECTIONS.values()):
        return title
    (collection,) = collections
    return title if collection == CORE_TITLE else collection


def row_label(manifest: Manifest, dataset: str) -> str:
    """Return what rows call a built dataset, word under word: modality, id, and whether of phantoms."""
    return " ".join(panel_title(manifest, dataset)).strip()


def panel_title(manifest: Manifest, dataset: str) -> tuple[str, str]:
    """Return the two lines above a dataset's panel: its modality and its id, or its id and nothing."""
    (modality,) = (one.modality for one in manifest.datasets if one.dataset == dataset)
    label = dataset_label(manifest, dataset)
    return (modality, label) if modality else (label, "")


def file_word(name: str) -> str:
    """Return a name as part of a file's name; letters of any script stay, for they may be all that differs.

    Examples
    --------
    >>> file_word("MediMeta-C (my build)"), file_word("MediMeta-C (v1.0)")
    ('medimeta-c-my-build', 'medimeta-c-v1.0')
    """
    return re.sub(r"[^\w.]+", "-", name.lower()).strip("-")


def grouped(items: Iterable[_Item], key: Callable[[_Item], str]) -> dict[str, list[_Item]]:
    """Return items by a word of theirs, in order of first appearance."""
    groups: dict[str, list[_Item]] = {}
    for one in items:
        groups.setdefault(key(one), []).append(one)
    return groups


def paged(items: Sequence[_Item], most: int, across: int = 1) -> Iterator[tuple[str, Sequence[_Item]]]:
    """Yield what stands on each page, after what the page's name ends in: nothing where one page holds all.

    Parameters
    ----------
    items : sequence
        Panels of a figure, row by row.
    most : int
        Rows that a page has room for; pages hold about as many each.
    across : int
        Panels a row.

    Examples
    --------
    >>> list(paged("abc", 3)), list(paged("abcd", 3))
    ([('', 'abc')], [('-1', 'ab'), ('-2', 'cd')])
    """
    rows = math.ceil(len(items) / across)
    pages = math.ceil(rows / most)
    step = math.ceil(rows / max(pages, 1)) * across
    for page in range(pages):
        yield f"-{page + 1}" if pages > 1 else "", items[page * step : (page + 1) * step]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A figure with the numbers it shows.

    Parameters
    ----------
    name : str
        File name without ending.
    caption : str
        What it shows and how to read it, in whole sentences.
    figure : Figure or Canvas
        Drawn in the shared style.
    header : tuple of str
        Columns of the data.
    rows : sequence of sequence
        The data; None is written as an empty field.
    """

    name: str
    caption: str
    figure: Figure | Canvas
    header: tuple[str, ...]
    rows: Sequence[Sequence[Scalar]]

    def drawn(self) -> Figure:
        """Return the figure as one of matplotlib."""
        return self.figure.drawn() if isinstance(self.figure, Canvas) else self.figure

    def png(self) -> bytes:
        """Return a PNG file at the figure's own resolution; the same figure gives the same bytes."""
        if isinstance(self.figure, Canvas):
            return self.figure.png()
        from medimeta_c.figures.drawing import style  # noqa: PLC0415 - imports matplotlib

        return style.png(self.figure)
