"""Readers of a built benchmark: manifest, shards, statistics, signature, keys."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from fuzz_readers.entry import entry

_MANIFEST = "benchmark/manifest.json"
_SHARD = "benchmark/data/rays/test/clean/severity-0-00000-of-00001.parquet"


def _opened(root: Path) -> None:
    from medimeta_c.format.benchmark import open_benchmark

    open_benchmark(root / "benchmark")


def _sealed(root: Path) -> None:
    """As who changed a manifest and its own digest."""
    from medimeta_c.format.manifest.digests import self_digest

    path = root / _MANIFEST
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        values = json.loads(path.read_bytes())
        path.write_text(json.dumps({**values, "manifest_sha256": self_digest(values)}))
    _opened(root)


def _shard(root: Path) -> None:
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.format.keys import SetKey
    from medimeta_c.format.shards import read_row_group, read_tables

    key = SetKey("rays", "test", "clean", 0)
    bench = open_benchmark(root / "benchmark")
    for _ in bench.batches(key):
        pass
    bench.check_classes(key)
    for _ in read_tables(root / _SHARD, batch_bytes=1000):
        pass
    read_row_group(root / _SHARD, 0)


def _spectra(root: Path) -> None:
    from fuzz_readers.builds import built
    from medimeta_c.format.stats import holds_spectra

    holds_spectra(root / "benchmark", built(root).sets)


def _groups(root: Path) -> None:
    from medimeta_c.format.manifest.records import FileRecord
    from medimeta_c.format.stats import GROUPS_PATH, read_groups
    from medimeta_c.io.files import sha256_file

    path = root / "grouped" / GROUPS_PATH
    record = FileRecord.model_validate_json((root / "grouped/record.json").read_text())
    # As who changed the manifest too.
    changed = record.model_copy(update={"sha256": sha256_file(path), "bytes": path.stat().st_size})
    read_groups(path, changed, "test")


def _signature(root: Path) -> None:
    from medimeta_c.format.signing.benchmark import check_signature

    check_signature(root / "benchmark", root / "keys/own.pub")


def _public_key(root: Path) -> None:
    """Read a key's file, and its last line as people paste it."""
    from medimeta_c.format.signing.keys import read_public_key

    path = root / "keys/own.pub"
    read_public_key(path.read_text(errors="replace").removesuffix("\n").split("\n")[-1])
    read_public_key(path)


def _secret_key(root: Path) -> None:
    from medimeta_c.format.signing.keys import SecretKey, is_protected

    path = root / "keys/own.key"
    SecretKey.read(path, "password" if is_protected(path) else None)


READERS = (
    entry(
        "manifest",
        "json",
        _MANIFEST,
        _opened,
        code={
            "format.manifest.file": "read_manifest _check_seal",
            "io.reading": "Reader.read Reader.values Reader.parse Reader.record Reader._check_schema "
            "first_problem _check_depth _parse_json _unique_keys _no_constant _finite",
        },
    ),
    entry(
        "sealed-manifest",
        "json",
        _MANIFEST,
        _sealed,
        code={
            "format.manifest.file": "read_manifest",
            "format.manifest.records": "Manifest._sets_have_datasets SetRecord._shards_belong_to_the_set",
        },
        also=("formats/manifests/*.json",),
    ),
    entry(
        "shard",
        "parquet",
        _SHARD,
        _shard,
        code={
            "format.shards": "read_tables read_row_group _opened _checked has_classes",
            "format.benchmark": "Benchmark.tables Benchmark.batches _image_bytes",
        },
    ),
    entry(
        "spectra",
        "parquet",
        "benchmark/stats/spectrum.parquet",
        _spectra,
        code={"format.stats": "holds_spectra"},
    ),
    entry(
        "groups",
        "parquet",
        "grouped/stats/groups.parquet",
        _groups,
        code={"format.stats": "read_groups _rows_of_groups"},
    ),
    entry(
        "signature",
        "txt",
        f"{_MANIFEST}.minisig",
        _signature,
        code={
            "format.signing.benchmark": "check_signature stored_signature",
            "format.signing.signatures": "Signature.read Signature.is_whole Signature.is_of",
        },
    ),
    entry(
        "public-key",
        "txt",
        "keys/own.pub",
        _public_key,
        code={"format.signing.keys": "PublicKey.of_line read_public_key decoded read_lines"},
    ),
    entry(
        "secret-key",
        "txt",
        "keys/own.key",
        _secret_key,
        code={"format.signing.keys": "SecretKey.read _secret_fields decoded read_lines _covered"},
        also=("keys/*.protected",),
    ),
)
