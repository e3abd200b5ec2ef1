"""The Parquet contract: columns, feature metadata, and the writer and reader of a set's shards."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medimeta_c.errors import ShardError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import ShardRecord
from medimeta_c.format.png import EXTENSION
from medimeta_c.format.spectrum import BANDS, Spectrum
from medimeta_c.io import arrow
from medimeta_c.io.files import PART_SUFFIX, publish, sha256_file, writing
from medimeta_c.io.stores.stored import Place, StoredPath

__all__ = [
    "MAX_SHARD_BYTES",
    "ROW_GROUP_BYTES",
    "ROW_GROUP_ROWS",
    "Row",
    "ShardWriter",
    "features",
    "has_classes",
    "image_path",
    "read_row_group",
    "read_tables",
    "row_group_rows",
    "schema",
]

MAX_SHARD_BYTES = 500_000_000
ROW_GROUP_ROWS = 100
ROW_GROUP_BYTES = 100_000_000
"""A row group has no more, or one image alone; `datasets` draws the line there, too."""

# What the `datasets` library itself writes for image datasets and the Hub's viewer reads best: image bytes
# plain and uncompressed (PNG does not compress again), the rest dictionary-coded, page index,
# content-defined chunks so that a re-upload sends only what changed. tests/test_shards.py compares these.
_CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
_IMAGE_LEAVES = ("image.bytes", "image.path")

_COLUMNS: tuple[tuple[str, str], ...] = (
    ("image_id", "string"),
    ("dataset", "string"),
    ("split", "string"),
    ("corruption", "string"),
    ("severity", "int8"),
    ("pixels_sha256", "string"),
    ("dct_low", "float32"),
    ("dct_mid", "float32"),
    ("dct_high", "float32"),
    ("dct_centroid", "float32"),
)
_TYPES = {"string": pa.string(), "int8": pa.int8(), "float32": pa.float32()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rendered image, encoded.

    Parameters
    ----------
    image_id : str
        The image's id in its dataset.
    label : int
        Index into the dataset's class names.
    data : bytes
        The encoded image.
    pixels_sha256 : str
        Digest of the decoded pixels.
    spectrum : Spectrum
        DCT statistics of the pixels.
    """

    image_id: str
    label: int
    data: bytes
    pixels_sha256: str
    spectrum: Spectrum


def features(class_names: Sequence[str]) -> dict[str, Any]:
    """Return the Hugging Face feature types of a row, as their JSON metadata states them."""
    return {
        "image": {"_type": "Image"},
        "label": {"names": list(class_names), "_type": "ClassLabel"},
        **{name: {"dtype": dtype, "_type": "Value"} for name, dtype in _COLUMNS},
    }


