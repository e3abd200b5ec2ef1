"""Who answered what: the identity of a run, equal for two runs exactly when their predictions must be."""

from __future__ import annotations

from collections.abc import Container, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, model_validator

from medimeta_c._version import __version__
from medimeta_c.errors import ConfigError
from medimeta_c.format.keys import PHANTOMS
from medimeta_c.format.manifest import Manifest
from medimeta_c.io.records import Name, Record, Sha256, Text, canonical_json
from medimeta_c.models.contract import ModelIdentity
from medimeta_c.prompts.record import PromptsRecord

__all__ = [
    "BenchmarkRecord",
    "DatasetEntry",
    "RunIdentity",
    "benchmark_record",
    "first_difference",
    "merged",
    "restricted",
]


class DatasetEntry(Record):
    """One dataset as it was scored.

    Attributes
    ----------
    kind : str
        The source family; ``"phantoms"`` are generated images.
    images : int
        Images of the split, the same under every condition.
    fingerprint : str
        Of the dataset's sets: scores compare only where it is equal.
    """

    dataset: Name
    kind: Text
    title: Text
    modality: Annotated[str, Field(max_length=4000)]
    class_names: Annotated[tuple[Text, ...], Field(min_length=2, max_length=10_000)]
    images: Annotated[int, Field(ge=1)]
    fingerprint: Sha256

    @property
    def is_phantom(self) -> bool:
        """Whether the images are generated, not medical."""
        return self.kind == PHANTOMS


class BenchmarkRecord(Record):
    """The benchmark that was scored, and the datasets of it that were."""

    name: Text
    version: Text
    fingerprint: Sha256
    datasets: Annotated[tuple[DatasetEntry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_dataset_once(self) -> BenchmarkRecord:
        if len({entry.dataset for entry in self.datasets}) != len(self.datasets):
            raise ValueError("a dataset is listed twice")
        return self

    def dataset(self, name: str) -> DatasetEntry:
        """Return the entry of one dataset; KeyError if it was not scored."""
        for entry in self.datasets:
            if entry.dataset == name:
                return entry
        raise KeyError(name)


class RunIdentity(Record):
    """Everything predictions depend on. Cells of different identities never share a result.

    Attributes
    ----------
    preprocessing : dict
        The model's transform, as its adapter records it.
    """

    model: ModelIdentity
    benchmark: BenchmarkRecord
    split: Name
    prompts: PromptsRecord
    precision: Literal["fp32", "bf16", "fp16"]
    preprocessing: dict[str, JsonValue]
    package_version: Text = __version__

    @model_validator(mode="after")
    def _prompts_are_of_the_classes(self) -> RunIdentity:
        for entry in self.benchmark.datasets:
            if set(self.prompts.texts.get(entry.dataset, ())) != set(entry.class_names):
                raise ValueError(f"the prompts of {entry.dataset} are not for its classes")
        return self


def benchmark_record(
    name: str, manifest: Manifest, *, datasets: Iterable[str] | None = None, split: str = "test"
) -> BenchmarkRecord:
    """Return the record of a benchmark, or of some datasets of it.

    Parameters
    ----------
    name : str
        Its directory or repository; of a directory only the last component is kept.
    manifest : Manifest
        What was built.
    datasets : iterable of str, optional
        The datasets scored; all by default.
    split : str
        The split scored.

    Raises
    ------
    ConfigError
        If a dataset was not built, or has no set of the split.
    """
    known = {record.dataset: record for record in manifest.datasets}
    rows = {record.dataset: record.rows for record in manifest.sets if record.split == split}
    entries = []
    for dataset in sorted(known if datasets is None else datasets):
        if dataset not in rows:
            raise ConfigError(
                f"{name} has no {split} split of {dataset}: choose among {', '.join(rows) or 'other splits'}"
            )
        fields = known[dataset].model_dump(include={"dataset", "kind", "title", "modality", "class_names"})
        fields["title"] = fields["title"] or dataset
        entries.append(DatasetEntry(**fields, images=rows[dataset], fingerprint=known[dataset].fingerprint))
    folder = Path(name)
    return BenchmarkRecord(
        name=folder.resolve().name if folder.is_dir() else name,
        version=manifest.protocol.benchmark_version,
        fingerprint=manifest.fingerprint,
        datasets=tuple(entries),
    )


def first_difference(held: RunIdentity, wanted: RunIdentity) -> tuple[str, Any, Any] | None:
    """Return what first sets two runs apart, with both values; None if their cells may stand together.

    Prompts are compared on the datasets both scored. Where the files lay (the spec, the benchmark's name) and
    the datasets only one of them scored make no difference.
    """
    common = {entry.dataset for entry in held.benchmark.datasets} & {
        entry.dataset for entry in wanted.benchmark.datasets
    }
    ours, theirs = _comparable(held, common), _comparable(wanted, common)
    return next(((name, ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]), None)


def merged(held: RunIdentity, wanted: RunIdentity) -> RunIdentity:
    """Return the identity of a run that goes on with more datasets; the two must not differ."""
    entries = {entry.dataset: entry for entry in (*held.benchmark.datasets, *wanted.benchmark.datasets)}
    ordered = tuple(entries[dataset] for dataset in sorted(entries))
    benchmark = wanted.benchmark.model_copy(update={"datasets": ordered})
    texts = {**held.prompts.texts, **wanted.prompts.texts}
    return wanted.model_copy(
        update={"benchmark": benchmark, "prompts": PromptsRecord.of(wanted.prompts.name, texts)}
    )


def restricted(run: RunIdentity, datasets: Container[str]) -> RunIdentity:
    """Return the identity of a run's part on some datasets."""
    kept = tuple(entry for entry in run.benchmark.datasets if entry.dataset in datasets)
    return run.model_copy(
        update={
            "benchmark": run.benchmark.model_copy(update={"datasets": kept}),
            "prompts": run.prompts.restricted(datasets),
        }
    )


def _comparable(run: RunIdentity, datasets: Container[str]) -> dict[str, Any]:
    return {
        "benchmark fingerprint": run.benchmark.fingerprint,
        "split": run.split,
        "weights digest": run.model.weights_sha256,
        "architecture": run.model.architecture,
        "revision": run.model.revision,
        "prompts": run.prompts.name,
        "prompts digest": run.prompts.restricted(datasets).digest,
        "precision": run.precision,
        "preprocessing": canonical_json(run.preprocessing),
        "package version": run.package_version,
    }
