"""Patients of MedIMeta datasets, from annotations.csv; and those whose images are in several splits."""

from __future__ import annotations

import logging
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from source_writers import ROWS, SPLITS, write_medimeta

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.format.stats import GROUPS_PATH
from medimeta_c.sources.medimeta import open_medimeta
from medimeta_c.sources.patients import shared_patients

PATIENTS = {row: f"test/person{row // 2}" for row in range(ROWS)}


def annotate(folder: Path, patients: dict[int, str], column: str = "patient_id") -> None:
    """Write annotations.csv as MedIMeta has it: other columns beside the one that counts."""
    lines = [f"images/{row:06d}.tiff,train,{patient},x" for row, patient in patients.items()]
    (folder / "annotations.csv").write_text("\n".join([f"filepath,split,{column},eye", *lines]))


def test_patients_are_numbered_by_their_first_rows(tmp_path: Path) -> None:
    """Numbers hold across splits, whatever a patient is called; the checksum is as without the table."""
    folder = write_medimeta(tmp_path)
    before = open_medimeta("toy", tmp_path)
    annotate(folder, dict(reversed(PATIENTS.items())))
    source = open_medimeta("toy", tmp_path)
    found = {row: source.groups(split)[f"{row:06d}"] for split, rows in SPLITS.items() for row in rows}
    assert found == {row: row // 2 for row in range(ROWS)}
    assert source.warnings == ()
    assert (before.groups("test"), before.checksum()) == ({}, source.checksum())


def test_all_patients_are_known_or_none(tmp_path: Path) -> None:
    """A table that names some patients, two for one image, or none, gives no groups, and why is said."""
    folder = write_medimeta(tmp_path)
    annotate(folder, {row: patient for row, patient in PATIENTS.items() if row > 2} | {1: ""})
    source = open_medimeta("toy", tmp_path)
    assert source.groups("test") == {}
    assert f"annotations.csv has no patient_id for 3 of {ROWS} images" in source.warnings[0]
    annotate(folder, PATIENTS)
    with (folder / "annotations.csv").open("a") as file:
        file.write("\nimages/000000.tiff,train,another,x")
    assert "has two patients for one image" in open_medimeta("toy", tmp_path).warnings[0]
    (folder / "annotations.csv").write_bytes(b"filepath,patient_id\n\xff\xfe,x")
    assert "annotations.csv cannot be read" in open_medimeta("toy", tmp_path).warnings[0]
    annotate(folder, PATIENTS, column="lesion")
    assert (open_medimeta("toy", tmp_path).groups("test"), open_medimeta("toy", tmp_path).warnings) == (
        {},
        (),
    )


def test_patients_in_several_splits_are_said_by_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A build warns, and names nobody."""
    folder = write_medimeta(tmp_path)
    train, val, test = (SPLITS[split] for split in ("train", "val", "test"))
    annotate(folder, {row: f"P{row}" for row in range(ROWS)})
    assert not shared_patients(open_medimeta("toy", tmp_path))
    patients = {row: f"P{row}" for row in range(ROWS)}
    patients[test[0]] = patients[train[0]]
    patients[test[1]] = patients[val[0]] = patients[train[1]]
    annotate(folder, patients)
    with caplog.at_level(logging.WARNING):
        build(
            BuildConfig(
                datasets=("toy",), data_dir=tmp_path, out=tmp_path / "out", corruptions=("contrast",),
                severities=(1,), jobs=1,
            )
        )  # fmt: skip
    (said,) = [record.getMessage() for record in caplog.records if "patients" in record.getMessage()]
    assert said.startswith(
        f"toy: 2 of {ROWS - 3} patients have images in several splits (1 in train and test, "
    )
    assert "1 in train and val and test; numbers " in said
    assert "P1" not in said


def test_patients_of_real_images(sample_dir: Path, tmp_path: Path) -> None:
    """Both eyes of a patient are one group; a dataset that names no patients has none."""
    report = build(
        BuildConfig(
            datasets=("fundus", "pbc"), data_dir=sample_dir, out=tmp_path / "out", corruptions=("contrast",),
            severities=(1,), jobs=1,
        )
    )  # fmt: skip
    rows = pq.read_table(tmp_path / "out" / GROUPS_PATH).to_pylist()
    assert {(row["dataset"], row["split"]) for row in rows} == {("fundus", "test")}
    assert report.manifest.schema_version == 2
    source = open_medimeta("fundus", sample_dir)
    everyone = [number for split in source.info.splits for number in source.groups(split).values()]
    assert (len(everyone), len(set(everyone))) == (96, 49)
    assert not open_medimeta("pbc", sample_dir).groups("test")
    assert b"Patient0" not in b"".join(
        path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    )
