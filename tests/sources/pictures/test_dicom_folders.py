"""Class folders of DICOM files: running numbers, frames, and patients that nobody can read."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from written import dicom_file

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.corrupt_files import corrupt_files
from medimeta_c.building.verification import verify
from medimeta_c.errors import BuildError, ConfigError, SourceError
from medimeta_c.format.png import decode
from medimeta_c.format.stats import GROUPS_PATH
from medimeta_c.sources.contract import Reading
from medimeta_c.sources.imagefolder import open_imagefolder
from medimeta_c.sources.pictures import read_image

pydicom = pytest.importorskip("pydicom")


def test_class_folders(tmp_path: Path) -> None:
    """DICOM files are pictures, also those named by number; one of several frames is refused by name."""
    values = np.arange(64, dtype=np.uint16).reshape(8, 8, 1) * 60
    root = tmp_path / "pets"
    for name in ("cat/a.dcm", "cat/1.2.840.7", "cat/1.2.840.8", "dog/b"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        dicom_file(root / name, values, 12)
    with pytest.raises(SourceError, match=r"4 problems: .*cat/1\.2\.840\.7 has more .* give a window"):
        open_imagefolder("pets", tmp_path)
    source = open_imagefolder("pets", tmp_path, reading=Reading(window="full"))
    assert source.ids("test") == ("000000", "000001", "000002", "000003")
    assert [source.image("test", image_id).max() for image_id in source.ids("test")] == [235] * 4
    dicom_file(root / "dog/c.dcm", values, 12, frames=2)
    with pytest.raises(SourceError, match=r"dog/c\.dcm holds 2 frames: .* \(frames: each\)"):
        open_imagefolder("pets", tmp_path, reading=Reading(window="full"))


def scans(root: Path, **patients: str) -> Path:
    """Write two classes of DICOM files, the first of three frames; `patients` says whose each file is."""
    values = np.arange(64, dtype=np.uint16).reshape(8, 8, 1) * 60
    for index, name in enumerate(("cat/a.dcm", "cat/b.dcm", "dog/c.dcm", "dog/d.dcm")):
        (root / "test" / name).parent.mkdir(parents=True, exist_ok=True)
        said = {"PatientID": patients[name[4]], "PatientName": "Doe^Jane"} if name[4] in patients else {}
        path = dicom_file(root / "test" / name, values + index, 12, frames=3 if index == 0 else 1, **said)
        if index == 0:
            file = pydicom.dcmread(path)
            file.PixelData = b"".join((values // (place + 1)).tobytes() for place in range(3))
            file.save_as(path)
    return root


def config(tmp_path: Path, out: str = "out", **changes: Any) -> BuildConfig:
    """The smallest build of `scans`."""
    options: dict[str, Any] = {
        "data_dir": tmp_path, "source": "imagefolder", "window": "0,4095", "frames": "each",
        "corruptions": ("gaussian_noise",), "severities": (1,), "jobs": 1, **changes,
    }  # fmt: skip
    return BuildConfig(datasets=("scans",), out=tmp_path / out, **options)


PATIENTS = {"a": "HOSP-4711", "b": "HOSP-4711", "c": "Zebedee^Q", "d": "HOSP-0815"}


def table(ids: Path) -> list[dict[str, str]]:
    """The lines of the table that leads back from ids."""
    return list(csv.DictReader((ids / "scans.csv").read_text(encoding="utf-8").splitlines()))


def test_each_frame_is_an_image(tmp_path: Path) -> None:
    """Frames have ids and random numbers of their own; the protocol says so, and they render again."""
    scans(tmp_path / "scans", **PATIENTS)
    out = tmp_path / "out"
    manifest = build(config(tmp_path)).manifest
    assert (manifest.protocol.frames, manifest.schema_version) == ("each", 2)
    assert manifest.dataset("scans").splits == {"test": 6}
    lines = table(tmp_path / "out.ids")
    own = {int(line["frame"]): line["image_id"] for line in lines if line["frame"]}
    assert sorted(own) == [0, 1, 2]
    assert {line["frame"] for line in lines if "a.dcm" not in line["file"]} == {""}
    shards = [pq.read_table(path) for path in sorted((out / "data").rglob("*.parquet"))]
    clean = {row["image_id"]: decode(row["image"]["bytes"]) for row in shards[0].to_pylist()}
    values = np.arange(64, dtype=np.float64).reshape(8, 8) * 60
    for frame, image_id in own.items():
        shade = np.floor(values // (frame + 1) * 255 / 4095 + 0.5)
        np.testing.assert_array_equal(clean[image_id], shade.astype(np.uint8))
    assert verify(out, rebuild=6, jobs=1).ok
    with pytest.raises(BuildError, match=r"was built with frames 'each', this build has 'one'"):
        (tmp_path / "scans/test/cat/a.dcm").unlink()
        build(config(tmp_path, frames="one"))


def test_patients_of_dicom_are_numbers_only(tmp_path: Path) -> None:
    """One PatientID is one group; neither it nor a name is in any file, the keeper's table included."""
    scans(tmp_path / "scans", **PATIENTS)
    build(config(tmp_path))
    rows = pq.read_table(tmp_path / "out" / GROUPS_PATH).to_pylist()
    files = {line["image_id"]: line["file"] for line in table(tmp_path / "out.ids")}
    groups = {(PATIENTS[files[row["image_id"]][-5]], row["group"]) for row in rows}
    assert sorted(number for _, number in groups) == [0, 1, 2]
    written = b"".join(
        path.read_bytes()
        for folder in ("out", "out.ids")
        for path in (tmp_path / folder).rglob("*")
        if path.is_file()
    )
    assert not any(word in written for word in (b"HOSP", b"Zebedee", b"Jane"))


