"""The manifest contract: the content of a built benchmark, and the fingerprint that identifies it.

``manifest.json`` is written last. A directory without one is an unfinished build.
"""

from __future__ import annotations

import hashlib
import json
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from medimeta_c.errors import ManifestError, MediMetaError, Remedy
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import SetKey, check_name
from medimeta_c.format.parts import FOLDER, PartRecord, part_folders
from medimeta_c.format.seeding import SEED_SCHEME
from medimeta_c.format.spectrum import PROFILE_BINS
from medimeta_c.format.suite import CORE, Suite
from medimeta_c.io.files import is_locked
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import (
    Count,
    Document,
    Name,
    Record,
    Sha256,
    Since,
    Text,
    canonical_json,
    dump,
    write_record,
)
from medimeta_c.io.stores.stored import Place, StoredPath
from medimeta_c.io.text import Title

__all__ = [
    "BUILD_LOCK",
    "GROUPS_PATH",
    "IMPORTED",
    "MANIFEST_NAME",
    "CorruptionRecord",
    "DatasetRecord",
    "FileRecord",
    "Manifest",
    "PluginRecord",
    "Protocol",
    "RowDigest",
    "SetRecord",
    "ShardRecord",
    "SpectrumRecord",
    "SuiteRecord",
    "dataset_fingerprint",
    "fingerprint",
    "fingerprint_faults",
    "read_manifest",
    "seal",
    "suite_record",
    "write_manifest",
]

MANIFEST_NAME = "manifest.json"
BUILD_LOCK = f"{FOLDER}/build.lock"
MAX_BYTES = 256 << 20
"""Largest manifest read: a thousand datasets of the core suite have about 150 MB."""

GROUPS_PATH = "stats/groups.parquet"
"""Which images are of one patient: dataset, split, image_id and group, a running number."""

IMPORTED = "imported/"
"""Starts the seed scheme of a benchmark whose pixels were not rendered here."""
_REMEDY = "restore it or build again"
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


class RowDigest:
    """Running SHA-256 over the rows of one set: image id, label and pixel digest, in row order.

    Each row enters as one line of JSON, ``["<image_id>",<label>,"<pixels_sha256>"]``, in UTF-8.
    """

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def add(self, image_id: str, label: int, pixels_sha256: str) -> None:
        """Take in one row."""
        row = json.dumps([image_id, label, pixels_sha256], separators=(",", ":"), ensure_ascii=False)
        self._state.update(f"{row}\n".encode())

    def hexdigest(self) -> str:
        """Return the digest of the rows taken in so far."""
        return self._state.hexdigest()


def dataset_fingerprint(class_names: Iterable[str], sets: Iterable[SetRecord]) -> str:
    """Return the fingerprint of one dataset's sets.

    SHA-256 over the class names in label order (so that a label means one class) and, in canonical order,
    each set with the digest of its rows. Scores compare only where fingerprints are equal.
    """
    state = hashlib.sha256(json.dumps(list(class_names), ensure_ascii=False).encode() + b"\n")
    for record in sorted(sets, key=lambda record: record.key):
        state.update(f"{record.key}\t{record.rows_sha256}\n".encode())
    return state.hexdigest()


class Fingerprinted(typing.Protocol):
    """A dataset with its fingerprint, whatever else is recorded of it."""

    @property
    def dataset(self) -> str:
        """Its id."""

    @property
    def fingerprint(self) -> str:
        """Of its sets."""


def fingerprint(datasets: Iterable[Fingerprinted]) -> str:
    """Return the fingerprint of the whole: SHA-256 over the datasets' fingerprints, by name."""
    state = hashlib.sha256()
    for record in sorted(datasets, key=lambda record: record.dataset):
        state.update(f"{record.dataset}\t{record.fingerprint}\n".encode())
    return state.hexdigest()


