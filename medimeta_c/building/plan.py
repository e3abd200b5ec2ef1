"""Plan of a build: its sources, and the sets that are made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medimeta_c.building import engines
from medimeta_c.building.config import BuildConfig, corruption_of
from medimeta_c.building.parts.division import rows_of_part
from medimeta_c.building.state.journal import Journal
from medimeta_c.building.state.lock import require_free
from medimeta_c.errors import ConfigError, Remedy
from medimeta_c.format.keys import ALL, CLEAN, SetKey
from medimeta_c.format.manifest.records import suite_record
from medimeta_c.format.parts import Division, PartRecord, plan_digest
from medimeta_c.sources import corruptions_for
from medimeta_c.sources.contract import LimitedSource, Source
from medimeta_c.sources.folders.ids import has_key
from medimeta_c.sources.selection import open_datasets, select
from medimeta_corruptions import Corruption

__all__ = ["Plan", "plan", "plan_sets"]

_FEW_PIXELS = 300 * 224 * 224
"""Rendered in about a second, in which a worker process would not have done much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a build reads, and what it makes of it.

    Attributes
    ----------
    opened : dict of str to Source
        Sources of the datasets that were given by name.
    sources : dict of str to Source
        Of every dataset; cut short where the build is limited.
    sets : dict of SetKey to Corruption or None
        As `plan_sets` returns them; of a part of a build, its own.
    rows : dict of SetKey to range
        The rows of each of these sets that are built: all, but in parts of a build.
    part : PartRecord or None
        The part of a build that this is.
    """

    opened: Mapping[str, Source]
    sources: Mapping[str, Source]
    sets: Mapping[SetKey, Corruption | None]
    rows: Mapping[SetKey, range]
    part: PartRecord | None = None

    def images(self, key: SetKey) -> int:
        """Return how many images of a set are built."""
        return len(self.rows[key])

    def processes(self, jobs: int, todo: Collection[SetKey]) -> int:
        """Return how many processes build some sets.

        With `jobs` -1 it is one where rendering takes no longer than starting a second would. All images of
        a split count as large as its first.
        """
        if jobs == -1 and self._pixels(todo) < _FEW_PIXELS:
            return 1
        return engines.processes(jobs, len(todo))

    def _pixels(self, keys: Iterable[SetKey]) -> int:
        images = Counter[tuple[str, str]]()
        for key in keys:
            images[key.dataset, key.split] += self.images(key)
        total = 0
        for (dataset, split), count in images.items():
            source = self.sources[dataset]
            if count and total < _FEW_PIXELS:
                total += count * int(np.prod(source.image(split, source.ids(split)[0]).shape[:2]))
        return total


def plan(config: BuildConfig, *, writes: bool = True) -> Plan:
    """Open the sources of a configuration and list the sets that it asks for.

    Unless it `writes`, no key of ids is made; ids are then numbers in another order.
    """
    require_free(config.out)  # before anything is counted or shown
    suite = suite_record(config.chosen_suite)
    Journal(config.out).check_protocol(config.protocol, config.limit, suite)
    opened = _opened(config, writes=writes)
    given = {one.info.dataset: one for one in config.datasets if not isinstance(one, str)}
    if twice := sorted(opened.keys() & given.keys()):
        raise ConfigError(f"duplicate dataset, by name and as an object: {', '.join(twice)}")
    sources: dict[str, Source] = opened | given
    if config.limit is not None:
        sources = {name: LimitedSource(source, config.limit) for name, source in sources.items()}
    sets, part = plan_sets(config, sources), None
    counts = {key: len(sources[key.dataset].ids(key.split)) for key in sets}
    rows = {key: range(count) for key, count in counts.items()}
    if config.share is not None:
        number, of = config.share
        part = PartRecord(number=number, division=Division(of=of, plan=plan_digest(counts)))
        rows = rows_of_part(counts, number, of)
    own = {key: sets[key] for key in rows}
    return Plan(opened=opened, sources=sources, sets=own, rows=rows, part=part)


def _opened(config: BuildConfig, *, writes: bool) -> dict[str, Source]:
    """Open the datasets given by name."""
    names = [one for one in config.datasets if isinstance(one, str)]
    # A key is made for datasets that the benchmark lacks: the ids of one that it has follow from its own.
    reading = replace(config.reading, new_ids=not Journal(config.out).datasets.keys() >= set(names))
    if reading.new_ids and not writes and not has_key(reading.ids):
        reading = replace(reading, ids=None, new_ids=False)
    for name, one in select(names, config.source, config.data_dir, config.chosen_suite):
        corruptions_for(config.chosen_suite, one.name, name, config.profile)  # before data is looked for
    # Absolute, because the workers of a cluster were started in folders of their own.
    data_dir = config.data_dir.absolute()
    return open_datasets(
        names, config.source, data_dir, task=config.task, reading=reading, suite=config.chosen_suite
    )


def plan_sets(config: BuildConfig, sources: Mapping[str, Source]) -> dict[SetKey, Corruption | None]:
    """Return the sets a configuration asks for, in canonical order, and the corruption of each.

    Each dataset's clean set, which has none, is included.
    """
    wanted: dict[SetKey, Corruption | None] = {}
    own, suite = config.named_corruptions, config.chosen_suite
    for name, source in sources.items():
        chosen = _chosen(config, source, own)
        severities = suite.severities if config.severities is None else config.severities
        cells = [(one, severity) for one in chosen for severity in severities if severity > 0]
        for split in _splits(config, source):
            source.ids(split)  # raises for a split the dataset does not have, before any work
            wanted[SetKey(name, split, CLEAN, 0)] = None
            wanted |= {SetKey(name, split, one.name, severity): one for one, severity in cells}
    return dict(sorted(wanted.items(), key=lambda item: item[0]))


def _splits(config: BuildConfig, source: Source) -> tuple[str, ...]:
    """Return the splits of a dataset that a configuration asks for."""
    return tuple(source.info.splits) if config.splits == (ALL,) else config.splits


def _chosen(config: BuildConfig, source: Source, own: Sequence[Corruption] | None) -> tuple[Corruption, ...]:
    """Return the corruptions of one dataset: the suite's, or those asked for that the dataset may have."""
    suite, info = config.chosen_suite, source.info
    allowed = corruptions_for(suite, info.kind, info.dataset, config.profile)
    chosen = (
        tuple(map(corruption_of, allowed))
        if own is None
        else tuple(one for one in own if one.name in allowed or one.name not in suite.corruptions)
    )
    if not chosen:
        raise ConfigError(
            f"{', '.join(one.name for one in own or ())}: the suite {suite.name} has no such fault for "
            f"{info.dataset}, where it cannot occur or would change the label (it has {', '.join(allowed)})",
            remedy=Remedy("choose other {corruptions}"),
        )
    coloured = [one.name for one in chosen if one.channels == "colour"]
    if coloured and info.channels == 1:
        raise ConfigError(
            f"{info.dataset} is grey, and {', '.join(coloured)} of the suite {suite.name} need colours",
            remedy=[Remedy("choose another {profile}"), Remedy("choose other {corruptions}")],
        )
    return chosen
