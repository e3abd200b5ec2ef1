"""Change Parquet files."""

from __future__ import annotations

import contextlib
import io
import random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuzz_mutators.pictures import png
from fuzz_mutators.texts import json_values
from fuzz_mutators.values import any_value, changed_tree, flip, nudged


def table_of(data: bytes) -> pa.Table:
    """Return the table of a Parquet file."""
    return pq.ParquetFile(io.BytesIO(data)).read(use_threads=False)


def parquet(data: bytes, draw: random.Random) -> bytes:
    """Change values, types, columns, rows or metadata of a Parquet file, and write it anew."""
    table = table_of(data)
    index = draw.randrange(table.num_columns)
    name = table.column_names[index]
    column = table.column(index)
    match draw.randrange(8):
        case 0:
            table = table.drop_columns([name])
        case 1:
            table = table.append_column(draw.choice((name, "extra")), column)
        case 2:
            kind = draw.choice((pa.string(), pa.int64(), pa.float64(), pa.binary(), pa.int8(), pa.bool_()))
            with contextlib.suppress(pa.ArrowException):
                table = table.set_column(index, name, column.cast(kind, safe=False))
        case 3:
            rows = draw.choice(([], [0], [*range(len(table)), 0], [*reversed(range(len(table)))]))
            table = table.take(pa.array([row for row in rows if row < len(table)], pa.int64()))
        case 4:
            metadata = dict(table.schema.metadata or {})
            if metadata:
                key = draw.choice(sorted(metadata))
                with contextlib.suppress(ValueError):
                    metadata[key] = json_values(metadata[key], draw)
            table = table.replace_schema_metadata(metadata if draw.random() < 0.8 else None)
        case _:
            values = column.to_pylist()
            for _ in range(draw.choice((1, 1, 3)) if values else 0):
                row = draw.randrange(len(values))
                values[row] = draw.choice(
                    (None, nudged(values[row], draw), any_value(draw), _changed_cell(values[row], draw))
                )
            with contextlib.suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
                table = table.set_column(index, table.schema.field(index), pa.array(values, column.type))
    stream = io.BytesIO()
    pq.write_table(
        table,
        stream,
        row_group_size=max(1, len(table) // draw.choice((1, 2, 7))),
        compression=draw.choice(("snappy", "none", "zstd")),
    )
    return stream.getvalue()


def _changed_cell(value: Any, draw: random.Random) -> Any:
    if isinstance(value, bytes):
        return flip(value, draw)
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        stored = value["bytes"]
        return {**value, "bytes": png(stored, draw) if stored.startswith(b"\x89PNG") else flip(stored, draw)}
    if isinstance(value, list):
        return changed_tree(value, draw)
    return value
