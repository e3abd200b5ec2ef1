"""Predictions of a sweep over prompts: ``prompts-sweep.parquet``, one row per image and condition.

The same columns hold a whole sweep and, while it is unfinished, each single cell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medimeta_c.errors import MediMetaError, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.shown import short_repr
from medimeta_c.results.predictions import NO_PREDICTION
from medimeta_c.results.words.answers import write_groups

__all__ = ["CELLS_NAME", "SweptCell", "cells_sha256", "read_swept_cells", "write_swept_cells"]

CELLS_NAME = "prompts-sweep.parquet"

_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("split", pa.string()),
        ("corruption", pa.string()),
        ("severity", pa.int8()),
        ("image_id", pa.string()),
        ("label", pa.int64()),
        ("predictions", pa.list_(pa.int16())),
    ]
)
_MAX_ROWS = 20_000_000
_MAX_PREDICTIONS = 1_000_000_000
_REMEDY = "run the sweep over prompts again, or restore the file"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SweptCell:
    """What a model says about every image of one set, prompt by prompt.

    Parameters
    ----------
    key : SetKey
        The set.
    image_ids : tuple of str
        N ids, distinct.
    labels : ndarray of int64, shape (N,)
        True labels.
    predictions : ndarray of int16, shape (N, P)
        The class predicted with each of P prompts, or `NO_PREDICTION` where a probability is not finite.

    Raises
    ------
    ResultError
        If the arrays do not fit together or a value is not what it must be.
    """

    key: SetKey
    image_ids: tuple[str, ...]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int16]

    __repr__ = short_repr

    def __post_init__(self) -> None:
        n, shape = len(self.image_ids), self.predictions.shape
        if len(shape) != 2 or not n or shape[0] != n or not shape[1] or self.labels.shape != (n,):
            raise ResultError(f"{self.key}: {n} images with predictions of shape {shape} are not valid")
        if len(set(self.image_ids)) != n:
            raise ResultError(f"{self.key}: there is a duplicate image id")
        if self.labels.min() < 0 or self.predictions.min() < NO_PREDICTION:
            raise ResultError(f"{self.key}: a label or a prediction is not a class")

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def ordered(self) -> SweptCell:
        """The cell in the order of its image ids."""
        order = sorted(range(len(self)), key=self.image_ids.__getitem__)
        return SweptCell(
            key=self.key,
            image_ids=tuple(self.image_ids[row] for row in order),
            labels=self.labels[order],
            predictions=self.predictions[order],
        )

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Which images are predicted right with each prompt, shape (N, P)."""
        return np.asarray(self.predictions == self.labels[:, None])

    @property
    def valid(self) -> NDArray[np.bool_]:
        """With which prompts every image has a prediction, shape (P,)."""
        return np.asarray((self.predictions != NO_PREDICTION).all(axis=0))

    def table(self) -> pa.Table:
        """Return the rows, in the order they have."""
        n, prompts = self.predictions.shape
        names = (self.key.dataset, self.key.split, self.key.corruption)
        ends = pa.array(np.arange(0, (n + 1) * prompts, prompts, dtype=np.int32))
        columns = [
            *(pa.array([name] * n, pa.string()) for name in names),
            pa.array([self.key.severity] * n, pa.int8()),
            pa.array(self.image_ids, pa.string()),
            pa.array(self.labels),
            pa.ListArray.from_arrays(ends, pa.array(np.ascontiguousarray(self.predictions).ravel())),
        ]
        return pa.Table.from_arrays(columns, schema=_SCHEMA)


def cells_sha256(cells: Mapping[SetKey, SweptCell]) -> str:
    """Return the digest of every id, label and prediction, whatever the order of cells and rows."""
    state = hashlib.sha256()
    for key in sorted(cells):
        cell = cells[key].ordered
        state.update(json.dumps([str(key), cell.predictions.shape, cell.image_ids]).encode())
        state.update(cell.labels.astype("<i8").tobytes())
        state.update(cell.predictions.astype("<i2").tobytes())
    return state.hexdigest()


def write_swept_cells(path: Path, cells: Iterable[SweptCell]) -> None:
    """Write cells in canonical order, a row group each; the file is whole or absent.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    write_groups(path, _SCHEMA, (cell.table() for cell in sorted(cells, key=lambda cell: cell.key)))


def read_swept_cells(path: Path) -> dict[SetKey, SweptCell]:
    """Read and check cells.

    Returns
    -------
    dict of SetKey to SweptCell
        In canonical order.

    Raises
    ------
    ResultError
        If the file is missing, damaged, of another schema, too large, or a row is not what it must be.
    """
    try:
        with pq.ParquetFile(path) as file:
            if file.schema_arrow.names != _SCHEMA.names or file.schema_arrow.types != _SCHEMA.types:
                raise ResultError(f"{path} has other columns than a sweep over prompts has: {_REMEDY}")
            meta = file.metadata
            groups = range(meta.num_row_groups)
            values = sum(meta.row_group(index).column(len(_SCHEMA) - 1).num_values for index in groups)
            if meta.num_rows > _MAX_ROWS or values > _MAX_PREDICTIONS:
                raise ResultError(
                    f"{path} claims {meta.num_rows} rows and {values} predictions, more than any sweep has"
                )
            cells = [_cell(path, file.read_row_group(index)) for index in groups]
    except FileNotFoundError:
        raise ResultError(f"{path} is missing: {_REMEDY}") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError, TypeError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise ResultError(f"{path} is damaged ({reason}): {_REMEDY}") from error
    except ResultError as error:
        raise error if str(path) in str(error) else ResultError(f"{path}: {error}; {_REMEDY}") from error
    except MediMetaError as error:  # an invalid name
        raise ResultError(f"{path}: {error}") from error
    found = {cell.key: cell for cell in cells}
    if len(found) != len(cells):
        raise ResultError(f"{path} has a set twice: {_REMEDY}")
    return dict(sorted(found.items()))


def _cell(path: Path, table: pa.Table) -> SweptCell:
    """Return the cell of one row group."""
    lists = table["predictions"].combine_chunks()
    names = ("dataset", "split", "corruption", "severity")
    keys = set(zip(*(table[name].to_pylist() for name in names), strict=True))
    if len(keys) != 1 or any(column.null_count for column in table.columns):
        raise ResultError(f"{path} does not hold one set a row group, every value of it given: {_REMEDY}")
    flat = lists.flatten()
    lengths = set(np.diff(lists.offsets.to_numpy()).tolist())
    if len(lengths) != 1 or flat.null_count:
        raise ResultError(f"{path} has rows with unequal numbers of predictions: {_REMEDY}")
    return SweptCell(
        key=SetKey(*keys.pop()),
        image_ids=tuple(table["image_id"].to_pylist()),
        labels=table["label"].to_numpy(),
        predictions=flat.to_numpy().reshape(len(table), lengths.pop()),
    )