def schema(class_names: Sequence[str]) -> pa.Schema:
    """Return the Arrow schema of a shard, with the metadata that restores Image and ClassLabel."""
    fields = [
        pa.field("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        pa.field("label", pa.int64()),
        *(pa.field(name, _TYPES[dtype]) for name, dtype in _COLUMNS),
    ]
    metadata = {"huggingface": json.dumps({"info": {"features": features(class_names)}})}
    return pa.schema(fields, metadata=metadata)


def image_path(key: SetKey, image_id: str) -> str:
    """Return the bare, virtual file name a row's image goes by."""
    stem = f"{key.dataset}_{key.split}_{image_id}_{key.corruption}_{key.severity}"
    return f"{stem.replace('/', '__')}.{EXTENSION}"


class ShardWriter:
    """Write one set's rows as shards of bounded size, all or nothing.

    A context manager: rows are buffered one row group at a time and written to hidden part files in the
    set's folder; `finish` renames them all. Leaving the block without `finish` removes every part.

    Parameters
    ----------
    root : Path
        The benchmark's root.
    key : SetKey
        The set written.
    class_names : sequence of str
        Class names in label order.
    max_bytes : int, optional
        A shard is closed when its images reach this size.
    """

    def __init__(
        self, root: Path, key: SetKey, class_names: Sequence[str], *, max_bytes: int = MAX_SHARD_BYTES
    ) -> None:
        self._root, self._key, self._max_bytes = root, key, max_bytes
        self._schema = schema(class_names)
        self._group: list[Row] = []
        self._parts: list[tuple[Path, int]] = []
        self._file = contextlib.ExitStack()
        self._writer: pq.ParquetWriter | None = None
        self._shard_rows = self._shard_bytes = self._group_bytes = 0

    def __enter__(self) -> ShardWriter:
        with writing(self._root / self._key.folder):
            (self._root / self._key.folder).mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        except OSError:
            if error is None:
                raise
        for part, _ in self._parts:
            part.unlink(missing_ok=True)

    def add(self, row: Row) -> None:
        """Take in one row; rows must come in image-id order.

        Raises
        ------
        WriteError
            If the disk is full or not writable.
        """
        if self._group and self._group_bytes + len(row.data) > ROW_GROUP_BYTES:
            self._flush()
        self._group.append(row)
        self._shard_bytes += len(row.data)
        self._group_bytes += len(row.data)
        if len(self._group) == ROW_GROUP_ROWS:
            self._flush()
        if self._shard_bytes >= self._max_bytes:
            self._close_shard()

    def finish(self) -> tuple[ShardRecord, ...]:
        """Write what is buffered, give every shard its final name, and return their records."""
        if self._group or not self._parts:
            self._flush()
        self._close_shard()
        total = len(self._parts)
        records = []
        for index, (part, rows) in enumerate(self._parts):
            name = f"severity-{self._key.severity}-{index:05d}-of-{total:05d}.parquet"
            path = f"{self._key.folder}/{name}"
            with writing(self._root / path):
                size, sha256 = part.stat().st_size, sha256_file(part)
                publish(part, self._root / path)
            records.append(ShardRecord(path=path, rows=rows, bytes=size, sha256=sha256))
        self._parts.clear()
        self._remove_other_shards({record.path for record in records})
        return tuple(records)

    def _flush(self) -> None:
        """Write the buffered rows as one row group, opening a shard if none is open."""
        with writing(self._root / self._key.folder):
            if self._writer is None:
                self._writer = self._open_part()
            table = self._table()
            self._shard_rows += table.num_rows
            self._group.clear()  # the table has a copy, and writing needs another
            self._group_bytes = 0
            self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        del table
        pa.default_memory_pool().release_unused()  # which it would keep for the next group

    def _open_part(self) -> pq.ParquetWriter:
        # The process id keeps apart a worker that outlives a killed build for a moment, and the next build's.
        name = f".severity-{self._key.severity}-{len(self._parts):05d}-{os.getpid()}{PART_SUFFIX}"
        part = self._root / self._key.folder / name
        self._parts.append((part, 0))
        plain = dict.fromkeys(_IMAGE_LEAVES, "PLAIN")
        others = ["label", *(name for name, _ in _COLUMNS)]
        return self._file.enter_context(
            arrow.parquet_writer(
                part,
                self._schema,
                compression={**dict.fromkeys(_IMAGE_LEAVES, "none"), **dict.fromkeys(others, "snappy")},
                use_dictionary=others,
                column_encoding=plain,
                write_page_index=True,
                use_content_defined_chunking=_CHUNKING,
            )
        )

    def _close_shard(self) -> None:
        if self._group:
            self._flush()
        if self._writer is None:
            return
        with writing(self._root / self._key.folder):
            self._writer.add_key_value_metadata({"content_defined_chunking": json.dumps(_CHUNKING)})
            self._file.close()
        self._writer = None
        self._parts[-1] = (self._parts[-1][0], self._shard_rows)
        self._shard_rows = self._shard_bytes = 0

    def _remove_other_shards(self, kept: set[str]) -> None:
        """Remove shards of this set from an earlier build that split it differently."""
        for old in (self._root / self._key.folder).glob(f"severity-{self._key.severity}-*.parquet"):
            if f"{self._key.folder}/{old.name}" not in kept:
                old.unlink()

    def _table(self) -> pa.Table:
        rows = [
            {
                "label": row.label,
                "image_id": row.image_id,
                **asdict(self._key),
                "pixels_sha256": row.pixels_sha256,
                **{f"dct_{name}": getattr(row.spectrum, name) for name in (*BANDS, "centroid")},
            }
            for row in self._group
        ]
        others = arrow.table(rows, self._schema.remove(0))
        return pa.Table.from_arrays([self._images(), *others.columns], schema=self._schema)

    def _images(self) -> pa.StructArray:
        # Joined at once: an array that grows while bytes are added takes up to twice their memory.
        data = b"".join([row.data for row in self._group])
        ends = np.cumsum([0, *(len(row.data) for row in self._group)], dtype=np.int32)
        images = pa.BinaryArray.from_buffers(
            pa.binary(), len(self._group), [None, pa.py_buffer(ends), pa.py_buffer(data)]
        )
        paths = arrow.column([image_path(self._key, row.image_id) for row in self._group], pa.string())
        return pa.StructArray.from_arrays([images, paths], fields=list(self._schema.field("image").type))


def read_tables(
    path: Place,
    columns: Sequence[str] | None = None,
    *,
    batch_rows: int = ROW_GROUP_ROWS,
    batch_bytes: int | None = None,
) -> Iterator[pa.Table]:
    """Yield a shard's rows as tables of at most `batch_rows` rows, without reading the file whole.

    With `batch_bytes`, tables have fewer rows where these are so large that they would be larger than that.

    Raises
    ------
    ShardError
        If the file is missing, damaged, has not the columns of this contract, or no value where it needs one.
    """
    with _opened(path) as file:
        if batch_bytes is not None:
            groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
            largest = max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=0)
            batch_rows = max(1, min(batch_rows, batch_bytes // max(1, largest)))
        for batch in file.iter_batches(batch_size=batch_rows, columns=columns):
            yield _checked(path, pa.Table.from_batches([batch]))


def row_group_rows(path: Place) -> tuple[int, ...]:
    """Return the rows of each row group of a shard, from its footer; raises as `read_tables` does."""
    with _opened(path) as file:
        return tuple(file.metadata.row_group(index).num_rows for index in range(file.num_row_groups))


def has_classes(path: Place, class_names: Sequence[str]) -> bool:
    """Return whether a shard's own metadata names these classes; raises as `read_tables` does."""
    with _opened(path) as file:
        found = (file.schema_arrow.metadata or {}).get(b"huggingface")
        return bool(found == schema(class_names).metadata[b"huggingface"])


def read_row_group(path: Place, index: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Return one row group of a shard; raises as `read_tables` does."""
    # One row group is kept, however it is read: the requests to a store for its columns can be joined.
    with _opened(path, joined=True) as file:
        return _checked(path, file.read_row_group(index, columns=columns, use_threads=False))


def _checked(path: Place, table: pa.Table) -> pa.Table:
    """Check that a table's texts are valid UTF-8 and its rows complete; one flipped byte can break either."""
    table.validate(full=True)
    for name in table.column_names:
        # DCT shares are null for a constant image; a missing image is for its reader to name.
        if table[name].null_count and name != "image" and not name.startswith("dct_"):
            raise ShardError(f"{path} has a row without {name}: move it away and run the build again")
    return table


@contextlib.contextmanager
def _opened(path: Place, *, joined: bool = False) -> Iterator[pq.ParquetFile]:
    """Open a shard, compare its columns with the contract, and turn any failure into a ShardError.

    Only what is read is fetched from a store; what was read is then still what the store has.
    """
    try:
        stored = path if isinstance(path, StoredPath) else None
        # Without pre-buffering: with it, pyarrow keeps every row group read so far, up to the whole file.
        file = pq.ParquetFile(
            path if stored is None else stored.open(), pre_buffer=joined and stored is not None
        )
        try:
            expected = schema(())
            if file.schema_arrow.names != expected.names or file.schema_arrow.types != expected.types:
                raise ShardError(f"{path} has other columns than a MediMeta-C shard: build it again")
            yield file
            if stored is not None:
                stored.check()
        finally:
            with contextlib.suppress(OSError):  # it was only read: nothing is lost
                file.close()
    except FileNotFoundError:
        raise ShardError(f"{path} is missing: run the build again to restore it") from None
    except UnicodeEncodeError:
        raise ShardError(
            f"{str(path)!r} is not valid Unicode here: set PYTHONUTF8=1, or move the benchmark elsewhere"
        ) from None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ShardError(f"{path} is damaged ({reason}): move it away and run the build again") from error
