"""Arrow tables of Python values, made without importing pandas, and Parquet files of them.

Where pandas is installed, `pyarrow.array` imports it to recognise its objects. A build has none of them, and
the import takes longer than rendering a hundred images.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError

__all__ = ["column", "parquet_writer", "table"]

_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""NumPy's names of the types that Arrow names otherwise; Arrow's own conversion may import pandas."""


def table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; a value that a row lacks is null.

    Parameters
    ----------
    rows : sequence of mapping
        Values by the name of their column; others are left out.
    schema : Schema
        Columns of the types that `column` takes.
    """
    columns = [column([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return values as an array: texts, numbers, or lists of numbers that are equally long.

    Parameters
    ----------
    values : sequence of str, int, float, sequence or None
        None is null; a list is never null, nor is a number in it.
    kind : DataType
        ``string``, an integer or floating-point type, or a list of a fixed size of these.

    Raises
    ------
    ConfigError
        If a number is not of the type, or outside its range.
    """
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(
            column(list(chain.from_iterable(values)), kind.value_type), type=kind
        )
    buffers = [None if None not in values else _bits([one is not None for one in values])]
    if pa.types.is_string(kind):
        texts = [(one or "").encode() for one in values]
        ends = np.fromiter(accumulate(map(len, texts), initial=0), np.int32)
        buffers += [pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    else:
        dtype = np.dtype(_FLOATS.get(str(kind), str(kind)))
        buffers.append(pa.py_buffer(_numbers([0 if one is None else one for one in values], dtype)))
    return pa.Array.from_buffers(kind, len(values), buffers)


def _numbers(values: Sequence[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers as an array of a type; a cast alone would wrap integers that do not fit."""
    found = np.array(values, dtype=None if values else dtype)
    if not np.can_cast(found.dtype, dtype, "same_kind"):
        raise ConfigError(f"a column of {dtype} holds {found.dtype} values: give values of its type")
    if dtype.kind in "iu" and found.size:
        least, most, limits = int(found.min()), int(found.max()), np.iinfo(dtype)
        if least < limits.min or most > limits.max:
            raise ConfigError(
                f"a column of {dtype} holds {least if least < limits.min else most}, and takes whole numbers "
                f"from {limits.min} to {limits.max}: give one of these"
            )
    return found.astype(dtype)


def _bits(valid: Sequence[bool]) -> pa.Buffer:
    """Return a bitmap of what is not null, the first value in the lowest bit."""
    return pa.py_buffer(np.packbits(np.array(valid, dtype=bool), bitorder="little"))


@contextlib.contextmanager
def parquet_writer(path: Path, schema: pa.Schema, **options: Any) -> Iterator[pq.ParquetWriter]:
    """Open a file for writing tables; it is closed with the block.

    Parameters
    ----------
    path : Path
        The file.
    schema : Schema
        Of the tables.
    **options
        As `pyarrow.parquet.ParquetWriter` takes them.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    sink = pa.OSFile(str(path), "wb")
    try:
        with pq.ParquetWriter(sink, schema, **options) as writer:
            yield writer
        sink.close()
    except BaseException:
        # Arrow closes a file that it forgets, and prints on stderr if that fails, too.
        with contextlib.suppress(OSError):
            sink.close()
        raise
