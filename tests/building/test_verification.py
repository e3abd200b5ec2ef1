"""`verify` finds every kind of damage and names the file and the set."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from forging import Rows, forge

from medimeta_c.building.checks.report import VerificationReport
from medimeta_c.building.verification import verify
from medimeta_c.errors import ManifestError, SourceError
from medimeta_c.format import png
from medimeta_c.format.manifest.digests import self_digest
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest
from medimeta_c.io.files import sha256_file

SET = "cells/test/motion_blur/severity-3"
SHARD = "data/cells/test/motion_blur/severity-3-00000-of-00001.parquet"


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A finished build to damage."""
    return Path(shutil.copytree(built, tmp_path / "copy"))


def problems(root: Path, **options: object) -> VerificationReport:
    return verify(root, jobs=1, **options)  # type: ignore[arg-type]


def test_an_untouched_build_has_no_problem(built: Path, clean_dir: Path) -> None:
    """Everything is as built, and rows rendered again from the source are equal."""
    report = problems(built, rebuild=3, data_dir=clean_dir)
    assert report.ok
    assert (report.sets, report.images, report.rebuilt) == (72, 36 * (12 + 8), 72 * 3)


def flip_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(bytes(data))


def rewrite(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        table = pq.read_table(path)
        pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)

    return damage


def swap_rows(table: pa.Table) -> pa.Table:
    order = [1, 0, *range(2, table.num_rows)]
    return table.take(order)


def other_label(table: pa.Table) -> pa.Table:
    labels = pc.subtract(2, table["label"]).cast(pa.int64())
    return table.set_column(table.schema.get_field_index("label"), "label", labels)


def other_pixels(table: pa.Table) -> pa.Table:
    rows = table.to_pylist()
    rows[4]["image"]["bytes"] = png.encode(np.zeros((5, 5, 3), dtype=np.uint8))
    return pa.Table.from_pylist(rows, schema=table.schema)


def no_image(table: pa.Table) -> pa.Table:
    rows = table.to_pylist()
    rows[4]["image"] = None
    return pa.Table.from_pylist(rows, schema=table.schema)


def no_label(table: pa.Table) -> pa.Table:
    rows = table.to_pylist()
    rows[4]["label"] = None
    return pa.Table.from_pylist(rows, schema=table.schema)


def spoilt_text(table: pa.Table) -> pa.Table:
    ids = [value.encode() for value in table["image_id"].to_pylist()]
    spoilt = pa.array([*ids[:-1], b"\xff" + ids[-1][1:]]).view(pa.string())
    return table.set_column(table.schema.get_field_index("image_id"), "image_id", spoilt)


def other_set(table: pa.Table) -> pa.Table:
    severity = pa.array([4] * table.num_rows, pa.int8())
    return table.set_column(table.schema.get_field_index("severity"), "severity", severity)


