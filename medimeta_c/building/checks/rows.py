"""Check the rows of one set: order, labels, pixels and, if asked, pixels rendered again from the source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from medimeta_c.building import engines
from medimeta_c.building.checks.png import decode_plain
from medimeta_c.building.render import render
from medimeta_c.errors import MediMetaError, ShardError
from medimeta_c.format import png
from medimeta_c.format.keys import Image
from medimeta_c.format.manifest.digests import RowDigest
from medimeta_c.format.manifest.records import Protocol, SetRecord, SpectrumRecord
from medimeta_c.format.shards import image_path, schema
from medimeta_c.format.spectrum import BANDS, SpectrumMean, spectrum
from medimeta_c.io.stores.stored import StoredPath
from medimeta_c.sources.contract import Source
from medimeta_corruptions import Corruption

__all__ = ["RowCheck", "SetCheck"]

_KEY = ("dataset", "split", "corruption", "severity")
_SHARES = (*BANDS, "centroid")

# The transform is of single precision. On x86-64 it was the same to the last bit with NumPy 1.26, SciPy 1.12
# and NumPy 2.4, SciPy 1.17, with and without vector instructions (310 images). Other processors may round
# otherwise: between single and double precision, real images' shares move by 6e-8 and the bins of their
# profiles by 2e-6 of themselves; a bin that holds rounding noise alone is far below the last of these.
_SHARE_TOLERANCE = 1e-6
_MEAN_TOLERANCE = 1e-5
_NOISE = 1e-14


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCheck:
    """All a worker needs to check one set.

    Parameters
    ----------
    root : Path
        The benchmark's directory.
    record : SetRecord
        What the manifest says of the set.
    class_names : tuple of str
        Of its dataset, in label order.
    protocol : Protocol
        How its pixels came about.
    source : Source or None
        Where its clean images come from, if rows are to be rendered again.
    corruption : Corruption or None
        Its corruption, likewise; None for a clean set.
    rebuild : int
        How many rows to render again.
    tolerance : (int, float) or None
        By how many grey levels pixels rendered again may differ, at most and on the mean, where the library
        they are computed by has another version here; None: not at all.
    limited : int or None
        The set has only the first so many images, if it is a trial.
    stored : StoredPath or None
        Where its shards are, if they are in a store.
    """

    root: Path
    record: SetRecord
    class_names: tuple[str, ...]
    protocol: Protocol
    source: Source | None
    corruption: Corruption | None
    rebuild: int
    tolerance: tuple[int, float] | None = None
    limited: int | None = None
    stored: StoredPath | None = None


class RowCheck:
    """Checks of the rows of one set against the manifest and, if asked, the source."""

    def __init__(self, check: SetCheck) -> None:
        self._check, self._key = check, check.record.key
        self._digest, self._count, self._last_id = RowDigest(), 0, ""
        self._listing, self._mean = RowDigest(), SpectrumMean()
        self._metadata = schema(check.class_names).metadata[b"huggingface"]
        self._again = _rows_to_rebuild(check)
        source_ids = check.source.ids(self._key.split)[: check.limited] if check.source is not None else ()
        self._source_ids = frozenset(source_ids)
        self.rendered = self.near = 0

    @property
    def listing(self) -> str:
        """Digest of the ids and labels seen, which every set of a split has in common."""
        return self._listing.hexdigest()

    def check(self, table: pa.Table) -> Iterator[str]:
        """Yield what is wrong with the next rows."""
        if (table.schema.metadata or {}).get(b"huggingface") != self._metadata:
            yield "its class names or feature types are not the manifest's"
        for row in table.to_pylist():
            engines.pause()
            yield from self._check_row(row)

    def check_whole(self) -> Iterator[str]:
        """Yield what is wrong with the set as a whole, after all rows were checked."""
        record = self._check.record
        if self._count != record.rows:
            yield f"the set has {self._count} rows, the manifest says {record.rows}"
        elif self._digest.hexdigest() != record.rows_sha256:
            yield "its ids, labels or pixels differ from those in the manifest (row digest)"
        elif not _is_close(record.spectrum, SpectrumRecord(**self._mean.record())):
            yield "the manifest's spectrum does not match its pixels"
        elif self._check.source is not None and self._count != len(self._source_ids):
            yield f"the set has {self._count} rows, its source has {len(self._source_ids)} images"

    def _check_row(self, row: dict[str, Any]) -> Iterator[str]:
        index, image_id, label = self._count, row["image_id"], row["label"]
        where = f"row {index} (image {image_id})"
        self._count += 1
        self._digest.add(image_id, label, row["pixels_sha256"])
        self._listing.add(image_id, label, "")
        if any(row[name] != getattr(self._key, name) for name in _KEY):
            yield f"{where} belongs to another set"
        if image_id <= self._last_id:
            yield f"{where} is out of image-id order (rows swapped or repeated)"
        self._last_id = image_id
        if not 0 <= label < len(self._check.class_names):
            yield f"{where} has label {label}, but there are {len(self._check.class_names)} classes"
        image = row["image"] or {}
        data = image.get("bytes") or b""
        try:
            decoded = decode_plain(data)
        except ShardError as error:
            yield f"{where}: {error}"
            return
        found, measured = png.digest(decoded), spectrum(decoded)
        self._mean.add(measured)
        for name in _SHARES:
            if not _equal(row[f"dct_{name}"], getattr(measured, name), _SHARE_TOLERANCE):
                yield f"{where}: its dct_{name} does not match its pixels"
        if image.get("path") != image_path(self._key, image_id):
            yield f"{where}: its image's path is not {image_path(self._key, image_id)!r}"
        if found != row["pixels_sha256"]:
            yield f"{where}: the decoded pixels do not match its pixels_sha256"
        source = self._check.source
        if source is not None:
            if image_id not in self._source_ids:
                yield f"{where} is not an image of its source"
                return
            if source.label(self._key.split, image_id) != label:
                yield f"{where}: its label differs from its source's"
        if index in self._again:
            yield from self._check_again(image_id, decoded, found, where)

    def _check_again(self, image_id: str, stored: Image, found: str, where: str) -> Iterator[str]:
        check = self._check
        assert check.source is not None
        self.rendered += 1
        try:
            image = render(check.source, self._key, image_id, check.protocol, check.corruption)
        except (MediMetaError, KeyError) as error:
            yield f"{where} cannot be rendered again: {error}"
            return
        if png.digest(image) == found:
            return
        if check.tolerance is None or image.shape != stored.shape:
            yield f"{where}: its pixels differ from those rendered again from the source"
            return
        apart = np.abs(image.astype(np.int16) - stored)
        if apart.max() > check.tolerance[0] or apart.mean() > check.tolerance[1]:
            yield (
                f"{where}: its pixels differ from those rendered again from the source by up to "
                f"{apart.max()} grey levels, which another version of a library does not explain"
            )
        else:
            self.near += 1


def _rows_to_rebuild(check: SetCheck) -> frozenset[int]:
    """Draw the rows to render again: other ones in each set, the same ones at each run."""
    if not check.rebuild or check.source is None:
        return frozenset()
    digest = hashlib.blake2b(f"verify|{check.record.key}|{check.record.rows_sha256}".encode(), digest_size=16)
    draw = np.random.Generator(np.random.Philox(key=int.from_bytes(digest.digest(), "little")))
    count = min(check.rebuild, check.record.rows)
    return frozenset(draw.choice(check.record.rows, size=count, replace=False).tolist())


def _equal(stated: float | None, measured: float | None, tolerance: float) -> bool:
    if stated is None or measured is None:
        return stated is measured
    return abs(stated - measured) <= tolerance


def _is_close(stated: SpectrumRecord, measured: SpectrumRecord) -> bool:
    """Return whether a set's means are those measured, but for rounding."""
    if stated.images_with_ac != measured.images_with_ac:
        return False
    powers = zip((stated.dc, *stated.profile), (measured.dc, *measured.profile), strict=True)
    return all(
        _equal(one, other, _MEAN_TOLERANCE * abs(other) + _NOISE * measured.dc) for one, other in powers
    ) and all(_equal(getattr(stated, name), getattr(measured, name), _SHARE_TOLERANCE) for name in _SHARES)
