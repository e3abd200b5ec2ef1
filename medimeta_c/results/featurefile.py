"""The file of image features: one Parquet row per image, the model's name in the schema."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medimeta_c.errors import ResultError, short
from medimeta_c.format.keys import PHANTOMS
from medimeta_c.io.files import write_atomic

__all__ = ["Features", "read_features", "write_features"]

_MODEL_KEY = b"medimeta-c model"
_PHANTOMS_KEY = b"medimeta-c phantoms"
_MODALITIES_KEY = b"medimeta-c modalities"  # absent where no dataset has one
_TYPES = {
    "dataset": pa.string(),
    "corruption": pa.string(),
    "severity": pa.int8(),
    "image_id": pa.string(),
    "label": pa.int64(),
}

Row = tuple[str, str, int, str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """Features of images.

    Parameters
    ----------
    model : str
        The model's spec.
    phantoms : tuple of str
        Datasets whose images are generated, not medical.
    rows : tuple of (str, str, int, str, int)
        Dataset, corruption, severity, image id and label of each.
    vectors : ndarray of float32, shape (N, D)
        Of any norm.
    modalities : mapping of str to str, optional
        By dataset, of those whose modality is known.
    """

    model: str
    phantoms: tuple[str, ...]
    rows: tuple[Row, ...]
    vectors: NDArray[np.float32]
    modalities: Mapping[str, str] = field(default_factory=dict)

    @property
    def datasets(self) -> tuple[str, ...]:
        """Dataset ids, in the order of the rows."""
        return tuple(dict.fromkeys(row[0] for row in self.rows))

    def title(self, dataset: str) -> str:
        """Return what figures call a dataset, in two lines: its modality, if known, and its id."""
        label = f"{dataset} ({PHANTOMS})" if dataset in self.phantoms else dataset
        return f"{self.modalities.get(dataset, '')}\n{label}".strip()


def write_features(path: Path, features: Features) -> None:
    """Write features atomically; raises WriteError if that fails."""
    names = zip(_TYPES.items(), zip(*features.rows, strict=True), strict=True)
    columns = {name: pa.array(column, kind) for (name, kind), column in names}
    n, d = features.vectors.shape
    flat = pa.array(features.vectors.reshape(n * d), pa.float32())
    table = pa.table({**columns, "feature": pa.FixedSizeListArray.from_arrays(flat, d)})
    notes = {_MODEL_KEY: features.model.encode(), _PHANTOMS_KEY: ",".join(features.phantoms).encode()}
    if features.modalities:
        notes[_MODALITIES_KEY] = json.dumps(dict(features.modalities)).encode()
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(notes), buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def read_features(path: Path) -> Features:
    """Read features.

    Raises
    ------
    ResultError
        If the file is missing, or not one that `write_features` wrote.
    """
    try:
        table = pq.read_table(path)
        notes = table.schema.metadata or {}
        vectors = table["feature"].combine_chunks()
        flat = vectors.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        rows = tuple(zip(*(table[name].to_pylist() for name in _TYPES), strict=True))
        return Features(
            model=notes[_MODEL_KEY].decode(),
            phantoms=tuple(filter(None, notes[_PHANTOMS_KEY].decode().split(","))),
            rows=rows,
            vectors=flat.reshape(len(rows), -1),
            modalities={str(k): str(v) for k, v in json.loads(notes.get(_MODALITIES_KEY, b"{}")).items()},
        )
    except (OSError, pa.ArrowException, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise ResultError(
            f"{path} holds no image features ({type(error).__name__}: {short(error)}): make it with "
            "`medimeta-c features`"
        ) from error