def test_patients_are_known_of_all_files_or_none(tmp_path: Path) -> None:
    """What gives no groups is said: files that lack a PatientID, or share one as anonymised files do."""
    reading = Reading(window="0,4095", frames="each")
    for patients, text in (
        ({"a": "1", "b": "2"}, "2 of 4 files have no PatientID"),
        (dict.fromkeys("abcd", "ANON"), "all 4 files have the same PatientID"),
        ({}, ""),
    ):
        scans(tmp_path / "scans", **patients)
        source = open_imagefolder("scans", tmp_path, reading=reading)
        assert [text in said for said in source.warnings] == [True] * bool(text)
        assert source.groups("test") == {}
        assert source.ids("test")[0] == "000000"


def test_later_pictures_get_the_next_numbers(tmp_path: Path) -> None:
    """With the same folder of ids what was numbered keeps its numbers, images and patients alike."""
    scans(tmp_path / "scans", **PATIENTS)
    late = tmp_path / "scans/test/dog/d.dcm"
    late.rename(tmp_path / "later.dcm")
    ids = tmp_path / "ids"

    def numbers() -> dict[tuple[str, str], tuple[str, str]]:
        return {(line["file"], line["frame"]): (line["image_id"], line["group"]) for line in table(ids)}

    build(config(tmp_path, "first", ids=ids))
    before = numbers()
    (tmp_path / "later.dcm").rename(late)
    build(config(tmp_path, "second", ids=ids))
    assert numbers() == before | {("test/dog/d.dcm", ""): ("000005", "2")}
    assert verify(tmp_path / "second", rebuild=6, jobs=1).ok
    again = build(config(tmp_path, "second", corruptions=("gaussian_noise", "contrast")))
    assert len(again.built) == 1, "the folder of ids is remembered"
    late.unlink()
    build(config(tmp_path, "third", ids=ids))
    assert ("test/dog/d.dcm", "") in numbers(), "the second benchmark still needs it"
    (ids / "scans.csv").write_text("split,image_id\n")
    with pytest.raises(SourceError, match=r"scans\.csv is not a table of ids"):
        build(config(tmp_path, "fourth", ids=ids))


def test_frames_of_files(tmp_path: Path) -> None:
    """`corrupt` refuses several frames, or writes one picture a frame, each with noise of its own."""
    path = dicom_file(tmp_path / "x.dcm", np.full((8, 8, 1), 99, np.uint8), 8, frames=2)
    with pytest.raises(SourceError, match="holds 2 frames"):
        corrupt_files([path], "gaussian_noise", 1, tmp_path / "out")
    one, two = corrupt_files([path], "gaussian_noise", 1, tmp_path / "out", frames="each")
    assert (one.name, two.name) == ("x_frame0_gaussian_noise_1.png", "x_frame1_gaussian_noise_1.png")
    assert one.read_bytes() != two.read_bytes()
    assert read_image(path, frame=1).max() == 99
    with pytest.raises(ConfigError, match="unknown frames 'all'"):
        corrupt_files([path], "gaussian_noise", 1, tmp_path / "out", frames="all")
