"""Group submissions that can be compared: same collection, version and fingerprints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.manifest.digests import fingerprint
from medimeta_c.format.suites import CORE, Suite, suite_of
from medimeta_c.leaderboard.submission import Submission, slug
from medimeta_c.metrics.baselines import PUBLISHED, published_baseline
from medimeta_c.metrics.grid import Scope
from medimeta_c.results.baseline_choice import NO_BASELINE, ChosenBaseline, baseline_of
from medimeta_c.results.folder.saved import read_saved
from medimeta_c.results.identity import BenchmarkRecord, DatasetEntry
from medimeta_c.results.result import Result
from medimeta_c.results.scoring import Groups, groups_of
from medimeta_c.sources import family

__all__ = ["Group", "Submitted", "group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A submission as far as it is read to decide where it belongs."""

    folder: Path
    submission: Submission
    result: Result


@dataclass(slots=True, kw_only=True)
class Group:
    """Submissions on one board, what the board is over, and which images belong together.

    The groups of images come from the board's own copy of the benchmark, never from a submission.
    """

    collection: str
    version: str
    entries: dict[str, DatasetEntry] = field(default_factory=dict)
    members: list[Submitted] = field(default_factory=list)
    five: tuple[str, ...] = ()
    several: bool = False
    image_groups: Groups = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its collection and version, whatever other builds of it there are."""
        if not self.version:
            return self.collection
        named = self.collection.startswith(f"{self.version} ")  # "MediMeta-C as published" of MediMeta-C
        return self.collection if named else f"{self.collection} {self.version}"

    @property
    def title(self) -> str:
        """What readers call it."""
        return f"{self.name}, build {fingerprint(self.entries.values())[:8]}" if self.several else self.name

    @property
    def key(self) -> str:
        """Its title for file names."""
        return slug(self.title)

    @property
    def datasets(self) -> tuple[str, ...]:
        """What means are over: the suite's five datasets, or all that any member has."""
        return self.five or tuple(self.entries)

    def part(self, one: Submitted) -> tuple[str, ...]:
        """Return the datasets of this group that a member was scored on, in the group's order."""
        own = {entry.dataset: entry for entry in one.result.run.benchmark.datasets}
        return tuple(
            name
            for name in self.datasets
            if name in own and name in self.entries and _identity(own[name]) == _identity(self.entries[name])
        )

    def scope(self, datasets: Iterable[str]) -> Scope:
        """Return the grid that every member has on these datasets."""
        scopes = [one.result.scope for one in self.members]
        corruptions = {}
        for name in datasets:
            rows = [scope.corruptions[name] for scope in scopes if name in scope.corruptions]
            corruptions[name] = tuple(c for c in rows[0] if all(c in row for row in rows))
        severities = tuple(s for s in scopes[0].severities if all(s in scope.severities for scope in scopes))
        return Scope(corruptions=corruptions, severities=severities, split=scopes[0].split)

    def benchmark(self, datasets: Iterable[str]) -> BenchmarkRecord:
        """Return these datasets as a benchmark."""
        record = self.members[0].result.run.benchmark
        return record.model_copy(update={"datasets": tuple(self.entries[name] for name in datasets)})

    def take_groups(self, benchmark: Benchmark) -> None:
        """Take which images belong together from a copy of the benchmark, where the fingerprints agree."""
        split = self.members[0].result.run.split
        self.image_groups = groups_of(benchmark, self.entries.values(), split)

    def baseline(self, choice: str) -> ChosenBaseline | None:
        """Return what CE divides by on this board; None where the choice has no figures for these images."""
        if choice == NO_BASELINE or not self.entries:
            return None
        if choice == PUBLISHED:
            chosen = ChosenBaseline(published_baseline())
            if self.flaw(choice):
                return None
            covered = set(chosen.baseline.grids)
        else:
            saved = read_saved(Path(choice).expanduser())
            theirs = {entry.dataset: entry.fingerprint for entry in saved.result.run.benchmark.datasets}
            covered = {name for name, own in self.entries.items() if theirs.get(name) == own.fingerprint}
            if not set(self.entries) <= covered:
                return None
            chosen = baseline_of(saved, self.benchmark(self.entries), saved.result.run.split)
        return chosen if set(self.entries) <= covered else None

    def flaw(self, choice: str) -> str | None:
        """Return why CE by the published figures would mean nothing on this board's images, if it would."""
        phantoms = any(entry.is_phantom for entry in self.entries.values())
        return published_baseline().flaw(phantoms=phantoms) if choice == PUBLISHED else None


def group(submitted: Sequence[Submitted]) -> list[Group]:
    """Put submissions on boards; one on several collections is a member of several."""
    groups: list[Group] = []
    for one in submitted:
        version = one.result.run.benchmark.version
        suite = suite_of(one.result.run.benchmark.suite, str(one.folder))
        by_collection: dict[str, list[DatasetEntry]] = {}
        for entry in one.result.run.benchmark.datasets:
            by_collection.setdefault(_collection(entry, suite), []).append(entry)
        for collection, entries in by_collection.items():
            fitting = [
                each
                for each in groups
                if (each.collection, each.version) == (collection, version) and _fits(each, entries, one)
            ]
            if not fitting:
                listed = entries[0].dataset in (five := suite.headline.get(entries[0].kind, ()))
                fitting = [Group(collection=collection, version=version, five=five if listed else ())]
                groups += fitting
            fitting[0].members.append(one)
            for entry in entries:
                fitting[0].entries.setdefault(entry.dataset, entry)
    titles = [each.title for each in groups]
    for each, title in zip(groups, titles, strict=True):
        each.several = titles.count(title) > 1
    return groups


def _fits(candidate: Group, entries: Iterable[DatasetEntry], one: Submitted) -> bool:
    """Return whether the datasets are the group's, as far as it has them, and the split is too."""
    same = all(
        _identity(candidate.entries.get(entry.dataset, entry)) == _identity(entry) for entry in entries
    )
    return same and candidate.members[0].result.run.split == one.result.run.split


def _identity(entry: DatasetEntry) -> tuple[object, ...]:
    """Return what sets datasets apart; titles are only how they are called."""
    return entry.dataset, entry.fingerprint, entry.kind, entry.class_names, entry.images


def _collection(entry: DatasetEntry, suite: Suite) -> str:
    """Return what a board is called: boards of two suites are never one."""
    own = family(entry.kind)
    five = suite.headline.get(entry.kind)
    if own.collection is None:
        name = "Other images"
    else:
        listed = five is None or entry.dataset in five
        name = own.collection if listed else f"{own.title}, other datasets"
    return name if suite is CORE else f"{name} {suite.name}"
