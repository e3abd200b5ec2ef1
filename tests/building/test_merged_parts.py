"""Parts of a build, in any order: they merge to the bytes of an undivided build."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_source import FakeSource
from numpy.typing import NDArray
from parted_builds import config, everything, large
from PIL import Image
from trees import tree
from typer.testing import CliRunner

import medimeta_c
from medimeta_c.building import render
from medimeta_c.building.build import build
from medimeta_c.building.merge import merge
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, ManifestError
from medimeta_c.format import shards
from medimeta_c.format.keys import SetKey
from medimeta_c.format.parts import part_folder, part_folders
from medimeta_c.format.shards import ShardWriter


class PaddedSource(FakeSource):
    """Every third image has a row of zeros at the top."""

    def image(self, split: str, image_id: str) -> NDArray[np.uint8]:
        image = super().image(split, image_id)
        image[0] *= int(image_id) % 3 > 0
        return image


@pytest.mark.parametrize("of", [1, 2, 5])
@pytest.mark.parametrize("places", ["one directory", "several"])
def test_merged_parts_are_the_undivided_build(whole: Path, tmp_path: Path, of: int, places: str) -> None:
    """Every byte of every file, in any order of parts."""
    outs = [tmp_path / ("out" if places == "one directory" else f"part{n}") for n in range(1, of + 1)]
    for number in range(of, 0, -1):
        report = build(config(outs[number - 1], part=f"{number}/{of}"))
        assert report.manifest.part is not None
        assert report.manifest.part.name == f"part {number} of {of}"
    out = tmp_path / "out"
    report = merge(dict.fromkeys(reversed(outs)), out)
    assert len(report.built) == 10
    assert everything(out) == everything(whole)


@pytest.mark.parametrize(
    ("of", "limits"), [(2, {}), (5, {}), (5, {"ROW_GROUP_BYTES": 3000}), (5, {"max_bytes": 7000})], ids=repr
)
def test_sets_that_are_cut_are_joined_to_the_same_shards(
    tmp_path: Path, of: int, limits: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where row groups and shards end by size, elsewhere than parts do."""
    if "max_bytes" in limits:

        def small(root: Path, key: SetKey, names: Sequence[str], *, max_bytes: int) -> ShardWriter:
            return ShardWriter(root, key, names, max_bytes=limits["max_bytes"])

        monkeypatch.setattr(render, "ShardWriter", small)
    elif limits:
        monkeypatch.setattr(shards, "ROW_GROUP_BYTES", limits["ROW_GROUP_BYTES"])
    build(large(tmp_path / "whole"))
    for number in range(1, of + 1):
        build(large(tmp_path / "parts", part=f"{number}/{of}"))
    merge(tmp_path / "parts", tmp_path / "parts")
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")
    assert ("max_bytes" in limits) == (len(list((tmp_path / "parts").rglob("*.parquet"))) > 3)
    assert verify(tmp_path / "parts", jobs=1).ok


def test_more_parts_than_blocks_leave_some_empty(tmp_path: Path) -> None:
    """They merge as the others; each is built by several processes if asked."""
    build(large(tmp_path / "whole"))
    for number in range(1, 10):
        build(large(tmp_path / "parts", part=f"{number}/9", jobs=2 if number == 1 else 1))
    merge(tmp_path / "parts", tmp_path / "parts")
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


def test_an_interrupted_merge_resumes(whole: Path, tmp_path: Path) -> None:
    """A set that is merged stays; parts are removed only in the end."""
    out = tmp_path / "out"
    for number in (1, 2):
        build(config(out, part=f"{number}/2"))

    def stop(now: medimeta_c.building.build.BuildProgress) -> None:
        if now.sets_done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge(out, out, on_progress=stop)
    assert len(part_folders(out)) == 2
    with pytest.raises(ManifestError):
        medimeta_c.open_benchmark(out)
    assert len(merge(out, out).kept) == 3
    assert everything(out) == everything(whole)


def test_of_a_part_that_is_there_twice_the_first_is_kept(whole: Path, tmp_path: Path) -> None:
    """If both have the same pixels."""
    for number in (1, 2):
        build(config(tmp_path / f"p{number}", part=f"{number}/2"))
    shutil.copytree(tmp_path / "p2", tmp_path / "again")
    damaged = next((tmp_path / "again").rglob("*.parquet"))
    damaged.write_bytes(b"never read")
    merge([tmp_path / "p2", tmp_path / "again", tmp_path / "p1"], tmp_path / "out")
    assert everything(tmp_path / "out") == everything(whole)
    assert part_folders(tmp_path / "p1")


def test_a_benchmark_gets_the_sets_of_merged_parts(whole: Path, tmp_path: Path) -> None:
    """What it had stays; other pixels of a set that it has are refused."""
    out = tmp_path / "out"
    build(config(out, severities=(1,)))
    for number in (1, 2):
        build(config(tmp_path / "parts", part=f"{number}/2"))
    report = merge(tmp_path / "parts", out)
    assert (len(report.built), len(report.kept)) == (4, 6)
    assert everything(out) == everything(whole)


