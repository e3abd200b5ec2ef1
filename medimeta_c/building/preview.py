"""Preview of a build: splits, classes, sets, and an estimate of disk and time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.building.config import BuildConfig
from medimeta_c.building.plan import Plan
from medimeta_c.building.render import render
from medimeta_c.building.state.journal import Journal
from medimeta_c.format import png
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import Protocol
from medimeta_c.format.spectrum import spectrum
from medimeta_c.sources.contract import Source
from medimeta_corruptions import Corruption

__all__ = ["Preview", "SplitPreview", "preview_of"]

_ROW_BYTES = 300  # ids, digest and numbers of a row beside its image
_SAMPLES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPreview:
    """One split of one dataset.

    Attributes
    ----------
    dataset, split : str
        Which.
    root : Path
        The folder its images are read from.
    classes : dict of str to int
        Images of each class, in label order.
    sets : int
        Sets wanted of it, the clean one counted.
    kept : int
        Those of them that are finished already.
    """

    dataset: str
    split: str
    root: Path
    classes: Mapping[str, int]
    sets: int
    kept: int

    @property
    def images(self) -> int:
        """Images of the split."""
        return sum(self.classes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a build would do.

    Attributes
    ----------
    out : Path
        The benchmark's directory.
    splits : tuple of SplitPreview
        What is read, and how many sets are made of it.
    images : int
        Images to render, one a set each.
    bytes : int
        Estimate of what they take on disk.
    seconds : float
        Estimate of the time that rendering takes with `jobs` processes.
    jobs : int
        Processes that render.
    measured : int
        Images that were rendered for the two estimates.
    """

    out: Path
    splits: tuple[SplitPreview, ...]
    images: int
    bytes: int
    seconds: float
    jobs: int
    measured: int


def preview_of(config: BuildConfig, planned: Plan) -> Preview:
    """Count what a build reads and makes, and render a few images of each dataset to estimate the rest."""
    journal = Journal(config.place, of_part=config.share is not None)
    finished = set() if config.force else journal.finished_sets().keys()
    todo = {key: corruption for key, corruption in planned.sets.items() if key not in finished}
    splits = []
    for dataset, split in dict.fromkeys((key.dataset, key.split) for key in planned.sets):
        own = [key for key in planned.sets if (key.dataset, key.split) == (dataset, split)]
        source, root = planned.sources[dataset], config.data_dir / dataset
        counts = Counter(source.label(split, image_id) for image_id in source.ids(split))
        splits.append(
            SplitPreview(
                dataset=dataset,
                split=split,
                root=root if root.is_dir() else config.data_dir,
                classes={name: counts[label] for label, name in enumerate(source.info.class_names)},
                sets=len(own),
                kept=sum(key not in todo for key in own),
            )
        )
    count, size, seconds, measured = 0, 0.0, 0.0, 0
    costs: dict[tuple[str, str], tuple[float, float]] = {}
    for key in sorted(todo, key=lambda key: abs(key.severity - 3)):  # a middle severity stands for all
        source, kind = planned.sources[key.dataset], (key.dataset, key.corruption)
        ids = source.ids(key.split)
        if kind not in costs and ids:
            costs[kind] = _cost(source, key, config.protocol, todo[key])
            measured += min(_SAMPLES, len(ids))
        each_size, each_seconds = costs.get(kind, (0.0, 0.0))
        images = planned.images(key)
        count += images
        size += images * each_size
        seconds += images * each_seconds
    workers = planned.processes(config.jobs, todo)
    return Preview(
        out=config.out,
        splits=tuple(splits),
        images=count,
        bytes=round(size),
        seconds=seconds / workers,
        jobs=workers,
        measured=measured,
    )


def _cost(
    source: Source, key: SetKey, protocol: Protocol, corruption: Corruption | None
) -> tuple[float, float]:
    """Return bytes and seconds of one image of a set: means over its first and its middle one."""
    ids = source.ids(key.split)
    chosen = [ids[0], ids[len(ids) // 2]][: len(ids)]

    def stored(image_id: str) -> int:
        image = render(source, key, image_id, protocol, corruption)
        spectrum(image)
        return len(png.encode(image)) + _ROW_BYTES

    stored(chosen[0])  # loads or compiles all loops before the clock starts
    start = time.perf_counter()
    size = sum(map(stored, chosen))
    return size / len(chosen), (time.perf_counter() - start) / len(chosen)
