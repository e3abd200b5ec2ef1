"""Record of what was scored: a benchmark, and the datasets of it that were."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from medimeta_c.errors import ConfigError
from medimeta_c.format.display import benchmark_title
from medimeta_c.format.keys import PHANTOMS
from medimeta_c.format.manifest.records import Manifest, SuiteRecord
from medimeta_c.format.stats import GROUPS_PATH
from medimeta_c.format.suites import COLLECTIONS, CORE
from medimeta_c.io.records import Name, Record, Sha256, Since, Text
from medimeta_c.io.stores.stored import as_place
from medimeta_c.io.stores.urls import looks_like_url
from medimeta_c.io.text import Title

__all__ = ["BenchmarkRecord", "DatasetEntry", "benchmark_record", "first_images"]


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
    """The benchmark that was scored, and the datasets of it that were.

    Attributes
    ----------
    name : str
        Its directory or repository.
    title : str or None
        What its maker calls it; None for the title that follows from its datasets.
    suite : SuiteRecord or None
        What was built, where it is not the core suite.
    groups_sha256 : str or None
        Of the file that says which images belong together, where the benchmark has one.
    """

    name: Text
    version: Text
    fingerprint: Sha256
    title: Annotated[Title | None, Since(2)] = None
    datasets: Annotated[tuple[DatasetEntry, ...], Field(min_length=1)]
    suite: Annotated[SuiteRecord | None, Since(2)] = None
    groups_sha256: Annotated[Sha256 | None, Since(2)] = None

    @model_validator(mode="after")
    def _each_dataset_once(self) -> BenchmarkRecord:
        if len({entry.dataset for entry in self.datasets}) != len(self.datasets):
            raise ValueError("duplicate dataset")
        return self

    @property
    def shown_title(self) -> str:
        """What it is called: as its card has it, or as follows from the datasets scored."""
        imported = self.version if self.version in COLLECTIONS.values() else ""  # others have a number
        suite = self.suite.name if self.suite else CORE.name
        return benchmark_title(self.datasets, given=self.title, imported=imported, suite=suite)

    @property
    def suite_name(self) -> str:
        """Name, version and the start of the digest of the suite that was built; only its name of core."""
        one = self.suite
        return CORE.name if one is None else f"{one.name} {one.version} ({one.digest[:12]})"

    def dataset(self, name: str) -> DatasetEntry:
        """Return the entry of one dataset; KeyError if it was not scored."""
        for entry in self.datasets:
            if entry.dataset == name:
                return entry
        raise KeyError(name)


def benchmark_record(
    name: str, manifest: Manifest, *, datasets: Iterable[str] | None = None, split: str = "test"
) -> BenchmarkRecord:
    """Return the record of a benchmark, or of some datasets of it.

    Parameters
    ----------
    name : str
        Its directory, URL or repository; of a directory or URL only the last component is kept.
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
    groups = [file.sha256 for file in manifest.files if file.path == GROUPS_PATH]
    return BenchmarkRecord(
        name=_last(name),
        version=manifest.protocol.benchmark_version,
        fingerprint=manifest.fingerprint,
        title=manifest.title,
        datasets=tuple(entries),
        suite=manifest.suite,
        groups_sha256=groups[0] if groups else None,
    )


def _last(name: str) -> str:
    """Return the last component of a directory or URL: results do not show the folders above it."""
    if looks_like_url(name):
        return as_place(name, "benchmark").name
    return Path(name).resolve().name if Path(name).is_dir() else name


def first_images(record: BenchmarkRecord, count: int) -> BenchmarkRecord:
    """Return the record of a benchmark of which only the first images of each set are scored."""
    entries = (each.model_copy(update={"images": min(each.images, count)}) for each in record.datasets)
    return record.model_copy(update={"datasets": tuple(entries)})
