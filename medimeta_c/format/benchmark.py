"""Open a built benchmark, local or on the Hub, and read its sets and their images."""

from __future__ import annotations

import dataclasses
import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, ManifestError, Remedy, ShardError, unknown_name
from medimeta_c.format import png
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.display import title_of
from medimeta_c.format.keys import Image, SetKey, chosen_of
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest
from medimeta_c.format.manifest.records import Manifest, SetRecord
from medimeta_c.format.repository import Directory, StoredTree, open_repository
from medimeta_c.format.shards import has_classes, read_tables
from medimeta_c.format.spectrum import BANDS
from medimeta_c.format.stats import GROUPS_PATH, read_groups
from medimeta_c.format.views.image_set import ImageSet, key_of
from medimeta_c.io.hub_client import REPO_ID
from medimeta_c.io.settings import StrPath
from medimeta_c.io.shown import short_repr
from medimeta_c.io.stores.stored import Place, StoredPath, as_place
from medimeta_c.io.tables.frame import data_frame
from medimeta_c.io.tables.notebook import notebook_html
from medimeta_c.io.tables.table import Column, Table, texts

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Batch", "Benchmark", "open_benchmark"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Consecutive rows of one set.

    Parameters
    ----------
    key : SetKey
        The set.
    images : tuple of ndarray
        uint8, each (H, W) or (H, W, 3); sizes may differ between images.
    labels : ndarray of shape (N,)
        int64 indices into the dataset's class names.
    image_ids : tuple of str
        Ids, in row order.
    """

    key: SetKey
    images: tuple[Image, ...]
    labels: NDArray[np.int64]
    image_ids: tuple[str, ...]

    __repr__ = short_repr

    def __len__(self) -> int:
        return len(self.image_ids)


class Benchmark:
    """A built benchmark, read shard by shard; no set is ever held in memory.

    Parameters
    ----------
    name : str
        The directory, URL or repository, for messages.
    manifest : Manifest
        What was built.
    fetch : callable
        Turns a path relative to the root into a file that can be read, downloading it if need be.
    commit : str, optional
        The commit of the repository that is read; None for a directory.
    """

    def __init__(
        self, name: str, manifest: Manifest, fetch: Callable[[str], Place], *, commit: str | None = None
    ) -> None:
        self.name, self.manifest, self.commit, self._fetch = name, manifest, commit, fetch
        self._records = {record.key: record for record in manifest.sets}

    def __repr__(self) -> str:
        return f"Benchmark({self.name!r}, {len(self)} sets of {', '.join(self.datasets)})"

    def __len__(self) -> int:
        """Return the number of sets."""
        return len(self._records)

    def __iter__(self) -> Iterator[ImageSet]:
        return (ImageSet(self, key) for key in self._records)

    def __contains__(self, where: object) -> bool:
        return key_of(where) in self._records

    def __getitem__(self, where: SetKey | tuple[str | int, ...]) -> ImageSet:
        """Return one set: ``bench["pbc", "contrast", 3]``.

        Parameters
        ----------
        where : tuple or SetKey
            Dataset, corruption, severity, of the split test; or dataset, split, corruption, severity. Of
            clean images the severity may be left out.

        Raises
        ------
        ConfigError
            If it was not built.
        """
        return ImageSet(self, key_of(where))

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values."""
        return self.manifest.to_dict()

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each set: its key, images, bytes, and the mean shares of its spectrum.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame(
            {
                **dataclasses.asdict(key),
                "images": record.rows,
                "bytes": sum(shard.bytes for shard in record.shards),
                **{f"dct_{name}": getattr(record.spectrum, name) for name in (*BANDS, "centroid")},
            }
            for key, record in self._records.items()
        )

    def _repr_html_(self) -> str:
        """Return a table of the datasets, for a notebook."""
        sets = Counter(key.dataset for key in self._records)
        table = Table(
            caption=f"{self.title}, fingerprint {self.fingerprint[:12]}",
            columns=(
                *(Column(header, "label") for header in ("Dataset", "Title", "Modality")),
                *map(Column, ("Classes", "Channels", "Sets")),
            ),
            rows=tuple(
                texts(
                    *(one.dataset, one.title, one.modality),
                    *map(str, (len(one.class_names), one.channels, sets[one.dataset])),
                )
                for one in self.manifest.datasets
            ),
        )
        return notebook_html(f"{self.name}: {len(self)} sets", [table])

    @property
    def title(self) -> str:
        """What it is called."""
        return title_of(self.manifest)

    @property
    def fingerprint(self) -> str:
        """SHA-256 that identifies the benchmark's rows and pixels."""
        return self.manifest.fingerprint

    @property
    def datasets(self) -> tuple[str, ...]:
        """Dataset ids, sorted."""
        return tuple(record.dataset for record in self.manifest.datasets)

    @property
    def sets(self) -> tuple[SetKey, ...]:
        """Every set, in canonical order."""
        return tuple(self._records)

    def dataset(self, name: str) -> DatasetRecord:
        """Return what is known of one dataset; raises ConfigError if it was not built."""
        if name not in self.datasets:
            raise unknown_name("dataset", name, self.datasets)
        return self.manifest.dataset(name)

    def chosen(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the datasets of these names, all for ``"all"``; raises ConfigError if one was not built."""
        return tuple(self.dataset(name).dataset for name in chosen_of(names, self.datasets))

    def class_names(self, dataset: str) -> tuple[str, ...]:
        """Return a dataset's class names in label order."""
        return self.dataset(dataset).class_names

    def record(self, key: SetKey) -> SetRecord:
        """Return the record of one set; raises ConfigError if it was not built."""
        if key not in self._records:
            raise ConfigError(f"{self.name} has no set {key}: {self._nearest(key)}")
        return self._records[key]

    def _nearest(self, key: SetKey) -> str:
        """Return what to do about a set that is not there, by the first part of its key that no set has."""
        sets = list(self.sets)
        for part in ("dataset", "split", "corruption", "severity"):
            wanted = str(getattr(key, part))
            known = list(dict.fromkeys(str(getattr(each, part)) for each in sets))
            if wanted not in known:
                near = difflib.get_close_matches(wanted, known, n=1)
                advice = f"did you mean {near[0]!r}?" if near else f"build it, or choose another {part}"
                return f"{advice} ({part}: {', '.join(known)})"
            sets = [each for each in sets if str(getattr(each, part)) == wanted]
        return "build it"

    def shard_paths(self, key: SetKey) -> tuple[Place, ...]:
        """Return the files of a set's shards: local ones, fetched from the Hub if need be, or in a store."""
        return tuple(self._fetch(shard.path) for shard in self.record(key).shards)

    def groups(self, split: str) -> dict[str, dict[str, int]]:
        """Return the group (patient) of each image of a split by dataset and id; empty where none is known.

        Raises
        ------
        ShardError
            If the file of groups is missing, damaged, or not what the manifest says.
        """
        listed = [file for file in self.manifest.files if file.path == GROUPS_PATH]
        return read_groups(self._fetch(GROUPS_PATH), listed[0], split) if listed else {}

    def check_classes(self, key: SetKey) -> None:
        """Raise ShardError if a shard of a set has other class names than the manifest."""
        for path in self.shard_paths(key):
            if not has_classes(path, self.class_names(key.dataset)):
                raise ShardError(
                    f"set {key} of {self.name} has class names or feature types other than its manifest's: "
                    "verify it"
                )

    def tables(
        self, key: SetKey, columns: Sequence[str] | None = None, *, batch_rows: int = 100
    ) -> Iterator[pa.Table]:
        """Yield a set's rows as Arrow tables of at most `batch_rows` rows.

        Raises
        ------
        ShardError
            If a shard is missing or damaged, or the set has another number of rows than the manifest says.
        """
        rows = 0
        for path in self.shard_paths(key):
            for table in read_tables(path, columns, batch_rows=batch_rows):
                self.shard_paths(key)  # raises if a build replaced one before it was opened
                rows += table.num_rows
                yield table
        expected = self.record(key).rows
        if rows != expected:
            raise ShardError(
                f"set {key} of {self.name} has {rows} rows, its manifest says {expected}: verify it"
            )

    def batches(self, key: SetKey, *, batch_size: int = 64) -> Iterator[Batch]:
        """Yield a set's images, decoded, in image-id order.

        Parameters
        ----------
        key : SetKey
            The set.
        batch_size : int, optional
            Rows a batch; the last of each shard may have fewer.

        Yields
        ------
        Batch
            Images, labels and ids.
        """
        if batch_size < 1:
            raise ConfigError(f"batch size {batch_size} is not valid: use 1 or more")
        for table in self.tables(key, ("image", "label", "image_id"), batch_rows=batch_size):
            image_ids = tuple(table["image_id"].to_pylist())
            yield Batch(
                key=key,
                images=tuple(
                    self.decoded(key, image_id, data)
                    for image_id, data in zip(image_ids, _image_bytes(table), strict=True)
                ),
                labels=table["label"].to_numpy().astype(np.int64, copy=False),
                image_ids=image_ids,
            )

    def decoded(self, key: SetKey, image_id: str, data: bytes | None) -> Image:
        """Return the pixels of an image's bytes; a ShardError names it if they are none."""
        try:
            return png.decode(data or b"")
        except ShardError as error:
            raise ShardError(f"set {key} of {self.name}, image {image_id}: {error}; verify it") from error


def _image_bytes(table: pa.Table) -> list[bytes | None]:
    column = table["image"].combine_chunks()
    data: list[bytes | None] = column.field("bytes").to_pylist()
    return data


def open_benchmark(where: StrPath, *, revision: str | None = None) -> Benchmark:
    """Open a built benchmark.

    Parameters
    ----------
    where : str or path
        A directory that `medimeta-c build` wrote, its URL in an object store (``s3://bucket/folder``), whose
        shards are then read in ranges, without a local copy; or a dataset repository ``ORG/NAME`` or
        ``ORG/NAME@REVISION`` on the Hub. Of a repository only the manifest is fetched now; shards are when
        their set is read, and are checked against the manifest then. What the Hub's cache has is not fetched
        again, and is enough without a connection.
    revision : str, optional
        Branch, tag or commit of a repository.

    Returns
    -------
    Benchmark
        Its sets, labels and batches.

    Raises
    ------
    ConfigError
        If a revision is given for a directory, or given twice; or a URL is not valid or supported.
    StoreError
        If a store fails.
    ManifestError
        If there is no finished build there, or its manifest is damaged.

    Examples
    --------
    >>> bench = open_benchmark("MediMeta-C")                            # doctest: +SKIP
    >>> for batch in bench.batches(bench.sets[0], batch_size=32):       # doctest: +SKIP
    ...     print(batch.images[0].shape, batch.labels[:3])
    """
    folder = as_place(where, "benchmark")
    if isinstance(folder, StoredPath):
        return _open_stored(folder, revision)
    if folder.is_dir():
        if revision is not None:
            raise ConfigError(
                f"{where} is a local directory, which has no revisions: leave the revision {revision!r} out"
            )
        manifest = read_manifest(folder / MANIFEST_NAME)
        return Benchmark(str(folder), manifest, Directory(folder, manifest).fetch)
    repo_id, at, named = str(where).partition("@")
    reason = "is not a directory" if folder.exists() else "does not exist"
    if not REPO_ID.fullmatch(repo_id) or (at and not named):
        raise ManifestError(
            f"{where} {reason}, and is not a repository id (ORG/NAME or ORG/NAME@REVISION)",
            remedy=Remedy("check the path"),
        )
    if at and revision is not None:
        raise ConfigError(f"the revision is given twice, {named!r} and {revision!r}: leave one of them out")
    repository = open_repository(repo_id, named or revision)
    return Benchmark(str(where), repository.manifest, repository.fetch, commit=repository.commit)


def _open_stored(root: StoredPath, revision: str | None) -> Benchmark:
    if revision is not None:
        raise ConfigError(
            f"{root} is a URL: leave the revision {revision!r} out; in a URL of the Hub it stands after an @"
        )
    root = root.settled()
    manifest = read_manifest(root / MANIFEST_NAME)
    return Benchmark(str(root), manifest, StoredTree(root, manifest).fetch)
