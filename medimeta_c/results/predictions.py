"""The predictions contract: ``predictions.parquet``, one row per image and condition.

The same columns hold a whole result and, while it is unfinished, each single cell.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from medimeta_c.errors import MediMetaError, ResultError
from medimeta_c.format.keys import SetKey
from medimeta_c.io.shown import short_repr
from medimeta_c.metrics.correctness import CorrectnessTable, correctness_tables
from medimeta_c.metrics.scores import NO_ANSWER, NO_PREDICTION
from medimeta_c.results.words.answers import CellAnswers, write_groups

__all__ = [
    "NO_ANSWER",
    "NO_PREDICTION",
    "PREDICTIONS_NAME",
    "CellPredictions",
    "correctness_of",
    "read_predictions",
    "write_predictions",
]

PREDICTIONS_NAME = "predictions.parquet"

_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("split", pa.string()),
        ("corruption", pa.string()),
        ("severity", pa.int8()),
        ("image_id", pa.string()),
        ("label", pa.int64()),
        ("prediction", pa.int64()),
        ("probabilities", pa.list_(pa.float32())),
    ]
)
_SUM_TOLERANCE = 1e-3
_TIE_TOLERANCE = 1e-6  # softmax may make equal in float32 what the logits told apart
# A few kB of Parquet can claim any number of rows. The suite has 200 thousand, all of MedMNIST-C 10 million.
_MAX_ROWS = 20_000_000
_MAX_PROBABILITIES = 200_000_000
_REMEDY = "evaluate the model again, or restore the file"

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellPredictions:
    """What a model says about every image of one set.

    Parameters
    ----------
    key : SetKey
        The set.
    image_ids : tuple of str
        N ids, distinct.
    labels : ndarray of int64, shape (N,)
        True labels, 0 to K - 1.
    predictions : ndarray of int64, shape (N,)
        The most probable class, or `NO_PREDICTION` where the probabilities are not finite. Without
        probabilities: the class named, `NO_ANSWER`, or `NO_PREDICTION`.
    probabilities : ndarray of float32, shape (N, K), or None
        Class probabilities; every finite row sums to 1. None of a model that answers in words.
    answers : CellAnswers, optional
        What a model that answers in words said. It is not part of the digest and has a file of its own.

    Raises
    ------
    ResultError
        If the arrays do not fit together or a row is not what it must be.
    """

    key: SetKey
    image_ids: tuple[str, ...]
    labels: Integers
    predictions: Integers
    probabilities: Floats | None
    answers: CellAnswers | None = None

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if reason := _first_flaw(self):
            raise ResultError(f"predictions of {self.key} are not valid: {reason}")

    def __len__(self) -> int:
        return len(self.image_ids)

    @classmethod
    def of(  # noqa: PLR0913  (the columns)
        cls,
        key: SetKey,
        image_ids: Iterable[str],
        labels: ArrayLike,
        probabilities: ArrayLike | None,
        *,
        predictions: ArrayLike | None = None,
        answers: CellAnswers | None = None,
    ) -> CellPredictions:
        """Return predictions from probabilities, or of a model that answers in words from its answers.

        Parameters
        ----------
        key, image_ids, labels, probabilities
            As the class has them; any row with NaN or infinity counts as one without prediction.
        predictions : array_like of int, optional
            The class of the highest logit; by default that of the highest probability, the first on a tie.
        answers : CellAnswers, optional
            What a model that answers in words said.
        """
        p = None if probabilities is None else np.asarray(probabilities, dtype=np.float32)
        chosen = None if predictions is None else np.asarray(predictions, dtype=np.int64)
        if p is not None:
            finite: NDArray[np.bool_] = np.asarray(np.isfinite(p).all(axis=1))
            best = np.where(finite[:, None], p, 0).argmax(axis=1) if chosen is None else chosen
            chosen = np.where(finite, best, NO_PREDICTION)
        elif chosen is None:
            raise ResultError(f"there are neither probabilities nor predictions of {key}")
        return cls(
            key=key,
            image_ids=tuple(image_ids),
            labels=np.asarray(labels, dtype=np.int64),
            predictions=chosen,
            probabilities=p,
            answers=answers,
        )

    @property
    def classes(self) -> int | None:
        """Number of classes; None without probabilities."""
        return None if self.probabilities is None else self.probabilities.shape[1]

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Which images have a prediction, or at least an answer that names no class."""
        return np.asarray(self.predictions != NO_PREDICTION)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Which images are predicted right."""
        return np.asarray(self.predictions == self.labels)

    @property
    def digest(self) -> str:
        """SHA-256 of every id, label, prediction and probability, whatever the order of the rows."""
        order = sorted(range(len(self)), key=self.image_ids.__getitem__)
        head = [len(self), self.classes, [self.image_ids[row] for row in order]]
        state = hashlib.sha256(json.dumps(head).encode())
        for array in (self.labels, self.predictions):
            state.update(array[order].astype("<i8").tobytes())
        if self.probabilities is not None:
            # One NaN for all: others differ in bits that no reader sees.
            p = self.probabilities[order]
            state.update(np.where(np.isnan(p), np.float32(np.nan), p).astype("<f4").tobytes())
        return state.hexdigest()

    def table(self) -> pa.Table:
        """Return the rows, in the order they have."""
        n = len(self)
        names = (self.key.dataset, self.key.split, self.key.corruption)
        columns = [
            *(pa.array([name] * n, pa.string()) for name in names),
            pa.array([self.key.severity] * n, pa.int8()),
            pa.array(self.image_ids, pa.string()),
            pa.array(self.labels),
            pa.array(self.predictions),
            _lists(n, self.probabilities),
        ]
        return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _lists(n: int, p: Floats | None) -> pa.Array:
    if p is None:
        return pa.nulls(n, _SCHEMA.field("probabilities").type)
    k = p.shape[1]
    offsets = pa.array(np.arange(0, (n + 1) * k, k, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(p).ravel()))


def correctness_of(cells: Mapping[SetKey, CellPredictions]) -> dict[str, CorrectnessTable]:
    """Return which images are right, by dataset; cells with an image without prediction are left out."""
    return correctness_tables(
        {key: (cell.image_ids, cell.correct) for key, cell in cells.items() if cell.finite.all()}
    )


def write_predictions(path: Path, cells: Iterable[CellPredictions]) -> None:
    """Write cells in canonical order, a row group each; the file is whole or absent.

    Raises
    ------
    WriteError
        If it cannot be written.
    """
    ordered = sorted(cells, key=lambda cell: cell.key)
    write_groups(path, _SCHEMA, (cell.table() for cell in ordered))


def read_predictions(path: Path) -> dict[SetKey, CellPredictions]:
    """Read and check predictions, cell by cell.

    Returns
    -------
    dict of SetKey to CellPredictions
        In canonical order.

    Raises
    ------
    ResultError
        If the file is missing, damaged, of another schema, too large, or a row is not what it must be.
    """
    try:
        table = _read_table(path)
        if any(column.null_count for column in table.drop_columns("probabilities").columns):
            raise ResultError(f"{path} has rows without a value: {_REMEDY}")
        return dict(_cells(table))
    except FileNotFoundError:
        raise ResultError(f"{path} is missing: {_REMEDY}") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise ResultError(f"{path} is damaged ({reason}): {_REMEDY}") from error
    except ResultError as error:
        raise error if str(path) in str(error) else ResultError(f"{path}: {error}; {_REMEDY}") from error
    except MediMetaError as error:  # an invalid name
        raise ResultError(f"{path}: {error}") from error


def _read_table(path: Path) -> pa.Table:
    """Return the file's table if its schema and size are those of predictions."""
    with pq.ParquetFile(path) as file:
        if file.schema_arrow.names != _SCHEMA.names or file.schema_arrow.types != _SCHEMA.types:
            raise ResultError(f"{path} has other columns than predictions have: {_REMEDY}")
        meta = file.metadata
        groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
        values = sum(group.column(len(_SCHEMA) - 1).num_values for group in groups)
        if meta.num_rows > _MAX_ROWS or values > _MAX_PROBABILITIES:
            raise ResultError(
                f"{path} claims {meta.num_rows} rows and {values} probabilities, more than any benchmark has"
            )
        return file.read()


