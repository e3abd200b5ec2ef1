"""Records of a manifest: what was built, how, and from what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from medimeta_c.errors import MediMetaError
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import SetKey, check_name
from medimeta_c.format.parts import PartRecord
from medimeta_c.format.seeding import SEED_SCHEME
from medimeta_c.format.spectrum import PROFILE_BINS
from medimeta_c.format.suite import CORE, Suite
from medimeta_c.io.records import Count, Document, Name, Record, Sha256, Since, Text
from medimeta_c.io.text import Title

__all__ = [
    "GROUPS_PATH",
    "IMPORTED",
    "CorruptionRecord",
    "FileRecord",
    "Manifest",
    "PluginRecord",
    "Protocol",
    "SetRecord",
    "ShardRecord",
    "SpectrumRecord",
    "SuiteRecord",
    "suite_record",
]

GROUPS_PATH = "stats/groups.parquet"
"""Which images are of one patient: dataset, split, image_id and group, a running number."""

IMPORTED = "imported/"
"""Starts the seed scheme of a benchmark whose pixels were not rendered here."""

_SHOWN = 8

# No part of a path may start with a dot, so a path cannot leave the tree or name a hidden file.
RelativePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*$")]


class Protocol(Record):
    """How pixels were made. Builds of different protocols never share a directory.

    Attributes
    ----------
    benchmark_version : str
        Version of the benchmark's pixels.
    seed : int
        The root of every image's seed.
    seed_scheme : str
        How an image's generator derives from the seed. A scheme that starts with ``imported/`` says that
        nothing was rendered: the pixels were taken as others published them, and the seed, 0, means nothing.
    channels : {"source", "rgb", "grey", "luma"}
        What became of channels before corruption: kept; grey copied to three; three equal ones made one; or
        colour converted to luma.
    window : str or None
        How values of more than 8 bits became 8; None where none was given, so no image had more.
    frames : {"one", "each"}
        Whether each file was one image, or each frame of a DICOM file.
    """

    benchmark_version: str
    seed: int
    seed_scheme: str = SEED_SCHEME
    channels: Literal["source", "rgb", "grey", "luma"]
    window: Annotated[str | None, Since(2)] = None
    frames: Annotated[Literal["one", "each"], Since(2)] = "one"

    def needs_schema(self) -> int:
        """Return 2 for the channels that version 1 did not know."""
        return 2 if self.channels in ("grey", "luma") else 1

    @property
    def imported(self) -> bool:
        """Whether the pixels were taken as they are, so that they cannot be rendered again."""
        return self.seed_scheme.startswith(IMPORTED)


class FileRecord(Record):
    """A file of the tree, by path relative to the root, with forward slashes."""

    path: RelativePath
    bytes: Count
    sha256: Sha256


class ShardRecord(FileRecord):
    """One Parquet file of a set."""

    rows: Count


class SpectrumRecord(Record):
    """Means of the DCT statistics over a set's images.

    The profile and DC average all images; shares and centroid average the `images_with_ac` images that have
    AC energy, and are None when there are none.
    """

    images_with_ac: Count
    dc: float
    profile: Annotated[tuple[float, ...], Field(min_length=PROFILE_BINS, max_length=PROFILE_BINS)]
    low: float | None
    mid: float | None
    high: float | None
    centroid: float | None


class SetRecord(Record):
    """One finished set: its rows, shards, row digest and spectrum.

    Attributes
    ----------
    padded : int or None
        Of a clean set in a suite that leaves padding alone: images with zeros along a border.
    encoder : str or None
        What encoded its images, where that is not the manifest's encoder.
    clean_distance : float or None
        Mean absolute difference from the clean images, of imported ones that get nearer to them from one
        severity to the next.
    """

    dataset: str
    split: str
    corruption: str
    severity: int
    rows: Count
    rows_sha256: Sha256
    shards: Annotated[tuple[ShardRecord, ...], Field(min_length=1)]
    spectrum: SpectrumRecord
    padded: Annotated[Count | None, Since(2)] = None
    encoder: Annotated[str | None, Since(2)] = None
    clean_distance: Annotated[float | None, Field(ge=0), Since(2)] = None

    @property
    def key(self) -> SetKey:
        """The set's identity."""
        return SetKey(self.dataset, self.split, self.corruption, self.severity)

    @model_validator(mode="after")
    def _shards_belong_to_the_set(self) -> SetRecord:
        try:
            key = self.key
        except MediMetaError as error:
            raise ValueError(str(error)) from error
        total = len(self.shards)
        for index, shard in enumerate(self.shards):
            expected = f"{key.folder}/severity-{key.severity}-{index:05d}-of-{total:05d}.parquet"
            if shard.path != expected:
                raise ValueError(f"set {key} lists the shard {shard.path!r}, not {expected!r}")
        if sum(shard.rows for shard in self.shards) != self.rows:
            raise ValueError(f"set {key} has {self.rows} rows, but its shards have another number of rows")
        return self