def fingerprint_faults(manifest: Manifest) -> Iterator[str]:
    """Yield an error for each fingerprint that does not match its content: the manifest was edited."""
    for record in manifest.datasets:
        own = [one for one in manifest.sets if one.dataset == record.dataset]
        if dataset_fingerprint(record.class_names, own) != record.fingerprint:
            yield f"the fingerprint of {record.dataset!r} does not follow from its sets (manifest edited)"
    if fingerprint(manifest.datasets) != manifest.fingerprint:
        yield "the fingerprint does not follow from the datasets' fingerprints (manifest edited)"


def _self_digest(values: Mapping[str, Any]) -> str:
    """Return the digest of a manifest's content without its own digest."""
    return hashlib.sha256(canonical_json({**values, "manifest_sha256": ""}).encode()).hexdigest()


def seal(manifest: Manifest) -> Manifest:
    """Return the manifest with the digest of its own content filled in."""
    return manifest.model_copy(update={"manifest_sha256": _self_digest(dump(manifest))})


def write_manifest(root: Path, manifest: Manifest) -> Manifest:
    """Seal and write a manifest atomically; return the sealed one."""
    sealed = seal(manifest)
    write_record(root / MANIFEST_NAME, sealed)
    return sealed


def read_manifest(path: Place, *, of_part: bool = False) -> Manifest:
    """Read and check a manifest.

    Parameters
    ----------
    path : Path or StoredPath
        The ``manifest.json`` itself.
    of_part : bool, optional
        Whether that of a part of a build is wanted, instead of a benchmark's.

    Raises
    ------
    ManifestError
        If it is missing, not JSON, of a later schema, not what was written (edited), or of a part where a
        benchmark is wanted, or the other way round.
    """
    _require_there(path)
    manifest = Reader(remedy=_REMEDY, error=ManifestError, max_bytes=MAX_BYTES).read(
        path, Manifest, check=lambda values: _check_seal(values, path)
    )
    if manifest.part is not None and not of_part:
        raise _unmerged(path.parent, manifest.part.name)
    if manifest.part is None and of_part:
        raise ManifestError(f"{path} is the manifest of a whole benchmark, not of a part of a build")
    return manifest


def _require_there(path: Place) -> None:
    """Raise ManifestError if a manifest is not there, and say what is there instead."""
    if isinstance(path, StoredPath):
        if path.find() is None:
            path.require_bucket()
            raise ManifestError(
                f"{path} does not exist: there is no finished build at {path.parent}",
                remedy=[Remedy("check the URL"), Remedy("run the same build again to finish it")],
            )
        return
    if not path.parent.is_dir():
        reason = "is no folder" if path.parent.exists() else "does not exist"
        raise ManifestError(f"{path.parent} {reason}", remedy=Remedy("give the folder of a built benchmark"))
    if not path.exists():
        above = next((each for each in path.parent.absolute().parents if (each / path.name).is_file()), None)
        if above is not None:
            raise ManifestError(
                f"{path.parent} is a folder inside the benchmark {above}",
                remedy=Remedy("give {0}", above),
            )
        if parts := list(part_folders(path.parent).values()):
            more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
            raise _unmerged(path.parent, ", ".join(parts[:_SHOWN]) + more)
        if is_locked(path.parent / BUILD_LOCK):
            raise ManifestError(f"a build is running in {path.parent}", remedy=Remedy("wait until it ends"))
        raise ManifestError(
            f"{path} is missing: this is not a finished build; run the same `medimeta-c build` (or import) "
            "command again to finish it"
        )


def _unmerged(folder: Place, what: str) -> ManifestError:
    return ManifestError(
        f"{folder} is not a whole benchmark but {what} of a build",
        remedy=Remedy("merge all parts with {command}", command="merge"),
    )


def _check_seal(values: Mapping[str, Any], path: Place) -> None:
    """Refuse a manifest whose own digest is not that of its content."""
    try:
        sealed = values.get("manifest_sha256") == _self_digest(values)
    except UnicodeEncodeError:  # half a character, which no manifest of ours holds
        sealed = False
    if not sealed:
        raise ManifestError(
            f"{path} was edited after it was written (its own digest differs): restore it, or build into "
            "another directory"
        )