class TestMergedInPlace:
    """Parts in the benchmark's own directory are removed; whenever that ends, the merge can be run again."""

    def parts(self, out: Path) -> Path:
        for number in (1, 2):
            build(large(out, part=f"{number}/2"))
        return out

    def test_again_it_changes_nothing(self, tmp_path: Path) -> None:
        out = self.parts(tmp_path / "out")
        first = merge(out, out)
        before = tree(out)
        again = merge(out, out)
        assert (again.built, again.kept) == ((), tuple(sorted(first.built)))
        assert again.manifest == first.manifest
        assert tree(out) == before
        assert not part_folders(out)

    def test_killed_while_it_removes_the_parts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever is left of them, it is no part that looks unfinished."""

        remove = shutil.rmtree

        def killed(path: Path, **options: Any) -> None:
            manifest = next(path.rglob("1-of-2/manifest.json"), None)
            if manifest is None:
                remove(path, **options)
            else:
                manifest.unlink()
                raise KeyboardInterrupt

        out = self.parts(tmp_path / "out")
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(shutil, "rmtree", killed)
            merge(out, out)
        assert len(merge(out, out).kept) == 2
        assert not [*out.rglob("parts")]
        assert verify(out).ok


def test_parts_of_other_encoders_list_theirs_by_set(whole: Path, tmp_path: Path) -> None:
    """The manifest has that of the first part; pixels, and so fingerprints, are the same."""
    from medimeta_c.format.manifest.file import read_manifest, write_manifest

    for number in (1, 2):
        build(config(tmp_path / f"p{number}", part=f"{number}/2"))
    other = part_folder(tmp_path / "p2", 2, 2)
    manifest = read_manifest(other / "manifest.json", of_part=True)
    write_manifest(other, manifest.model_copy(update={"encoder": "png/other"}))
    merged = merge([tmp_path / "p1", tmp_path / "p2"], tmp_path / "out").manifest
    undivided = medimeta_c.open_benchmark(whole).manifest
    assert merged.fingerprint == undivided.fingerprint
    assert merged.encoder == undivided.encoder
    assert {record.encoder for record in merged.sets} == {None, "png/other"}
    assert {record.key for record in merged.sets if record.encoder} == {one.key for one in manifest.sets}


def test_on_the_command_line(clean_dir: Path, tmp_path: Path) -> None:
    """Built, merged and verified against the clean data, whose place the parts noted."""
    run = CliRunner()
    told = ["build", "--dataset", "rays", "--source", "imagefolder", "--data", str(clean_dir), "--jobs", "1"]
    told += ["--severity", "3", "--quiet"]
    outs = [str(tmp_path / name) for name in ("p1", "p2")]
    for number, out in enumerate(outs, 1):
        shown = run.invoke(app, [*told, "--part", f"{number}/2", "--out", out, "--json"])
        assert shown.exit_code == 0, shown.stderr
        assert json.loads(shown.stdout)["part"] == number
    shown = run.invoke(app, [*told, "--part", "2/2", "--out", outs[1]])
    assert "part 2 of 2, 0 sets built, 4 kept, 32 images" in shown.stdout
    merged = str(tmp_path / "out")
    shown = run.invoke(app, ["merge", *outs, "--out", merged])
    assert "8 sets merged, 0 kept" in shown.stdout
    shown = run.invoke(app, ["verify", merged, "--jobs", "1", "--rebuild", "1"])
    assert shown.exit_code == 0, shown.stderr
    shown = run.invoke(app, ["merge", merged])
    assert (shown.exit_code, "is a whole benchmark" in shown.stderr) == (1, True)


def test_numbered_images_have_the_same_ids_in_every_part(tmp_path: Path) -> None:
    """Of known patients: the key is made once, groups are merged, and the ids can be traced back."""
    for index, name in enumerate(("a/A/1", "a/B/1", "b/B/2")):
        path = tmp_path / f"data/scans/test/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), index * 40, np.uint8)).save(path)
    changes = {"datasets": "scans", "data_dir": tmp_path / "data", "source": "imagefolder"}
    for number in (2, 1):
        build(config(tmp_path / "out", part=f"{number}/2", **changes))
    merge(tmp_path / "out", tmp_path / "out")
    assert verify(tmp_path / "out", rebuild=3, jobs=1).ok
    build(config(tmp_path / "whole", ids=tmp_path / "out.ids", **changes))
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
    assert (tmp_path / "out/stats/groups.parquet").is_file()
    build(config(tmp_path / "apart", part="1/2", **changes))
    build(config(tmp_path / "apart2", part="2/2", **changes))
    with pytest.raises(BuildError, match="its checksum of scans is 'sha256:"):
        merge([tmp_path / "apart", tmp_path / "apart2"], tmp_path / "other")


def test_another_suite_merges_with_what_it_counts(tmp_path: Path) -> None:
    """Padded images of a clean set that was cut are added up."""
    scans = PaddedSource(dataset="oct", channels=1, splits={"test": 230}, class_names=("a", "b"))
    changes = {"datasets": scans, "suite": "clinical", "corruptions": "oct_speckle", "severities": (0,)}
    build(config(tmp_path / "whole", **changes))
    for number in (1, 2, 3):
        build(config(tmp_path / "out", part=f"{number}/3", **changes))
    [clean] = merge(tmp_path / "out", tmp_path / "out").manifest.sets
    assert clean.padded == 77
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")