def _cells(table: pa.Table) -> Iterator[tuple[SetKey, CellPredictions]]:
    """Yield the cells of a table whose rows come in any order."""
    names = ["dataset", "split", "corruption", "severity"]
    rows = table.select(names).append_column("row", pa.array(np.arange(len(table))))
    # One thread keeps the order of the rows.
    groups = rows.group_by(names, use_threads=False).aggregate([("row", "list")])
    keys = [SetKey(*name) for name in zip(*groups.select(names).to_pydict().values(), strict=True)]
    by_key = dict(zip(keys, groups["row_list"], strict=True))
    for key in sorted(by_key):
        part = table.take(by_key[key].values).combine_chunks()
        yield (
            key,
            CellPredictions(
                key=key,
                image_ids=tuple(part["image_id"].to_pylist()),
                labels=part["label"].to_numpy(),
                predictions=part["prediction"].to_numpy(),
                probabilities=_probabilities(key, part["probabilities"].combine_chunks()),
            ),
        )


def _probabilities(key: SetKey, lists: pa.ListArray) -> Floats | None:
    if lists.null_count == len(lists):
        return None
    lengths = np.diff(lists.offsets.to_numpy())
    if (lengths != lengths[0]).any() or lists.null_count or lists.flatten().null_count:
        raise ResultError(f"predictions of {key} are not valid: rows have unequal numbers of probabilities")
    return np.asarray(lists.flatten().to_numpy().reshape(len(lengths), int(lengths[0])))


