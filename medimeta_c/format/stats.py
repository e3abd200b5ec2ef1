"""Files in ``stats``: the spectrum of each set, and which images belong to the same patient."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medimeta_c.errors import ShardError, short
from medimeta_c.format.manifest.records import GROUPS_PATH, FileRecord, SetRecord
from medimeta_c.format.spectrum import BANDS, PROFILE_BINS
from medimeta_c.io import arrow
from medimeta_c.io.files import sha256_file, write_atomic
from medimeta_c.io.stores.stored import Place

__all__ = ["GROUPS_PATH", "SPECTRUM_PATH", "holds_spectra", "read_groups", "write_groups", "write_spectra"]

SPECTRUM_PATH = "stats/spectrum.parquet"

_SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.string()),
        pa.field("split", pa.string()),
        pa.field("corruption", pa.string()),
        pa.field("severity", pa.int8()),
        pa.field("images", pa.int64()),
        pa.field("images_with_ac", pa.int64()),
        pa.field("dc", pa.float64()),
        pa.field("profile", pa.list_(pa.float64(), PROFILE_BINS)),
        pa.field("dct_low", pa.float64()),
        pa.field("dct_mid", pa.float64()),
        pa.field("dct_high", pa.float64()),
        pa.field("dct_centroid", pa.float64()),
    ]
)
_GROUPS = pa.schema(
    [
        pa.field("dataset", pa.string()),
        pa.field("split", pa.string()),
        pa.field("image_id", pa.string()),
        pa.field("group", pa.int64()),
    ]
)

_COLUMNS = {name: f"dct_{name}" for name in (*BANDS, "centroid")}


def write_spectra(root: Path, sets: Sequence[SetRecord]) -> FileRecord:
    """Write the mean radial DCT profile and band shares of every set.

    Parameters
    ----------
    root : Path
        The benchmark's root.
    sets : sequence of SetRecord
        In canonical order.

    Returns
    -------
    FileRecord
        Path, size and digest of the file written.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    return _write(root, SPECTRUM_PATH, _table(sets))


def holds_spectra(root: Path, sets: Sequence[SetRecord]) -> bool:
    """Return whether the statistics file can be read and says of the sets what the manifest says."""
    try:
        with pq.ParquetFile(root / SPECTRUM_PATH) as file:
            wanted = file.schema_arrow.equals(_SCHEMA) and file.metadata.num_rows == len(sets)
            return bool(wanted and file.read().equals(_table(sets)))
    except (pa.ArrowException, OSError):
        return False


def _table(sets: Sequence[SetRecord]) -> pa.Table:
    rows = [
        {
            "images": record.rows,
            **dict(record),
            **{_COLUMNS.get(name, name): value for name, value in record.spectrum},
        }
        for record in sets
    ]
    return arrow.table(rows, _SCHEMA)


def write_groups(
    root: Path, sets: Sequence[SetRecord], groups: Mapping[tuple[str, str], Mapping[str, int]]
) -> list[FileRecord]:
    """Write which images are of one patient, if that is known of any; what earlier builds wrote is kept.

    Parameters
    ----------
    root : Path
        The benchmark's root.
    sets : sequence of SetRecord
        Those that the benchmark has.
    groups : mapping of (str, str) to mapping of str to int
        The patient's number by image, by dataset and split.

    Returns
    -------
    list of FileRecord
        The file written, or nothing.

    Raises
    ------
    WriteError
        If the file cannot be written.
    ShardError
        If that of an earlier build is damaged.
    """
    path, places = root / GROUPS_PATH, {(record.dataset, record.split) for record in sets}
    earlier: dict[tuple[str, str], dict[str, int]] = {}
    # A file that holds nothing beyond what is known now is simply written again, even if damaged.
    for row in _rows_of_groups(path)[0] if places - groups.keys() and path.is_file() else ():
        earlier.setdefault((row["dataset"], row["split"]), {})[row["image_id"]] = row["group"]
    known: Mapping[tuple[str, str], Mapping[str, int]] = {**earlier, **groups}
    rows = [
        {"dataset": dataset, "split": split, "image_id": image_id, "group": known[dataset, split][image_id]}
        for dataset, split in sorted(places & known.keys())
        for image_id in sorted(known[dataset, split])
    ]
    return [_write(root, GROUPS_PATH, arrow.table(rows, _GROUPS))] if rows else []


def read_groups(path: Place, record: FileRecord, split: str) -> dict[str, dict[str, int]]:
    """Return the running number of each image's group, by dataset and image id, of one split.

    Raises
    ------
    ShardError
        If the file is missing, damaged, or not what the manifest says.
    """
    rows, sha256 = _rows_of_groups(path)
    if sha256 != record.sha256:
        raise ShardError(f"{path} is not what its manifest says (its SHA-256 differs): restore it")
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["split"] == split:
            found.setdefault(row["dataset"], {})[row["image_id"]] = row["group"]
    return found


def _rows_of_groups(path: Place) -> tuple[list[dict[str, Any]], str]:
    """Return every row of a file of groups, and its SHA-256.

    Raises ShardError if it is damaged or has other columns.
    """
    try:
        data = path.read_bytes()
        table = pq.read_table(io.BytesIO(data), columns=_GROUPS.names).cast(_GROUPS)
    except (pa.ArrowException, OSError) as error:
        raise ShardError(
            f"{path} cannot be read ({short(error)}): restore it, or move it away and build again"
        ) from error
    rows: list[dict[str, Any]] = table.to_pylist()
    places = {tuple(row[name] for name in _GROUPS.names[:-1]) for row in rows}
    if len(places) != len(rows) or any(None in row.values() for row in rows):
        raise ShardError(
            f"{path} has an empty value or a duplicate image: restore it, or move it away and build again"
        )
    return rows, hashlib.sha256(data).hexdigest()


def _write(root: Path, name: str, table: pa.Table) -> FileRecord:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    path = root / name
    write_atomic(path, buffer.getvalue())
    return FileRecord(path=name, bytes=path.stat().st_size, sha256=sha256_file(path))
