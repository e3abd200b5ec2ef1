"""Edit a benchmark as a careful forger would: with every digest of its manifest made right again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medimeta_c.format import png, stats
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.manifest.digests import RowDigest, dataset_fingerprint, fingerprint, self_digest
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.manifest.records import SetRecord
from medimeta_c.format.shards import schema
from medimeta_c.format.spectrum import SpectrumMean, spectrum
from medimeta_c.io.files import sha256_file

Rows = list[dict[str, Any]]


def forge(
    root: Path,
    change: Callable[[Rows], Rows | None] | None = None,
    *,
    where: str = "",
    manifest: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Change rows of the sets whose shards' paths contain `where`, and the manifest; then seal it all again.

    `change` edits rows in place or returns others. Shards, row digests, spectra, statistics, fingerprints and
    the manifest's own digest all follow, class names of the shards too.
    """
    values = json.loads((root / MANIFEST_NAME).read_text(encoding="utf-8"))
    old = {one["dataset"]: one["class_names"][:] for one in values["datasets"]}
    if manifest is not None:
        manifest(values)
    names = {one["dataset"]: one["class_names"] for one in values["datasets"]}
    for record in values["sets"]:
        (shard,) = record["shards"]
        touched = change is not None and where in shard["path"]
        if touched or names[record["dataset"]] != old[record["dataset"]]:
            rows = pq.read_table(root / shard["path"]).to_pylist()
            if touched and change is not None:
                rows = change(rows) or rows
            _write_set(root, record, rows, names[record["dataset"]])
    _reseal(root, values)


def _write_set(root: Path, record: dict[str, Any], rows: Rows, names: Iterable[str]) -> None:
    (shard,) = record["shards"]
    path = root / shard["path"]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema(list(names))), path)
    digest, mean = RowDigest(), SpectrumMean()
    for row in rows:
        digest.add(row["image_id"], row["label"], row["pixels_sha256"])
        mean.add(spectrum(png.decode(row["image"]["bytes"])))
    shard.update(bytes=path.stat().st_size, sha256=sha256_file(path), rows=len(rows))
    record.update(rows=len(rows), rows_sha256=digest.hexdigest(), spectrum=mean.record())


def _reseal(root: Path, values: dict[str, Any]) -> None:
    sets = [SetRecord.model_validate_json(json.dumps(one)) for one in values["sets"]]
    for record in values["datasets"]:
        own = [one for one in sets if one.dataset == record["dataset"]]
        record["fingerprint"] = dataset_fingerprint(record["class_names"], own)
    datasets = [DatasetRecord.model_validate_json(json.dumps(one)) for one in values["datasets"]]
    values["fingerprint"] = fingerprint(datasets)
    values["files"] = [stats.write_spectra(root, sets).model_dump(mode="json")]
    values["manifest_sha256"] = self_digest(values)
    (root / MANIFEST_NAME).write_text(json.dumps(values), encoding="utf-8")
