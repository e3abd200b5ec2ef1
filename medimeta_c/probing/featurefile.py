"""The file of one set's features: a row per image, with what they are features of."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from medimeta_c.errors import ResultError, short
from medimeta_c.io.files import write_atomic

__all__ = ["FeatureSet", "Origin", "read_feature_set", "write_feature_set"]

_KEY = b"medimeta-c features"
_COLUMNS = ("image_id", "label", "feature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What features are of: the encoder, with all that its output depends on, and the images.

    Parameters
    ----------
    encoder, images : str
        Digests.
    """

    encoder: str
    images: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSet:
    """Features of the images of one set.

    Parameters
    ----------
    image_ids : tuple of str
        N ids.
    labels : ndarray of int64, shape (N,)
        Indices into the class names.
    vectors : ndarray of float32, shape (N, D)
        Of unit norm.
    """

    image_ids: tuple[str, ...]
    labels: NDArray[np.int64]
    vectors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def digest(self) -> str:
        """SHA-256 of shape, ids, labels and vectors, in the order of the rows."""
        state = hashlib.sha256(json.dumps([self.vectors.shape, self.image_ids]).encode())
        state.update(self.labels.astype("<i8").tobytes())
        state.update(np.ascontiguousarray(self.vectors.astype("<f4")).tobytes())
        return state.hexdigest()


def write_feature_set(path: Path, features: FeatureSet, origin: Origin) -> None:
    """Write features atomically; raises WriteError if that fails."""
    n, d = features.vectors.shape
    flat = pa.array(features.vectors.reshape(n * d), pa.float32())
    columns = [
        pa.array(features.image_ids, pa.string()),
        pa.array(features.labels, pa.int64()),
        pa.FixedSizeListArray.from_arrays(flat, d),
    ]
    notes = {"encoder": origin.encoder, "images": origin.images, "digest": features.digest}
    table = pa.Table.from_arrays(columns, names=list(_COLUMNS))
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({_KEY: json.dumps(notes)}), buffer)
    write_atomic(path, buffer.getvalue())


def read_feature_set(path: Path, origin: Origin) -> FeatureSet:
    """Read features, if they are of this origin.

    Raises
    ------
    ResultError
        If the file is damaged, or its features are of another encoder or of other images.
    """
    try:
        table = pq.read_table(path, partitioning=None)
        notes = json.loads((table.schema.metadata or {})[_KEY])
        ids, labels, column = (table[name].combine_chunks() for name in _COLUMNS)
        flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        found = FeatureSet(
            image_ids=tuple(ids.to_pylist()),
            labels=labels.to_numpy(zero_copy_only=False).astype(np.int64),
            vectors=flat.reshape(len(ids), -1),
        )
        whole = notes["digest"] == found.digest
        held = Origin(encoder=notes["encoder"], images=notes["images"])
    except (
        OSError,
        pa.ArrowException,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ResultError(f"{path} holds no features of a set ({short(error)})") from error
    if not whole:
        raise ResultError(f"{path} was edited after it was written (its digest differs)")
    if held != origin:
        what = "another model" if held.encoder != origin.encoder else "other images"
        raise ResultError(f"{path} holds features of {what}")
    return found
