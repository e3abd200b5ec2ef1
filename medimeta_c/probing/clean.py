"""Clean images to learn from: of a benchmark's own sets, or of the data that it was built from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medimeta_c.errors import ConfigError, Remedy, SourceError
from medimeta_c.format import png
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import CLEAN, Image, SetKey
from medimeta_c.io.records import canonical_json
from medimeta_c.probing.config import TRAIN, VAL
from medimeta_c.probing.shots import Listing
from medimeta_c.scoring.decoding import Decoded, Prepare
from medimeta_c.sources.contract import Source
from medimeta_c.sources.patients import patients_of
from medimeta_c.sources.pictures import Refusal, converted
from medimeta_c.sources.selection import reopen

__all__ = ["CleanData", "open_clean"]

_CHUNK_IMAGES = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CleanData:
    """The clean images of one dataset that a probe learns from. Made by `open_clean`.

    Parameters
    ----------
    dataset : str
        Its id.
    benchmark : Benchmark
        What will be scored.
    source : Source or None
        The data that it was built from; None where the benchmark has every set that is needed.
    """

    dataset: str
    benchmark: Benchmark
    source: Source | None

    def is_built(self, split: str) -> bool:
        """Return whether the benchmark has the clean set of a split."""
        return clean_key(self.dataset, split) in self.benchmark.sets

    def listing(self, split: str) -> Listing:
        """Return ids and labels of a split; no image is decoded."""
        names = self.benchmark.class_names(self.dataset)
        if self.is_built(split):
            images = self.benchmark[clean_key(self.dataset, split)]
            ids, labels = images.image_ids, images.labels.tolist()
        else:
            source = self._source()
            ids = source.ids(split)
            labels = [source.label(split, image_id) for image_id in ids]
        return Listing(
            dataset=self.dataset, split=split, class_names=names, image_ids=tuple(ids), labels=tuple(labels)
        )

    def digest(self, split: str) -> str:
        """Return what the images of a split follow from: the set's rows, or the source and how it is read."""
        if self.is_built(split):
            return self.benchmark.record(clean_key(self.dataset, split)).rows_sha256
        protocol, info = self.benchmark.manifest.protocol, self._source().info
        reading = (protocol.channels, protocol.window, protocol.frames)
        named = (info.kind, self.dataset, info.task, info.class_names, split)
        checksum = self.benchmark.dataset(self.dataset).checksum
        return hashlib.sha256(canonical_json([checksum, *named, *reading]).encode()).hexdigest()

    def decoded(self, split: str, prepare: Prepare) -> Iterator[Decoded]:
        """Yield the images of a split of the source, as the benchmark's clean set would have them.

        Raises
        ------
        SourceError
            If an image cannot be read.
        """
        source, key = self._source(), clean_key(self.dataset, split)
        ids = source.ids(split)
        for start in range(0, len(ids), _CHUNK_IMAGES):
            part = ids[start : start + _CHUNK_IMAGES]
            digests: list[str] = []
            yield Decoded(
                key=key,
                image_ids=part,
                labels=np.array([source.label(split, each) for each in part], dtype=np.int64),
                images=prepare(self._images(split, part, digests)),
                pixels_sha256=tuple(digests),
            )

    def groups(self, split: str) -> Mapping[str, int]:
        """Return the number of the patient of each image of a split; empty where patients are not known."""
        if self.source is not None:
            return patients_of(self.source, split)
        return self.benchmark.groups(split).get(self.dataset, {})

    def _images(self, split: str, ids: tuple[str, ...], digests: list[str]) -> Iterator[Image]:
        channels = self.benchmark.manifest.protocol.channels
        for image_id in ids:
            try:
                image = converted(self._source().image(split, image_id), channels)
            except Refusal as error:
                raise SourceError(f"image {image_id!r} of {self.dataset} {error}") from error
            digests.append(png.digest(image))
            yield image

    def _source(self) -> Source:
        if self.source is None:
            raise ConfigError(f"{self.benchmark.name} has no other clean sets of {self.dataset}")
        return self.source


def clean_key(dataset: str, split: str) -> SetKey:
    """Return the key of a split's clean set."""
    return SetKey(dataset, split, CLEAN, 0)


def open_clean(benchmark: Benchmark, dataset: str, data_dir: Path, ids: Path) -> CleanData:
    """Find the clean train and val images of a dataset that a benchmark has.

    Parameters
    ----------
    benchmark : Benchmark
        What will be scored.
    dataset : str
        A dataset of it.
    data_dir : Path
        Where the data is that it was built from.
    ids : Path
        Where the key of its image ids is, if they have one.

    Raises
    ------
    ConfigError
        If the benchmark was imported, so that there is no data that it was built from.
    SourceError
        If the data is missing, is not what the benchmark was built from, or has no train or val split.
    """
    found = CleanData(dataset=dataset, benchmark=benchmark, source=None)
    if all(map(found.is_built, (TRAIN, VAL))):
        return found
    record, protocol = benchmark.dataset(dataset), benchmark.manifest.protocol
    if protocol.imported:
        raise ConfigError(
            f"{benchmark.name} was imported, not built from clean data of {dataset}, and has no {TRAIN} and "
            f"{VAL} sets to learn from",
            remedy=Remedy("build the dataset from its clean data"),
        )
    source = reopen(record, protocol, data_dir, ids=ids)
    if source.checksum() != record.checksum or source.info.class_names != record.class_names:
        raise SourceError(
            f"the data of {dataset!r} in {data_dir} is not what {benchmark.name} was built from (checksum "
            "differs)",
            remedy=Remedy("give the folder of that data with {data_dir}"),
        )
    for split in (TRAIN, VAL):
        if not found.is_built(split) and not source.info.splits.get(split):
            purpose = "train on" if split == TRAIN else "choose settings by"
            raise SourceError(
                f"dataset {dataset!r} has no {split} split to {purpose}",
                remedy=Remedy("leave it out of {datasets}"),
            )
    return CleanData(dataset=dataset, benchmark=benchmark, source=source)
