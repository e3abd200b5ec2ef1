"""The statistics file contract: ``stats/spectrum.parquet``, one row a set."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from medimeta_c.format.manifest import FileRecord, SetRecord
from medimeta_c.format.spectrum import BANDS, PROFILE_BINS
from medimeta_c.io.files import sha256_file, write_atomic

__all__ = ["SPECTRUM_PATH", "holds_spectra", "write_spectra"]

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
    BuildError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    pq.write_table(_table(sets), buffer)
    path = root / SPECTRUM_PATH
    write_atomic(path, buffer.getvalue())
    return FileRecord(path=SPECTRUM_PATH, bytes=path.stat().st_size, sha256=sha256_file(path))


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
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
