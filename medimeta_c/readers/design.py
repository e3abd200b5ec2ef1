"""The design of a study: which images are asked about, in which order; seeded and balanced."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TypeVar

import numpy as np

from medimeta_c._version import __version__
from medimeta_c.errors import ConfigError, Remedy, unknown_name
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.display import title_of
from medimeta_c.format.keys import ALL, CLEAN, SetKey, check_distinct, chosen_of
from medimeta_c.io.settings import Location, OptionalSeveral, Several, default, required, settle
from medimeta_c.readers.study import MOST_TRIALS, QUESTIONS, Question, Side, Study, Trial, trial_name

__all__ = ["StudyConfig", "design"]

_SCHEME = "medimeta-c/readers/1"
_POOL = 500
"""Images of a dataset that a study chooses from; more than a study of `MOST_TRIALS` shows of it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """What a study asks, and where its page is written.

    Parameters
    ----------
    out : path
        The page; the study file is written beside it.
    datasets, corruptions : str or several
        Of the benchmark; ``"all"`` for each that was built.
    severities : int or several, optional
        1 to 5; by default those that were built.
    questions : str or several
        ``"compare"``, ``"read"`` or both.
    split : str
        The split that images are from.
    trials : int
        Trials with a corruption, spread evenly over question, corruption and severity.
    catch : int
        Trials without corruption, spread evenly over the questions.
    seed : int
        Seed of the choice of images, of the sides and of the order.
    """

    out: Location = required()
    datasets: Several[str] = default((ALL,))
    corruptions: Several[str] = default((ALL,))
    severities: OptionalSeveral[int] = default(None)
    questions: Several[str] = default(QUESTIONS)
    split: str = "test"
    trials: int = 140
    catch: int = 14
    seed: int = 0

    def __post_init__(self) -> None:
        settle(self)
        for kind in ("datasets", "corruptions", "questions"):
            check_distinct(kind, getattr(self, kind))
        for one in self.questions:
            if one not in QUESTIONS:
                raise unknown_name("question", one, QUESTIONS)
        if self.severities is not None:
            check_distinct("severities", self.severities)
            if wrong := [one for one in self.severities if not 1 <= one <= 5]:
                raise ConfigError(f"severity {wrong[0]} is not valid: use 1 to 5")
        if self.trials < 1 or self.catch < 0 or self.trials + self.catch > MOST_TRIALS:
            raise ConfigError(
                f"{self.trials} trials and {self.catch} without corruption are not possible: ask at least "
                f"one trial, and at most {MOST_TRIALS} in all"
            )
        if self.seed < 0:
            raise ConfigError(f"seed {self.seed} is not valid: use 0 or more")


@dataclass(frozen=True, slots=True)
class _Cell:
    """What is asked: one corruption at one severity; severity 0 for a trial without corruption."""

    question: Question
    corruption: str
    severity: int


