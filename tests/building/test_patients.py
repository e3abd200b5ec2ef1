"""Folders of patients: running numbers as ids, groups, and the key that stays beside the benchmark."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, ConfigError, ShardError, SourceError
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest, write_manifest
from medimeta_c.format.manifest.records import FileRecord
from medimeta_c.format.stats import GROUPS_PATH, write_groups
from medimeta_c.io.files import sha256_file
from medimeta_c.sources.folders.ids import Entry, read_ids, write_ids
from medimeta_c.sources.imagefolder import open_imagefolder

FILES = [f"test/{name}/{patient}/{index}.png" for name, patient in ("aA", "aB", "bA") for index in (1, 2)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes, two patients, one of them in both classes."""
    for index, name in enumerate(FILES):
        path = tmp_path / "data/scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), index * 20, np.uint8)).save(path)
    return tmp_path / "data"


def config(data: Path, out: Path, **changes: object) -> BuildConfig:
    """The smallest build of it."""
    options = {
        "corruptions": ("contrast",),
        "severities": (1,),
        "jobs": 1,
        "source": "imagefolder",
        **changes,
    }
    return BuildConfig(datasets=("scans",), data_dir=data, out=out, **options)  # type: ignore[arg-type]


def test_ids_are_running_numbers(data: Path, tmp_path: Path) -> None:
    """The benchmark names neither files nor patients; a table beside it leads back, for its owner only."""
    out = tmp_path / "out"
    report = build(config(data, out))
    rows = pq.read_table(out / GROUPS_PATH).to_pylist()
    assert [row["image_id"] for row in rows] == [f"{number:06d}" for number in range(6)]
    assert GROUPS_PATH in [file.path for file in report.manifest.files]
    ids = tmp_path / "out.ids"
    assert [path.stat().st_mode & 0o777 for path in (ids, ids / "key", ids / "scans.csv")] == [
        0o700,
        0o600,
        0o600,
    ]
    table = list(csv.DictReader((ids / "scans.csv").read_text(encoding="utf-8").splitlines()))
    assert sorted(row["file"] for row in table) == sorted(FILES)
    patients = {row["image_id"]: row["patient"] for row in table}
    assert len({(patients[row["image_id"]], row["group"]) for row in rows}) == 2
    assert verify(out, rebuild=2, jobs=1).ok
    shutil.move(ids, tmp_path / "elsewhere")
    with pytest.raises(SourceError, match=r"out\.ids.key is missing, .* or give its folder with `ids`"):
        verify(out, rebuild=2, jobs=1)
    assert verify(out, rebuild=2, ids=tmp_path / "elsewhere", jobs=1).ok
    told = ["verify", str(out), "--rebuild", "2", "--jobs", "1"]
    assert CliRunner().invoke(app, [*told, "--ids", str(tmp_path / "elsewhere")]).exit_code == 0
    refused = CliRunner().invoke(app, [*told, "--ids", str(tmp_path / "nowhere")])
    assert refused.exit_code == 1
    assert "nowhere/key is missing" in "".join(refused.output.split("\n"))


