"""The answers contract: ``answers.parquet``, one row per image and condition, beside the predictions.

It holds what ``predictions.parquet`` has no column for. As there, the same columns hold a whole result and,
while it is unfinished, each single cell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medimeta_c.errors import ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.io import arrow
from medimeta_c.io.files import PART_SUFFIX, publish, writing
from medimeta_c.io.records import canonical_json
from medimeta_c.io.shown import short_repr

__all__ = ["ANSWERS_NAME", "CellAnswers", "answers_sha256", "read_answers", "write_answers", "write_groups"]

ANSWERS_NAME = "answers.parquet"

_KEY = (
    pa.field("dataset", pa.string()),
    pa.field("split", pa.string()),
    pa.field("corruption", pa.string()),
    pa.field("severity", pa.int8()),
    pa.field("image_id", pa.string()),
)
_OWN = (
    pa.field("orders", pa.list_(pa.int32())),
    pa.field("text", pa.string()),
    pa.field("log_probabilities", pa.list_(pa.float32())),
    pa.field("log_probabilities_per_token", pa.list_(pa.float32())),
    pa.field("without_image", pa.int64()),
    pa.field("with_grey_image", pa.int64()),
    pa.field("confidence_text", pa.string()),
    pa.field("confidence", pa.float32()),
)
_SCHEMA = pa.schema([*_KEY, *_OWN])
_MAX_ROWS = 20_000_000
_REMEDY = "evaluate the model again, or restore the file"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellAnswers:
    """What a model said about every image of one set, as the columns of ``answers.parquet``.

    Parameters
    ----------
    image_ids : tuple of str
        N ids, in the order of the predictions.
    orders : sequence of N sequences of int
        The orders of options that each image was asked in, by their place in the run's `option_orders`.
    texts : sequence of N str, or None
        Generated answers; None where answers were scored.
    log_probabilities, per_token : array of float32 (N, K), or None
        Mean over the orders of the log-probability of each class's answer: of the whole answer, and divided
        by its tokens. None where answers were generated.
    without_image, with_grey_image : array of int64 (N,)
        The predictions in the blind controls.
    confidence_texts : sequence of N str, or None
        What the model said to how sure it is; None where it was not asked.
    confidences : array of float32 (N,), or None
        The numbers in these, 0 to 1; NaN where there is none.
    """

    image_ids: tuple[str, ...]
    orders: Sequence[Sequence[int]]
    texts: Sequence[str] | None = None
    log_probabilities: NDArray[np.float32] | None = None
    per_token: NDArray[np.float32] | None = None
    without_image: NDArray[np.int64]
    with_grey_image: NDArray[np.int64]
    confidence_texts: Sequence[str] | None = None
    confidences: NDArray[np.float32] | None = None

    __repr__ = short_repr

    @property
    def columns(self) -> list[Sequence[Any]]:
        """Plain values of each column of its own, in the file's order; NaN is None."""
        n = len(self.image_ids)
        nothing: list[Any] = [None] * n
        read = nothing if self.confidences is None else _plain(self.confidences)
        return [
            [list(map(int, each)) for each in self.orders],
            nothing if self.texts is None else list(self.texts),
            *(
                nothing if each is None else [_plain(row) for row in each]
                for each in (self.log_probabilities, self.per_token)
            ),
            self.without_image.tolist(),
            self.with_grey_image.tolist(),
            nothing if self.confidence_texts is None else list(self.confidence_texts),
            read,
        ]

    def table(self, key: SetKey) -> pa.Table:
        """Return the rows of a set."""
        n = len(self.image_ids)
        names = [[one] * n for one in (key.dataset, key.split, key.corruption, key.severity)]
        values = [*names, list(self.image_ids), *self.columns]
        arrays = [pa.array(each, field.type) for each, field in zip(values, _SCHEMA, strict=True)]
        return pa.Table.from_arrays(arrays, schema=_SCHEMA)


def _plain(row: NDArray[np.float32]) -> list[float | None]:
    return [float(one) if np.isfinite(one) else None for one in row]


def answers_sha256(cells: Mapping[SetKey, CellAnswers]) -> str:
    """Return the digest of all that was said, whatever the form of the file."""
    state = hashlib.sha256()
    for key in sorted(cells):
        cell = cells[key]
        state.update(canonical_json([str(key), list(cell.image_ids), cell.columns]).encode())
    return state.hexdigest()


def write_answers(path: Path, cells: Mapping[SetKey, CellAnswers]) -> None:
    """Write cells in canonical order, a row group each; the file is whole or absent.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    write_groups(path, _SCHEMA, (cells[key].table(key) for key in sorted(cells)))


def write_groups(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write tables as the row groups of one Parquet file, which is whole or absent.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    part = path.parent / f".{path.name}{PART_SUFFIX}"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with arrow.parquet_writer(part, schema, compression="zstd") as writer:
                for table in tables:
                    writer.write_table(table, row_group_size=max(1, len(table)))
            publish(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def read_answers(path: Path) -> dict[SetKey, CellAnswers]:
    """Read and check answers, cell by cell.

    Raises
    ------
    ResultError
        If the file is missing, damaged, of another schema or too large.
    """
    try:
        with pq.ParquetFile(path) as file:
            if file.schema_arrow.names != _SCHEMA.names or file.schema_arrow.types != _SCHEMA.types:
                raise ResultError(f"{path} has other columns than answers have: {_REMEDY}")
            if file.metadata.num_rows > _MAX_ROWS:
                raise ResultError(f"{path} claims {file.metadata.num_rows} rows, more than any benchmark has")
            groups = [file.read_row_group(index) for index in range(file.metadata.num_row_groups)]
        return dict(_cell(path, table) for table in groups)
    except FileNotFoundError:
        raise ResultError(f"{path} is missing: {_REMEDY}") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError, TypeError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise ResultError(f"{path} is damaged ({reason}): {_REMEDY}") from error


def _cell(path: Path, table: pa.Table) -> tuple[SetKey, CellAnswers]:
    """Return the cell of one row group."""
    values = table.to_pydict()
    keys = set(zip(*(values[name] for name in ("dataset", "split", "corruption", "severity")), strict=True))
    if len(keys) != 1 or None in values["image_id"] or None in values["orders"]:
        raise ResultError(f"{path} does not hold one set a row group: {_REMEDY}")

    def floats(name: str) -> NDArray[np.float32] | None:
        found = values[name]
        return None if all(each is None for each in found) else np.array(found, dtype=np.float32)

    said = values["confidence_text"]
    asked = any(each is not None for each in said)
    return SetKey(*keys.pop()), CellAnswers(
        image_ids=tuple(values["image_id"]),
        orders=values["orders"],
        texts=None if all(each is None for each in values["text"]) else values["text"],
        log_probabilities=floats("log_probabilities"),
        per_token=floats("log_probabilities_per_token"),
        without_image=np.array(values["without_image"], dtype=np.int64),
        with_grey_image=np.array(values["with_grey_image"], dtype=np.int64),
        confidence_texts=said if asked else None,
        confidences=np.array(values["confidence"], dtype=np.float32) if asked else None,
    )
