"""Read predictions that another program wrote, as Parquet or CSV."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, ResultError, short
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.metrics.scores import NO_ANSWER, NO_PREDICTION

__all__ = ["GivenRows", "Ordered", "read_given"]

_KEY = ("dataset", "split", "corruption", "severity")
_COLUMNS = {"set", *_KEY, "image_id", "prediction", "probabilities", "label"}
_MAX_ROWS = 20_000_000
_MAX_BYTES = 4 << 30
_MOST = 10**9  # no dataset has an index beyond
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_REMEDY = "see docs/evaluation.md for the columns"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ordered:
    """Rows of one set in the benchmark's order: class indices, probabilities (N, K), labels."""

    predictions: NDArray[np.int64] | None
    probabilities: NDArray[np.float32] | None
    labels: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenRows:
    """Rows of one set, as the file has them.

    Parameters
    ----------
    image_ids : list of str
        In any order.
    predictions : list or None
        Class names, or indices; None or an empty text for no answer.
    probabilities : list or None
        A list of numbers for each image.
    labels : list of int or None
        True labels, if the file has them.
    """

    image_ids: list[str]
    predictions: list[Any] | None
    probabilities: list[Any] | None
    labels: list[Any] | None

    def in_order(self, image_ids: Sequence[str], class_names: Sequence[str]) -> Ordered:
        """Return the rows in the order of a benchmark's ids.

        Raises
        ------
        ResultError
            If ids are missing, unknown or there twice, or a value is no class of the dataset.
        """
        place = {image_id: row for row, image_id in enumerate(self.image_ids)}
        if len(place) < len(self.image_ids):
            twice = Counter(self.image_ids).most_common(1)[0][0]
            raise ResultError(f"image {twice!r} is there twice")
        if missing := [each for each in image_ids if each not in place]:
            raise ResultError(f"{len(missing)} images are missing (first {missing[0]!r})")
        if len(place) > len(image_ids):
            unknown = next(iter(place.keys() - set(image_ids)))
            raise ResultError(f"image {unknown!r} is not of the set")
        order = [place[each] for each in image_ids]
        said, p, labels = (
            None if column is None else _at(column, order)
            for column in (self.predictions, self.probabilities, self.labels)
        )
        return Ordered(
            predictions=None if said is None else _indices(said, class_names),
            probabilities=None if p is None else _matrix(p, len(class_names)),
            labels=None if labels is None else _integers(labels, "label"),
        )


def read_given(path: Path, split: str) -> dict[SetKey, GivenRows]:
    """Read predictions of sets.

    Parameters
    ----------
    path : Path
        A ``.csv`` file in UTF-8, else Parquet. Columns: ``set`` (``oct/test/contrast/severity-3``), or
        ``dataset``, ``corruption``, ``severity`` and optionally ``split``; ``image_id``; ``prediction`` (a
        class name, or its index from 0; empty for no answer), ``probabilities`` (a list over the classes in
        label order; in CSV as a JSON list), or both; optionally ``label``, which must then be the
        benchmark's. Other columns are ignored.
    split : str
        The split of rows that name none.

    Returns
    -------
    dict of SetKey to GivenRows

    Raises
    ------
    ResultError
        If the file is missing, too large, of another form, or has no rows.
    """
    table = _read(path)
    names = set(table.column_names)
    _check_columns(path, table.schema)
    if "image_id" not in names or not names & {"prediction", "probabilities"}:
        raise ResultError(
            f"{path} has the columns {short(', '.join(table.column_names))}: it must have image_id, and "
            f"prediction or probabilities; {_REMEDY}"
        )
    if "set" not in names and not {"dataset", "corruption", "severity"} <= names:
        raise ResultError(
            f"{path} does not say of which set its rows are: it must have the column set, or dataset, "
            f"corruption and severity; {_REMEDY}"
        )
    if not table.num_rows:
        raise ResultError(f"{path} has no rows")
    rows: dict[SetKey, list[int]] = defaultdict(list)
    keys: dict[tuple[Any, ...], SetKey] = {}
    for row, given in enumerate(_keys(table, split)):
        if given not in keys:
            keys[given] = _key(path, row, given)
        rows[keys[given]].append(row)
    column = {
        name: table[name].to_pylist()
        for name in ("image_id", "prediction", "probabilities", "label")
        if name in names
    }
    return {
        key: GivenRows(
            image_ids=[str(each) for each in _at(column["image_id"], at)],
            predictions=_of(column, "prediction", at),
            probabilities=_of(column, "probabilities", at),
            labels=_of(column, "label", at),
        )
        for key, at in rows.items()
    }