def design(benchmark: Benchmark, config: StudyConfig) -> Study:
    """Choose a study's trials.

    Every combination of question, corruption and severity gets as many trials as any other, or one less.
    They are asked in rounds, each with every combination once, so that practice and fatigue fall on all
    alike; the question *read* comes first, because a comparison shows the clean image. Within a combination
    datasets take turns, and an image comes again only after all others. In comparisons the corrupted image
    is left as often as right, for each corruption.

    Raises
    ------
    ConfigError
        If the benchmark lacks what is asked for, or the trials are too few for all combinations.
    """
    lots = _Lots(config.seed, benchmark.fingerprint)
    pairs = _pairs(benchmark, config)
    asked: tuple[Question, ...] = tuple(one for one in reversed(QUESTIONS) if one in config.questions)
    cells = [_Cell(question, *pair) for question in asked for pair in pairs]
    if config.trials < len(cells):
        raise ConfigError(
            f"{config.trials} trials are too few: there are {len(cells)} combinations of question, "
            "corruption and severity, and each needs one",
            remedy=[
                Remedy("set {trials}", trials=len(cells)),
                Remedy("choose fewer {corruptions} or {severities}"),
            ],
        )
    each, extra = divmod(config.trials, len(cells))
    lucky = set(lots.shuffled(cells)[:extra])
    catches = Counter(islice(cycle(asked), config.catch))
    every = tuple(dict.fromkeys(name for names in pairs.values() for name in names))
    images = _Images(benchmark, config.split, lots)
    trials: list[Trial] = []
    for question in asked:
        own = [cell for cell in cells if cell.question == question]
        rounds = [list(own) for _ in range(each)] + [[cell for cell in own if cell in lucky]]
        rounds = [one for one in rounds if one] or [[]]
        for number in range(catches[question]):
            rounds[number * len(rounds) // catches[question]].append(_Cell(question, CLEAN, 0))
        order = [cell for one in rounds for cell in lots.shuffled(one)]
        sides = _sides(order, lots)
        for cell in order:
            dataset, image_id = images.next(cell, pairs.get((cell.corruption, cell.severity), every))
            trials.append(
                Trial(
                    trial=trial_name(len(trials)),
                    question=question,
                    dataset=dataset,
                    corruption=cell.corruption,
                    severity=cell.severity,
                    image_id=image_id,
                    worse=next(sides[cell.corruption]) if question == "compare" and cell.severity else None,
                )
            )
    used = {one.dataset for one in trials}
    return Study(
        package_version=__version__,
        benchmark=title_of(benchmark.manifest),
        fingerprint=benchmark.fingerprint,
        split=config.split,
        phantoms=tuple(
            one.dataset for one in benchmark.manifest.datasets if one.is_phantom and one.dataset in used
        ),
        seed=config.seed,
        trials=tuple(trials),
    )


def _pairs(benchmark: Benchmark, config: StudyConfig) -> dict[tuple[str, int], tuple[str, ...]]:
    """Return the datasets of each corruption and severity that is asked about, in the manifest's order."""
    datasets = benchmark.chosen(config.datasets)
    for name in datasets:
        benchmark.record(SetKey(name, config.split, CLEAN, 0))
    built = [
        key
        for key in benchmark.sets
        if key.dataset in datasets and key.split == config.split and key.corruption != CLEAN
    ]
    names = tuple(dict.fromkeys(key.corruption for key in built))
    corruptions = chosen_of(config.corruptions, names)
    for name in corruptions:
        if name not in names:
            raise unknown_name("corruption", name, names)
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for key in built:
        if key.corruption in corruptions and key.severity in (config.severities or range(1, 6)):
            pair = key.corruption, key.severity
            found[pair] = (*found.get(pair, ()), key.dataset)
    for severity in config.severities or ():
        if severity not in {pair[1] for pair in found}:
            raise ConfigError(f"{benchmark.name} has no severity {severity} of what is asked for: build it")
    if not found:
        raise ConfigError(f"{benchmark.name} has no corrupted sets of the split {config.split}: build some")
    return found


def _sides(order: Sequence[_Cell], lots: _Lots) -> dict[str, Iterator[Side]]:
    """Return for each corruption the sides of its trials, as often left as right, or once more."""
    counts = Counter(cell.corruption for cell in order if cell.severity)
    first: tuple[Side, Side] = ("left", "right")
    turns = cycle(lots.shuffled(first))
    return {
        corruption: iter(lots.shuffled([next(turns) for _ in range(count)]))
        for corruption, count in counts.items()
    }


class _Lots:
    """Draws by seed; only uniform numbers, whose stream NumPy keeps."""

    def __init__(self, seed: int, fingerprint: str) -> None:
        digest = hashlib.blake2b(f"{_SCHEME}|{seed}|{fingerprint}".encode(), digest_size=16).digest()
        self._draw = np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))

    def shuffled(self, things: Iterable[T]) -> list[T]:
        """Return things in a drawn order."""
        given = list(things)
        return [given[place] for place in np.argsort(self._draw.random(len(given)), kind="stable").tolist()]


class _Images:
    """Deals out the images of datasets, each as rarely as possible."""

    def __init__(self, benchmark: Benchmark, split: str, lots: _Lots) -> None:
        self._benchmark, self._split, self._lots = benchmark, split, lots
        self._pools: dict[str, list[str]] = {}
        self._datasets: Counter[object] = Counter()
        self._images: Counter[object] = Counter()

    def next(self, cell: _Cell, datasets: Sequence[str]) -> tuple[str, str]:
        """Return one of some datasets, and an image of it."""
        used = self._datasets
        dataset = min(datasets, key=lambda name: (used[cell, name], used[name]))
        seen = self._images
        image_id = min(self._pool(dataset), key=lambda name: (seen[cell, dataset, name], seen[dataset, name]))
        used.update([(cell, dataset), dataset])
        seen.update([(cell, dataset, image_id), (dataset, image_id)])
        return dataset, image_id

    def _pool(self, dataset: str) -> list[str]:
        if dataset not in self._pools:
            key = SetKey(dataset, self._split, CLEAN, 0)
            tables = self._benchmark.tables(key, ("image_id",), batch_rows=10_000)
            ids = [image_id for table in tables for image_id in table["image_id"].to_pylist()]
            self._pools[dataset] = self._lots.shuffled(ids)[:_POOL]
        return self._pools[dataset]