DAMAGES = {
    "flipped byte": (flip_byte, "SHA-256 differs"),
    "truncated": (lambda path: os.truncate(path, path.stat().st_size - 100), "truncated or rewritten"),
    "missing": (lambda path: path.unlink(), "missing"),
    "row removed": (rewrite(lambda table: table.slice(1)), "manifest says"),
    "rows swapped": (rewrite(swap_rows), "out of image-id order"),
    "label changed": (rewrite(other_label), "bytes"),
    "pixels changed": (rewrite(other_pixels), "row 4 .*decoded pixels do not match"),
    "image removed": (rewrite(no_image), "row 4 .*do not decode"),
    "label removed": (rewrite(no_label), "bytes"),
    "text spoilt": (rewrite(spoilt_text), "bytes"),
    "moved to another set": (rewrite(other_set), "belongs to another set"),
    "not Parquet": (lambda path: path.write_bytes(b"x" * path.stat().st_size), "SHA-256 differs"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_found_and_named(copy: Path, kind: str) -> None:
    """The file, the set and what happened are in the message; no other set is accused."""
    damage, message = DAMAGES[kind]
    damage(copy / SHARD)
    report = problems(copy)
    assert not report.ok
    assert {(problem.path, str(problem.key)) for problem in report.problems} == {(SHARD, SET)}
    text = "\n".join(map(str, report.problems))
    assert text.startswith(f"{SHARD} (set {SET}): ")
    assert re.search(message, text), text


def reseal(root: Path, change: Callable[[dict], None]) -> None:
    """Edit a manifest and give it a correct digest of its own, as a careful forger would."""
    values = json.loads((root / MANIFEST_NAME).read_text())
    change(values)
    values["manifest_sha256"] = self_digest(values)
    (root / MANIFEST_NAME).write_text(json.dumps(values))


@pytest.mark.parametrize("kind", ["rows swapped", "label changed", "pixels changed", "row removed"])
def test_a_forged_shard_digest_does_not_help(copy: Path, kind: str) -> None:
    """With the shard's new size and digest in a resealed manifest, the rows still give it away."""
    DAMAGES[kind][0](copy / SHARD)

    def forge(values: dict) -> None:
        for record in values["sets"]:
            for shard in record["shards"]:
                if shard["path"] == SHARD:
                    shard.update(bytes=(copy / SHARD).stat().st_size, sha256=sha256_file(copy / SHARD))

    reseal(copy, forge)
    assert SET in {str(problem.key) for problem in problems(copy).problems}


def test_a_forged_row_digest_breaks_the_fingerprint(copy: Path) -> None:
    """A set's row digest edited to match other rows no longer gives the dataset's fingerprint."""

    def forge(values: dict) -> None:
        values["sets"][0]["rows_sha256"] = "0" * 64

    reseal(copy, forge)
    texts = [str(problem) for problem in problems(copy).problems]
    assert any("fingerprint of 'cells' does not follow" in text for text in texts)


def test_a_whole_fingerprint_edited_is_found(copy: Path) -> None:
    """The fingerprint of the whole must follow from the datasets'."""
    reseal(copy, lambda values: values.update(fingerprint="0" * 64))
    assert [problem.path for problem in problems(copy).problems] == [MANIFEST_NAME]


def test_class_names_edited_are_found(copy: Path) -> None:
    """Class names in the manifest other than the shards' own are found in every shard of the dataset."""

    def rename(values: dict) -> None:
        values["datasets"][1]["class_names"][0] = "healthy"

    reseal(copy, rename)
    texts = [str(problem) for problem in problems(copy).problems]
    assert sum("class names or feature types" in text for text in texts) == 36


def test_an_edited_manifest_stops_at_once(copy: Path) -> None:
    """Without resealing, the edit itself is the finding."""
    text = (copy / MANIFEST_NAME).read_text()
    (copy / MANIFEST_NAME).write_text(text.replace('"seed": 0', '"seed": 1'))
    with pytest.raises(ManifestError, match="was edited"):
        problems(copy)


def test_what_is_no_build_is_named(copy: Path) -> None:
    """A folder that is not there, a file, and a build that did not end are three things."""
    for place, reason in ((copy / "nowhere", "does not exist"), (copy / MANIFEST_NAME, "is no folder")):
        with pytest.raises(ManifestError, match=f"^{place} {reason}: give the folder of a built benchmark$"):
            problems(place)
    (copy / MANIFEST_NAME).unlink()
    with pytest.raises(ManifestError, match=r"not a finished build; .* \(or import\) command again"):
        problems(copy)


def test_statistics_and_stray_shards_are_checked(copy: Path) -> None:
    """A changed or missing statistics file and a shard nobody lists are problems of their own."""
    stray = copy / "data/cells/test/motion_blur/severity-9-00000-of-00001.parquet"
    shutil.copy(copy / SHARD, stray)
    flip_byte(copy / "stats/spectrum.parquet")
    assert {problem.path for problem in problems(copy).problems} == {
        "stats/spectrum.parquet",
        stray.relative_to(copy).as_posix(),
    }
    (copy / "stats/spectrum.parquet").unlink()
    assert "the file is missing" in str(problems(copy).problems[0])


def test_rebuild_finds_pixels_that_do_not_come_from_the_source(copy: Path, clean_dir: Path) -> None:
    """A consistent forgery, manifest included, is still not what the source renders to."""

    def other_picture(rows: Rows) -> None:
        black = np.zeros((5, 5, 3), dtype=np.uint8)
        rows[4]["image"]["bytes"] = png.encode(black)
        rows[4] |= {"pixels_sha256": png.digest(black), "dct_low": None, "dct_mid": None}
        rows[4] |= {"dct_high": None, "dct_centroid": None}

    forge(copy, other_picture, where=SHARD)
    assert problems(copy).ok
    report = problems(copy, rebuild=100, data_dir=clean_dir)
    assert [(problem.path, str(problem.key)) for problem in report.problems] == [(SHARD, SET)]
    assert "its pixels differ from those rendered again from the source" in report.problems[0].message


def test_rebuild_needs_the_same_source(built: Path, clean_dir: Path, tmp_path: Path) -> None:
    """Other source data, or none, is no fault of the build: an error says where it was looked for."""
    other = Path(shutil.copytree(clean_dir, tmp_path / "other"))
    next((other / "rays" / "class1").iterdir()).unlink()
    with pytest.raises(SourceError, match=rf"'rays' in {other} is not what .* was built from"):
        problems(built, rebuild=1, data_dir=other)
    with pytest.raises(SourceError, match=str(tmp_path)):
        problems(built, rebuild=1, data_dir=tmp_path / "nowhere")


def test_two_workers_find_the_same(copy: Path) -> None:
    """Problems come in canonical order for any number of workers."""
    for path in sorted(copy.glob("data/rays/test/*/severity-2-*.parquet")):
        flip_byte(path)
    assert problems(copy).problems == verify(copy, jobs=2).problems
    assert len(read_manifest(copy / MANIFEST_NAME).sets) == 72