def _read(path: Path) -> pa.Table:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ResultError(f"{path} is larger than {_MAX_BYTES >> 30} GB: give one file for each dataset")
        if path.suffix.lower() == ".csv":
            return _read_csv(path)
        file = pq.ParquetFile(path)
        if file.metadata.num_rows > _MAX_ROWS:
            raise ResultError(f"{path} says that it has {file.metadata.num_rows:,} rows, too many to be read")
        return file.read(columns=[name for name in file.schema_arrow.names if name in _COLUMNS])
    except FileNotFoundError:
        raise ResultError(f"{path} does not exist: give a Parquet or CSV file of predictions") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ResultError(f"{path} is not readable as Parquet or CSV ({short(error)}); {_REMEDY}") from error


def _check_columns(path: Path, schema: pa.Schema) -> None:
    """Refuse a column that is there twice, and lists where one value belongs."""
    for name in sorted(_COLUMNS & set(schema.names)):
        if schema.names.count(name) > 1:
            raise ResultError(f"{path} has the column {name} {schema.names.count(name)} times: keep one")
        if name != "probabilities" and pa.types.is_nested(schema.field(name).type):
            raise ResultError(
                f"{path} has lists in the column {name}: it must have one value a row; {_REMEDY}"
            )


def _read_csv(path: Path) -> pa.Table:
    with path.open("rb") as stream:
        header = stream.readline(1 << 16).decode("utf-8-sig")
    names = [name.strip().strip('"') for name in header.split(",")]
    # Texts only: an id "007" stays what it is.
    types = pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    return pc.read_csv(path, convert_options=types)


def _keys(table: pa.Table, split: str) -> Iterable[tuple[Any, ...]]:
    if "set" in table.column_names:
        return ((each,) for each in table["set"].to_pylist())
    parts = [
        table[name].to_pylist() if name in table.column_names else [split] * table.num_rows for name in _KEY
    ]
    return zip(*parts, strict=True)


def _key(path: Path, row: int, given: tuple[Any, ...]) -> SetKey:
    """Return the key that a row names."""
    try:
        parts = str(given[0]).removeprefix("data/").split("/") if len(given) == 1 else list(given)
        dataset, split, corruption, severity = parts
        number = int(str(severity).removeprefix("severity-"))
        return SetKey(str(dataset), str(split), str(corruption or CLEAN), number)
    except (ValueError, ConfigError) as error:
        text = "/".join(map(str, given))
        raise ResultError(
            f"{path}, row {row + 1}: {short(text)!r} names no set; write it as oct/test/contrast/severity-3"
        ) from error


def _at(values: Sequence[Any], rows: Iterable[int]) -> list[Any]:
    return [values[row] for row in rows]


def _of(columns: Mapping[str, list[Any]], name: str, rows: list[int]) -> list[Any] | None:
    return _at(columns[name], rows) if name in columns else None


def _indices(values: list[Any], class_names: Sequence[str]) -> NDArray[np.int64]:
    """Return class indices of names or indices, never of both: "1" may be a name."""
    known = {name: index for index, name in enumerate(class_names)}
    said = [value for value in values if value is not None and value != ""]
    if all(isinstance(value, str) and value in known for value in said):
        return np.array([NO_ANSWER if value in {None, ""} else known[value] for value in values], np.int64)
    if any(isinstance(value, str) for value in said) and any(_is_integer(name) for name in known):
        unknown = next(value for value in said if value not in known)
        raise ResultError(f"{short(str(unknown))!r} is not one of the classes {', '.join(class_names)}")
    numbers = _integers([NO_ANSWER if value in {None, ""} else value for value in values], "prediction")
    wrong = numbers[(numbers >= len(class_names)) | (numbers < min(NO_ANSWER, NO_PREDICTION))]
    if len(wrong):
        raise ResultError(f"prediction {wrong[0]} is no index of the {len(class_names)} classes, from 0")
    return numbers


def _is_integer(text: str) -> bool:
    return _INTEGER.fullmatch(text) is not None


def _integers(values: list[Any], what: str) -> NDArray[np.int64]:
    for value in values:
        number = int(value) if isinstance(value, str) and _is_integer(value) else value
        if not isinstance(number, int) or isinstance(number, bool) or abs(number) > _MOST:
            raise ResultError(f"the {what} {short(str(value))!r} is neither a class name nor an index")
    return np.array([int(value) for value in values], np.int64)


def _matrix(values: list[Any], classes: int) -> NDArray[np.float32]:
    """Return probabilities (N, K)."""
    try:
        rows = [json.loads(value) if isinstance(value, str) else value for value in values]
        found = np.array(rows, np.float32)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ResultError(
            f"probabilities are not lists of numbers, all of one length ({short(error)})"
        ) from error
    if found.ndim != 2 or found.shape[1] != classes:
        width = found.shape[1] if found.ndim == 2 else "no fixed number of"
        raise ResultError(f"probabilities are of {width} classes, and the dataset has {classes}")
    return found
