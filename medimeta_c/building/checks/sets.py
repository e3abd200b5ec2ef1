"""Check one set: each of its shards as a file, wherever it is, and the rows in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medimeta_c.building.checks.report import Problem
from medimeta_c.building.checks.rows import RowCheck, SetCheck
from medimeta_c.errors import ShardError
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import ShardRecord
from medimeta_c.format.shards import read_tables
from medimeta_c.io.files import sha256_file
from medimeta_c.io.stores.naming import spoken_of_as
from medimeta_c.io.stores.stored import StoredPath

__all__ = ["CheckedSet", "check_set"]

_MISSING = "the shard is missing; run the build again to restore it"
_SIZE = "the shard has {} bytes, the manifest says {} (truncated or rewritten)"
_BATCH_BYTES = 32 << 20
"""Stored images held at a time by a worker, or one if it is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedSet:
    """What became of one set: its problems, the digest of its ids and labels, and its rows.

    Rows are counted as expected, as rendered again, and of these as near, not equal.
    """

    key: SetKey
    problems: list[Problem]
    listing: str
    rows: int
    rebuilt: int
    near: int


def check_set(check: SetCheck) -> CheckedSet:
    """Check the shards and rows of a set."""
    record = check.record
    problems: list[Problem] = []
    rows = RowCheck(check)

    def found(path: str, *messages: str) -> None:
        problems.extend(Problem(path, message, record.key) for message in messages)

    for shard in record.shards:
        if check.stored is None:
            found(shard.path, *_check_shard(check.root / shard.path, shard, rows))
        else:
            found(shard.path, *_check_stored(check.stored / shard.path, shard, rows))
    if not problems:
        found(record.shards[0].path, *rows.check_whole())
    return CheckedSet(
        key=record.key,
        problems=problems,
        listing=rows.listing,
        rows=record.rows,
        rebuilt=rows.rendered,
        near=rows.near,
    )


def _check_shard(path: Path, shard: ShardRecord, rows: RowCheck) -> Iterator[str]:
    """Yield what is wrong with a shard and its rows."""
    broken = _check_bytes(path, shard)
    yield from broken
    try:
        for table in read_tables(path, batch_bytes=_BATCH_BYTES):
            yield from rows.check(table)
    except ShardError as error:
        if not broken:
            yield str(error)


def _check_stored(place: StoredPath, shard: ShardRecord, rows: RowCheck) -> Iterator[str]:
    """Yield what is wrong with a shard in a store, which is copied here while it is looked at."""
    found = place.pinned()
    if found is None or found.expected is None:
        yield _MISSING
    elif found.expected.bytes != shard.bytes:
        yield _SIZE.format(found.expected.bytes, shard.bytes)
    else:
        with tempfile.TemporaryDirectory(prefix="medimeta-c-") as folder:
            local = Path(folder) / found.name
            with spoken_of_as(local, place):
                found.download(local)
                yield from _check_shard(local, shard, rows)


def _check_bytes(path: Path, shard: ShardRecord) -> list[str]:
    """Return what is wrong with a shard as a file, before its content is looked at."""
    if not path.is_file():
        return [_MISSING]
    size = path.stat().st_size
    if size != shard.bytes:
        return [_SIZE.format(size, shard.bytes)]
    if sha256_file(path) != shard.sha256:
        return ["the shard was changed (its SHA-256 differs)"]
    return []
