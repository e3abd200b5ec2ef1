"""Digests of a manifest: of rows, of sets, of the whole, and of the manifest itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from medimeta_c.format.manifest.records import Manifest, SetRecord
from medimeta_c.io.records import canonical_json, dump

__all__ = [
    "RowDigest",
    "dataset_fingerprint",
    "fingerprint",
    "fingerprint_faults",
    "seal",
    "self_digest",
]


class RowDigest:
    """Running SHA-256 over the rows of one set: image id, label and pixel digest, in row order.

    Each row enters as one line of JSON, ``["<image_id>",<label>,"<pixels_sha256>"]``, in UTF-8.
    """

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def add(self, image_id: str, label: int, pixels_sha256: str) -> None:
        """Take in one row."""
        row = json.dumps([image_id, label, pixels_sha256], separators=(",", ":"), ensure_ascii=False)
        self._state.update(f"{row}\n".encode())

    def hexdigest(self) -> str:
        """Return the digest of the rows taken in so far."""
        return self._state.hexdigest()


def dataset_fingerprint(class_names: Iterable[str], sets: Iterable[SetRecord]) -> str:
    """Return the fingerprint of one dataset's sets.

    SHA-256 over the class names in label order (so that a label means one class) and, in canonical order,
    each set with the digest of its rows. Scores compare only where fingerprints are equal.
    """
    state = hashlib.sha256(json.dumps(list(class_names), ensure_ascii=False).encode() + b"\n")
    for record in sorted(sets, key=lambda record: record.key):
        state.update(f"{record.key}\t{record.rows_sha256}\n".encode())
    return state.hexdigest()


class Fingerprinted(Protocol):
    """A dataset with its fingerprint, whatever else is recorded of it."""

    @property
    def dataset(self) -> str:
        """Its id."""

    @property
    def fingerprint(self) -> str:
        """Of its sets."""


def fingerprint(datasets: Iterable[Fingerprinted]) -> str:
    """Return the fingerprint of the whole: SHA-256 over the datasets' fingerprints, by name."""
    state = hashlib.sha256()
    for record in sorted(datasets, key=lambda record: record.dataset):
        state.update(f"{record.dataset}\t{record.fingerprint}\n".encode())
    return state.hexdigest()


def fingerprint_faults(manifest: Manifest) -> Iterator[str]:
    """Yield an error for each fingerprint that does not match its content: the manifest was edited."""
    for record in manifest.datasets:
        own = [one for one in manifest.sets if one.dataset == record.dataset]
        if dataset_fingerprint(record.class_names, own) != record.fingerprint:
            yield f"the fingerprint of {record.dataset!r} does not follow from its sets (manifest edited)"
    if fingerprint(manifest.datasets) != manifest.fingerprint:
        yield "the fingerprint does not follow from the datasets' fingerprints (manifest edited)"


def self_digest(values: Mapping[str, Any]) -> str:
    """Return the digest of a manifest's content without its own digest."""
    return hashlib.sha256(canonical_json({**values, "manifest_sha256": ""}).encode()).hexdigest()


def seal(manifest: Manifest) -> Manifest:
    """Return the manifest with the digest of its own content filled in."""
    return manifest.model_copy(update={"manifest_sha256": self_digest(dump(manifest))})