class SuiteRecord(Record):
    """The suite that was built; a manifest without one has the core suite, version 1.0."""

    name: Name
    version: Text
    digest: Sha256


def suite_record(suite: Suite) -> SuiteRecord | None:
    """Return what a file says of its suite; nothing of the core suite."""
    if suite.name == CORE.name:
        return None
    return SuiteRecord(name=suite.name, version=suite.version, digest=suite.digest)


class CorruptionRecord(Record):
    """What a suite's corruption is at each severity.

    Attributes
    ----------
    parameter : str
        What the values are, with their unit.
    values : tuple
        A number or several for each severity, mildest first.
    distances : tuple of float
        How far each severity looks from the clean picture, measured once on other pictures: ColorVideoVDP's
        JOD, where 10 is no difference. None were measured where there are none.
    assumptions : str
        What is taken for granted of an image.
    """

    parameter: Text
    values: tuple[float | tuple[float, ...], ...]
    distances: tuple[float, ...] = ()
    assumptions: str = ""


class PluginRecord(Record):
    """A corruption or source family of another distribution that took part in making a file.

    Attributes
    ----------
    distribution : str
        What to install to have the name; ``python:<module>`` for an object that was given in Python.
    version : str
        The distribution's.
    """

    name: Text
    distribution: Text
    version: Text


class Manifest(Document):
    """Everything a built benchmark is. Datasets and sets are in canonical (sorted) order.

    Attributes
    ----------
    benchmark : str
        The name of the format.
    title : str or None
        What its maker calls it; None for the title that follows from its datasets (`display.title_of`).
    suite : SuiteRecord or None
        What was built, where it is not the core suite.
    corruptions : dict
        The suite's corruptions that were built, by name, where it is not the core suite.
    rng : str or None
        Which random numbers corruptions draw, where the suite says so.
    plugins : tuple of PluginRecord
        What other distributions brought to the build.
    limited : int or None
        Only this many images of each split were built: a trial, not the benchmark.
    part : PartRecord or None
        The part of a build that is listed, where it is not the whole.
    """

    benchmark: Literal["MediMeta-C"] = "MediMeta-C"
    package_version: str
    protocol: Protocol
    encoder: str
    libraries: Mapping[str, str]
    datasets: tuple[DatasetRecord, ...]
    sets: tuple[SetRecord, ...]
    files: tuple[FileRecord, ...]
    fingerprint: Sha256
    manifest_sha256: str = ""
    title: Annotated[Title | None, Since(2)] = None
    suite: Annotated[SuiteRecord | None, Since(2)] = None
    corruptions: Annotated[dict[Name, CorruptionRecord], Since(2)] = Field(default_factory=dict)
    rng: Annotated[Text | None, Since(2)] = None
    plugins: Annotated[tuple[PluginRecord, ...], Since(2)] = ()
    limited: Annotated[int | None, Field(ge=1), Since(2)] = None
    part: Annotated[PartRecord | None, Since(2)] = None

    def needs_schema(self) -> int:
        """Return 2 for the groups of images, a file that version 1 did not know."""
        return 2 if any(record.path == GROUPS_PATH for record in self.files) else 1

    def __repr__(self) -> str:
        images = sum(record.rows for record in self.sets)
        names = [record.dataset for record in self.datasets]
        shown = ", ".join(names) if len(names) <= _SHOWN else f"{len(names)} datasets"
        return f"Manifest({shown}: {len(self.sets)} sets, {images} images, {self.fingerprint[:12]!r}...)"

    def dataset(self, name: str) -> DatasetRecord:
        """Return the record of one dataset; KeyError if it is not part of the build."""
        return next(record for record in self.datasets if record.dataset == name)

    @model_validator(mode="after")
    def _sets_have_datasets(self) -> Manifest:
        names = [check_name("dataset", record.dataset) for record in self.datasets]
        keys = [record.key for record in self.sets]
        if len(set(names)) != len(names) or len(set(keys)) != len(keys):
            raise ValueError("a dataset or set is listed twice")
        if {key.dataset for key in keys} != set(names):
            raise ValueError("the sets listed and the datasets listed do not match")
        if not all(record.fingerprint for record in self.datasets):
            raise ValueError("a dataset has no fingerprint")
        return self
