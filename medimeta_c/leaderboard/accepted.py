"""Benchmarks that a leaderboard accepts: fingerprints, grids, and a digest of the labels.

The digest lets anyone check a submission's labels with this one small file, without the benchmark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Count, Document, Name, Record, Sha256, Text, write_record
from medimeta_c.metrics.grid import Severity
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.result import Result

__all__ = [
    "ACCEPTED_NAME",
    "Accepted",
    "AcceptedDataset",
    "accept",
    "label_digest",
    "read_accepted",
    "write_accepted",
]

ACCEPTED_NAME = "accepted.yaml"
"""The file at the root of the board's repository."""

_MAX_BYTES = 4 << 20
_REMEDY = "write it with `medimeta-c leaderboard accept`"


class AcceptedDataset(Record):
    """One dataset of an accepted benchmark, and everything a submission on it must agree with.

    Attributes
    ----------
    version, kind, title, modality : str
        They decide on which board it stands, and what it is called there.
    corruptions, severities : tuple
        The grid; a submission has all of it and nothing else.
    class_counts : tuple of int
        Images of each class, in label order.
    labels_sha256 : str
        See `label_digest`.
    """

    dataset: Name
    fingerprint: Sha256
    version: Text
    kind: Text
    title: Text
    modality: str
    split: Name
    class_names: Annotated[tuple[Text, ...], Field(min_length=2)]
    class_counts: tuple[Count, ...]
    corruptions: Annotated[tuple[Name, ...], Field(min_length=1)]
    severities: Annotated[tuple[Severity, ...], Field(min_length=1)]
    labels_sha256: Sha256

    @property
    def images(self) -> int:
        """Images of the split."""
        return sum(self.class_counts)

    def problem_of(self, result: Result) -> str | None:
        """Return how a result's description of this dataset differs from it; None if it does not."""
        entry = result.run.benchmark.dataset(self.dataset)
        if result.run.split != self.split:
            return f"the {result.run.split} split of {self.dataset} was scored, the board is for {self.split}"
        said = (result.run.benchmark.version, entry.kind, entry.title, entry.modality)
        if said != (self.version, self.kind, self.title, self.modality):
            return f"{self.dataset} does not have the version, kind, title or modality of its fingerprint"
        if entry.class_names != self.class_names or entry.images != self.images:
            return f"{self.dataset} does not have the class names or the number of images of its fingerprint"
        have, wanted = set(result.scope.corruptions[self.dataset]), set(self.corruptions)
        if have != wanted or set(result.scope.severities) != set(self.severities):
            lacking, foreign = (", ".join(sorted(each)) or "none" for each in (wanted - have, have - wanted))
            return (
                f"{self.dataset} was not scored on its grid (missing corruptions: {lacking}; unexpected: "
                f"{foreign}; severities {list(result.scope.severities)} of {list(self.severities)}): "
                "evaluate on all of that benchmark"
            )
        return None

    def check_labels(self, cells: Mapping[SetKey, CellPredictions]) -> None:
        """Raise ResultError if a cell of this dataset is over other images or labels."""
        for key, cell in cells.items():
            if key.dataset == self.dataset and label_digest(cell.image_ids, cell.labels.tolist()) != (
                self.labels_sha256
            ):
                raise ResultError(
                    f"the predictions of {key} have other image ids or labels than the accepted benchmark: "
                    "evaluate the model on that benchmark"
                )


class Accepted(Document):
    """What ``accepted.yaml`` holds."""

    datasets: tuple[AcceptedDataset, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Accepted:
        prints = [one.fingerprint for one in self.datasets]
        if len(set(prints)) != len(prints):
            raise ValueError("duplicate fingerprint")
        if any(len(one.class_names) != len(one.class_counts) for one in self.datasets):
            raise ValueError("class_counts must have one number per class")
        return self

    def find(self, dataset: str, fingerprint: str) -> AcceptedDataset:
        """Return the entry of a dataset's fingerprint.

        Raises
        ------
        ResultError
            If it is not accepted, naming those of the dataset that are.
        """
        for one in self.datasets:
            if (one.dataset, one.fingerprint) == (dataset, fingerprint):
                return one
        others = [one.fingerprint[:12] for one in self.datasets if one.dataset == dataset]
        raise ResultError(
            f"the fingerprint {fingerprint[:12]} of {dataset} is not accepted here (accepted: "
            f"{', '.join(others) or 'none of this dataset'}): evaluate on an accepted benchmark"
        )


def label_digest(image_ids: Iterable[str], labels: Iterable[int]) -> str:
    """Return the SHA-256 over ``["<image_id>",<label>]`` lines, by image id."""
    state = hashlib.sha256()
    for image_id, label in sorted(zip(image_ids, labels, strict=True)):
        line = json.dumps([image_id, int(label)], separators=(",", ":"), ensure_ascii=False)
        state.update(line.encode(errors="surrogatepass") + b"\n")
    return state.hexdigest()


def accept(benchmark: Benchmark, split: str = "test", *, held: Accepted | None = None) -> Accepted:
    """Return what a board accepts, with every dataset of a benchmark added.

    Parameters
    ----------
    benchmark : Benchmark
        Its clean sets are read for their labels.
    split : str
        The split scored.
    held : Accepted, optional
        What is accepted already; it stays, unless it is of the same fingerprint.

    Raises
    ------
    ConfigError
        If the benchmark has no clean set of the split.
    """
    added = []
    for record in benchmark.manifest.datasets:
        keys = [key for key in benchmark.sets if (key.dataset, key.split) == (record.dataset, split)]
        clean = SetKey(record.dataset, split, CLEAN, 0)
        corrupted = [key for key in keys if key.corruption != CLEAN]
        if clean not in keys or not corrupted:
            raise ConfigError(
                f"{benchmark.name} has no clean and corrupted {split} sets of {record.dataset}: build them"
            )
        ids: list[str] = []
        labels: list[int] = []
        for table in benchmark.tables(clean, ("image_id", "label"), batch_rows=10_000):
            ids += table["image_id"].to_pylist()
            labels += table["label"].to_pylist()
        added.append(
            AcceptedDataset(
                dataset=record.dataset,
                fingerprint=record.fingerprint,
                version=benchmark.manifest.protocol.benchmark_version,
                kind=record.kind,
                title=record.title or record.dataset,
                modality=record.modality,
                split=split,
                class_names=record.class_names,
                class_counts=tuple(labels.count(label) for label in range(len(record.class_names))),
                corruptions=tuple(sorted({key.corruption for key in corrupted})),
                severities=tuple(sorted({key.severity for key in corrupted})),
                labels_sha256=label_digest(ids, labels),
            )
        )
    new = {one.fingerprint for one in added}
    kept = [one for one in (held.datasets if held else ()) if one.fingerprint not in new]
    return Accepted(datasets=(*kept, *added))


def read_accepted(path: Path) -> Accepted:
    """Read and check an ``accepted.yaml``, or that of a folder.

    Raises
    ------
    ResultError
        If it is missing, too large, not YAML, or not valid.
    """
    file = path / ACCEPTED_NAME if path.is_dir() else path
    return Reader(remedy=_REMEDY, max_bytes=_MAX_BYTES).read(file, Accepted)


def write_accepted(path: Path, accepted: Accepted) -> None:
    """Write an ``accepted.yaml`` atomically."""
    write_record(path, accepted, comment="The benchmarks this leaderboard accepts results on.")
