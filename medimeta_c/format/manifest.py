"""The manifest contract: what a built benchmark is, and the fingerprint that identifies it.

``manifest.json`` is written last. A directory without one is an unfinished build.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medimeta_c.errors import ManifestError, MediMetaError, short
from medimeta_c.format.keys import SetKey, check_name
from medimeta_c.format.seeding import SEED_SCHEME
from medimeta_c.format.spectrum import PROFILE_BINS
from medimeta_c.io.files import write_atomic

__all__ = [
    "IMPORTED",
    "MANIFEST_NAME",
    "DatasetRecord",
    "FileRecord",
    "Manifest",
    "Protocol",
    "RowDigest",
    "SetRecord",
    "ShardRecord",
    "SourceRecord",
    "SpectrumRecord",
    "dataset_fingerprint",
    "fingerprint",
    "read_manifest",
    "seal",
    "write_manifest",
]

MANIFEST_NAME = "manifest.json"
IMPORTED = "imported/"
"""Starts the seed scheme of a benchmark whose pixels were not rendered here."""
SCHEMA_VERSION = 1

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
# No part of it may start with a dot, so it cannot leave the tree or name a hidden file.
RelativePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*$")]


class _Record(BaseModel):
    """Frozen, strict about unknown keys, and free of NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Protocol(_Record):
    """How pixels came about. Builds of different protocols never share a directory.

    Attributes
    ----------
    benchmark_version : str
        Version of the benchmark's pixels.
    seed : int
        The root of every image's seed.
    seed_scheme : str
        How an image's generator derives from the seed. A scheme that starts with ``imported/`` says that
        nothing was rendered: the pixels were taken as others published them, and the seed, 0, means nothing.
    channels : {"source", "rgb"}
        Whether grey images stayed grey or were copied to three channels before corruption.
    """

    benchmark_version: str
    seed: int
    seed_scheme: str = SEED_SCHEME
    channels: Literal["source", "rgb"]

    @property
    def imported(self) -> bool:
        """Whether the pixels were taken as they are, so that they cannot be rendered again."""
        return self.seed_scheme.startswith(IMPORTED)


class FileRecord(_Record):
    """A file of the tree, by path relative to the root, with forward slashes."""

    path: RelativePath
    bytes: Count
    sha256: Sha256


class ShardRecord(FileRecord):
    """One Parquet file of a set."""

    rows: Count


class SpectrumRecord(_Record):
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


class SetRecord(_Record):
    """One finished set: its rows, shards, row digest and spectrum."""

    dataset: str
    split: str
    corruption: str
    severity: int
    rows: Count
    rows_sha256: Sha256
    shards: Annotated[tuple[ShardRecord, ...], Field(min_length=1)]
    spectrum: SpectrumRecord

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
            raise ValueError(f"set {key} has {self.rows} rows but its shards have another number")
        return self


class SourceRecord(_Record):
    """What was read for one dataset: its source's info, and a checksum of the files."""

    dataset: str
    kind: str
    title: str
    modality: str
    task: str
    class_names: tuple[str, ...]
    channels: Literal[1, 3]
    splits: Mapping[str, Count]
    license: str
    citation: str
    homepage: str
    checksum: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class DatasetRecord(SourceRecord):
    """A source, and the fingerprint of what was built from it."""

    fingerprint: Sha256


class Manifest(_Record):
    """Everything a built benchmark is. Datasets and sets are in canonical (sorted) order."""

    schema_version: Literal[1] = 1
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


def fingerprint(datasets: Iterable[DatasetRecord]) -> str:
    """Return the fingerprint of the whole: SHA-256 over the datasets' fingerprints, by name."""
    state = hashlib.sha256()
    for record in sorted(datasets, key=lambda record: record.dataset):
        state.update(f"{record.dataset}\t{record.fingerprint}\n".encode())
    return state.hexdigest()


def _canonical(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _self_digest(values: Mapping[str, Any]) -> str:
    """Return the digest of a manifest's content without its own digest."""
    return hashlib.sha256(_canonical({**values, "manifest_sha256": ""})).hexdigest()


def seal(manifest: Manifest) -> Manifest:
    """Return the manifest with the digest of its own content filled in."""
    return manifest.model_copy(update={"manifest_sha256": _self_digest(manifest.model_dump(mode="json"))})


def write_manifest(root: Path, manifest: Manifest) -> Manifest:
    """Seal and write a manifest atomically; return the sealed one."""
    sealed = seal(manifest)
    text = json.dumps(sealed.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write_atomic(root / MANIFEST_NAME, text.encode() + b"\n")
    return sealed


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest.

    Parameters
    ----------
    path : Path
        The ``manifest.json`` itself.

    Raises
    ------
    ManifestError
        If it is missing, not JSON, of another schema, or not what was written (edited).
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique_keys)
        own_digest = _self_digest(values) if isinstance(values, dict) else ""
    except FileNotFoundError:
        raise ManifestError(
            f"{path} is missing: this is not a finished build; run the same `medimeta-c build` command "
            "again to finish it"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ManifestError(f"{path} cannot be read as JSON ({error}): restore it or build again") from error
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise ManifestError(
            f"{path} has schema version {version!r}, this package reads {SCHEMA_VERSION}: use the package "
            "version that built it, or build again"
        )
    if values.get("manifest_sha256") != own_digest:
        raise ManifestError(
            f"{path} was edited after it was written (its own digest differs): restore it, or delete it and "
            "build again"
        )
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = short(".".join(map(str, first["loc"])) or "manifest")
        raise ManifestError(f"{path} is not valid at {where}: {first['msg']}; build again") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is given twice")
    return values
