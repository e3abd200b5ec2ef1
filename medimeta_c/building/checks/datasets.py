"""Check what holds for a dataset: its classes, its groups, and that its sets list the same images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from medimeta_c.building.checks.report import Problem
from medimeta_c.building.checks.sets import CheckedSet
from medimeta_c.errors import ShardError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.stats import GROUPS_PATH
from medimeta_c.sources.contract import Source
from medimeta_c.sources.patients import patients_of

__all__ = ["check_classes", "check_groups", "check_listings"]


def check_classes(manifest: Manifest, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Yield the datasets whose class names are not their source's."""
    for name, source in sources.items():
        if manifest.dataset(name).class_names != source.info.class_names:
            yield Problem(MANIFEST_NAME, f"the class names of {name!r} differ from its source's")


def check_groups(root: Path, manifest: Manifest, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Yield what is wrong with the groups (patients): they cannot be read, or are not the source's."""
    benchmark = Benchmark(str(root), manifest, root.joinpath)
    for name, split in sorted({(record.dataset, record.split) for record in manifest.sets}):
        try:
            stated = benchmark.groups(split).get(name, {})
        except ShardError as error:
            yield Problem(GROUPS_PATH, str(error))
            return
        if name in sources and stated != patients_of(sources[name], split):
            yield Problem(GROUPS_PATH, f"its groups of {name}/{split} differ from the source's")


def check_listings(manifest: Manifest, found: Mapping[SetKey, CheckedSet]) -> Iterator[Problem]:
    """Yield the sets whose images or labels are not those of most sets of their split."""
    whole = [record for record in manifest.sets if not found[record.key].problems]
    for split in sorted({(record.dataset, record.split) for record in whole}):
        own = [record for record in whole if (record.dataset, record.split) == split]
        # The first of equally many: the clean set, unless its name comes late.
        usual = Counter(found[record.key].listing for record in own).most_common(1)[0][0]
        for record in own:
            if found[record.key].listing != usual:
                message = f"its ids or labels differ from the other sets of {'/'.join(split)}"
                yield Problem(record.shards[0].path, message, record.key)