def _first_flaw(cell: CellPredictions) -> str | None:
    """Return what is first wrong with a cell's rows, None if nothing is."""
    ids, labels, predictions, p = cell.image_ids, cell.labels, cell.predictions, cell.probabilities
    shape = (len(ids), 2) if p is None else p.shape
    if cell.answers is not None and cell.answers.image_ids != ids:
        return "the answers are of other images"
    if len(shape) != 2 or shape[1] < 2 or not len(ids) == len(labels) == len(predictions) == shape[0] > 0:
        return f"{len(ids)} images with {len(labels)} labels and probabilities of shape {shape}"
    if len(set(ids)) != len(ids):
        return "there is a duplicate image id"
    checks = _flaws_of_words(labels, predictions) if p is None else _flaws(labels, predictions, p)
    return next((reason for wrong, reason in checks if wrong.any()), None)


def _flaws_of_words(labels: Integers, predictions: Integers) -> Iterator[tuple[NDArray[Any], str]]:
    yield labels < 0, "a label is below 0"
    yield predictions < NO_ANSWER, "a prediction is not a class"


def _flaws(labels: Integers, predictions: Integers, p: Floats) -> Iterator[tuple[NDArray[Any], str]]:
    """Yield the rows with each flaw, and its name; each check assumes that the ones before it passed."""
    finite = np.isfinite(p).all(axis=1)
    rows = p[finite]
    yield (labels < 0) | (labels >= p.shape[1]), f"a label is not in 0 to {p.shape[1] - 1}"
    yield finite != (predictions != NO_PREDICTION), "a row without finite probabilities has a prediction"
    yield (rows < 0) | (rows > 1), "a probability is not between 0 and 1"
    off = abs(rows.sum(axis=1, dtype=np.float64) - 1) > _SUM_TOLERANCE
    yield off, "the probabilities of a row do not sum to 1"
    yield (predictions < NO_PREDICTION) | (predictions >= p.shape[1]), "a prediction is not a class"
    chosen = rows[np.arange(len(rows)), predictions[finite]]
    yield chosen < rows.max(axis=1, initial=0) - _TIE_TOLERANCE, "a prediction is not the most probable class"
