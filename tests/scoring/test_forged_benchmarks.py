"""What `evaluate` refuses to score although every digest is right."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from forging import Rows, forge

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from medimeta_c.errors import ManifestError, ShardError  # noqa: E402
from medimeta_c.format.manifest.digests import self_digest  # noqa: E402
from medimeta_c.format.manifest.file import MANIFEST_NAME  # noqa: E402
from medimeta_c.format.shards import schema  # noqa: E402
from medimeta_c.io.files import sha256_file  # noqa: E402
from medimeta_c.scoring.config import EvaluateConfig  # noqa: E402
from medimeta_c.scoring.evaluation import evaluate  # noqa: E402


def edited(root: Path) -> None:
    """A fingerprint that follows from nothing, in a manifest that is whole by itself."""
    values = json.loads((root / MANIFEST_NAME).read_text(encoding="utf-8"))
    values["fingerprint"] = "0" * 64
    values["manifest_sha256"] = self_digest(values)
    (root / MANIFEST_NAME).write_text(json.dumps(values), encoding="utf-8")


def other_names(root: Path) -> None:
    """Class names of one set's shard swapped, and only there."""

    def change(values: dict[str, Any]) -> None:
        (shard,) = values["sets"][1]["shards"]
        path = root / shard["path"]
        names = list(reversed(values["datasets"][0]["class_names"]))
        pq.write_table(pq.read_table(path).replace_schema_metadata(schema(names).metadata), path)
        shard.update(bytes=path.stat().st_size, sha256=sha256_file(path))

    forge(root, manifest=change)


def flipped(root: Path) -> None:
    """Labels of one set flipped."""

    def change(rows: Rows) -> None:
        for row in rows:
            row["label"] = 1 - row["label"]

    forge(root, change, where="contrast/severity-3")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edited, "fingerprint does not follow"),
        (other_names, "class names or feature types other than its manifest's"),
        (flipped, "rays/test/contrast/severity-3 of .* differ in ids or labels"),
    ],
)
def test_what_verify_refuses_at_a_glance_is_not_scored(
    small: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    """Manifests, class names and labels that do not hold together are refused with their digests right."""
    copy = Path(shutil.copytree(small, tmp_path / "copy"))
    damage(copy)
    config = EvaluateConfig(
        model="python:golden_model:other",
        benchmark=str(copy),
        baseline="none",
        out=tmp_path / "out",
        device="cpu",
    )
    with pytest.raises((ManifestError, ShardError), match=message):
        evaluate(config)