def forge_groups(root: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Edit the groups, and the manifest's digest of them."""
    path, manifest = root / GROUPS_PATH, read_manifest(root / MANIFEST_NAME)
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    record = FileRecord(path=GROUPS_PATH, bytes=path.stat().st_size, sha256=sha256_file(path))
    kept = [one for one in manifest.files if one.path != GROUPS_PATH]
    write_manifest(root, manifest.model_copy(update={"files": (*kept, record)}))


def test_groups_are_those_of_the_source(data: Path, tmp_path: Path) -> None:
    """Whose images are whose is compared with the source; a file that says nothing or two things is named."""
    out = tmp_path / "out"
    build(config(data, out))
    forge_groups(out, lambda rows: rows[0].update(group=1 - rows[0]["group"]))
    assert verify(out, jobs=1).ok
    (problem,) = verify(out, rebuild=1, jobs=1).problems
    assert str(problem) == f"{GROUPS_PATH}: its groups of scans/test differ from the source's"
    for change in (
        lambda rows: rows[0].update(group=None),
        lambda rows: rows.append({**rows[0], "group": 1 - rows[0]["group"]}),
    ):
        build(config(data, out, force=True))
        forge_groups(out, change)
        (problem,) = verify(out, jobs=1).problems
        assert "has an empty value or a duplicate image" in str(problem)
    (out / GROUPS_PATH).write_bytes(b"PAR1")
    assert str(verify(out, jobs=1).problems[0]).startswith(f"{GROUPS_PATH}: the file was changed")
    build(config(data, out, force=True))
    assert verify(out, rebuild=1, jobs=1).ok
    (out / GROUPS_PATH).write_bytes(b"PAR1")
    with pytest.raises(ShardError, match=r"groups\.parquet cannot be read .* or move it away and build"):
        write_groups(out, read_manifest(out / MANIFEST_NAME).sets, {})


def test_the_same_key_gives_the_same_ids(data: Path, tmp_path: Path) -> None:
    """With the key of another build the benchmark is the same; with one of its own it is another."""
    ids = tmp_path / "ids"
    one, two = (build(config(data, tmp_path / name, ids=ids)).manifest for name in ("one", "two"))
    assert one.fingerprint == two.fingerprint
    assert build(config(data, tmp_path / "one", ids=ids)).built == ()
    assert not (tmp_path / "one.ids").exists()
    assert verify(tmp_path / "one", rebuild=1, jobs=1).ok
    shutil.move(ids, tmp_path / "one.ids")
    assert verify(tmp_path / "one", rebuild=1, jobs=1).ok
    with pytest.raises(SourceError, match=r"ids.key is missing"):
        verify(tmp_path / "two", rebuild=1, jobs=1)


def test_ids_of_two_keys_do_not_mix(data: Path, tmp_path: Path) -> None:
    """A benchmark grows with its own key only: under another, its numbers would stand for other images."""
    out, ids = tmp_path / "out", tmp_path / "out.ids"
    build(config(data, out))
    build(config(data, tmp_path / "other"))
    more = {"corruptions": ("contrast", "pixelate")}
    with pytest.raises(BuildError, match=r"was built with scans checksum"):
        build(config(data, out, ids=tmp_path / "other.ids", **more))
    kept = shutil.move(ids, tmp_path / "kept")
    with pytest.raises(SourceError, match=r"out\.ids.key is missing"):
        build(config(data, out, **more))
    assert not ids.exists()
    shutil.move(kept, ids)
    assert len(build(config(data, out, **more)).built) == 1
    assert verify(out, rebuild=2, jobs=1).ok


def test_the_table_of_a_benchmark_outlives_changed_data(data: Path, tmp_path: Path) -> None:
    """Data that changed is refused, and leaves the table that leads back from the benchmark's ids."""
    build(config(data, tmp_path / "out"))
    table = tmp_path / "out.ids/scans.csv"
    before = table.read_bytes()
    (data / "scans" / FILES[0]).unlink()
    with pytest.raises(BuildError, match=r"was built with scans checksum"):
        build(config(data, tmp_path / "out"))
    assert table.read_bytes() == before


def test_builds_that_share_a_folder_of_ids_lose_no_line(tmp_path: Path) -> None:
    """Parts in several directories write the same table, each what it knows, at the same time."""
    entries = [Entry("test", f"{number:06d}", f"{number}.dcm", "", "", "") for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda entry: write_ids(tmp_path, "scans", [entry]), entries))
    assert read_ids(tmp_path, "scans") == entries


def test_a_folder_of_ids_is_refused_where_it_would_be_published_or_ignored(
    data: Path, tmp_path: Path
) -> None:
    """Not in the benchmark, and not for images whose ids are their files' names all the same."""
    with pytest.raises(ConfigError, match=r"is inside the benchmark's folder"):
        config(data, tmp_path / "out", ids=tmp_path / "elsewhere/../out/ids")
    for path in sorted((data / "scans/test").glob("*/*/*.png")):
        path.rename(path.parent.with_name(f"{path.parent.name}-{path.name}"))
    for folder in (data / "scans/test").glob("*/*/"):
        if folder.is_dir():
            folder.rmdir()
    with pytest.raises(ConfigError, match=r"these datasets have none"):
        build(config(data, tmp_path / "out", ids=tmp_path / "ids"))
    assert not (tmp_path / "ids").exists()


def test_patients_of_a_table(data: Path, tmp_path: Path) -> None:
    """A column names patients as folders do."""
    root = data / "scans"
    lines = [f"{name},{name[5]},{name[7]}" for name in FILES]
    (root / "metadata.csv").write_text("\n".join(["file_name,label,patient", *lines]))
    source = open_imagefolder("scans", data)
    assert source.info.splits == {"test": 6}
    assert sorted(source.groups("test").values()) in ([0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1])
    (root / "metadata.csv").write_text("\n".join(["file_name,label,patient", *lines[1:], f"{FILES[0]},a,"]))
    with pytest.raises(SourceError, match=r"line 7: patient is missing"):
        open_imagefolder("scans", data)


def test_patients_are_known_of_all_or_none(data: Path) -> None:
    """A class of patients beside one of pictures is refused: each would get another kind of id."""
    other = data / "scans/test/c"
    other.mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(other / "1.png")
    with pytest.raises(SourceError, match=r"c/1\.png is not in a patient's folder"):
        open_imagefolder("scans", data)
