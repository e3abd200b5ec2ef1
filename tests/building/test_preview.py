"""`build --dry-run`: what a build would read and make, counted; nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build, preview
from medimeta_c.building.preview import Preview
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, SourceError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three images of one class and one of another, each of a patient of its own."""
    values = np.random.default_rng(0).integers(0, 256, (4, 40, 30), dtype=np.uint8)
    for place, image in zip(("a/p/0", "a/p/1", "a/q/0", "b/r/0"), values, strict=True):
        path = tmp_path / f"data/scans/test/{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return tmp_path / "data"


def config(data: Path, **changes: object) -> BuildConfig:
    """Two corruptions at two severities."""
    options = {"corruptions": ("contrast", "pixelate"), "severities": (1, 5), "jobs": 1, **changes}
    return BuildConfig(
        datasets="scans", source="imagefolder", data_dir=data, out=data.parent / "out", **options
    )  # type: ignore[arg-type]


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def test_it_counts_and_writes_nothing(data: Path) -> None:
    """Neither a benchmark nor the key of ids, which a build of known patients makes."""
    before = everything(data.parent)
    found = preview(config(data))
    (split,) = found.splits
    assert (split.dataset, split.split, split.images, dict(split.classes)) == (
        "scans",
        "test",
        4,
        {"a": 3, "b": 1},
    )
    assert (split.sets, split.kept, found.images) == (5, 0, 20)
    assert found.bytes > 0
    assert found.seconds > 0
    assert everything(data.parent) == before


def test_it_counts_what_a_build_keeps(data: Path) -> None:
    """Finished sets are not counted as work, unless they are to be made again; the build's key is used."""
    build(config(data, severities=(1,)))
    kept = preview(config(data))
    assert (kept.splits[0].sets, kept.splits[0].kept, kept.images) == (5, 3, 8)
    assert preview(config(data, force=True)).images == 20
    assert preview(config(data, limit=None, severities=(1,))).measured == 0


@pytest.mark.parametrize("changes", [{"suite": "imagenet_c"}, {"seed": 1}, {"limit": 1}], ids=str)
def test_what_is_refused_is_not_shown_first(data: Path, changes: dict[str, object]) -> None:
    """A folder of another suite or protocol: neither a build nor a dry run counts anything for it."""
    build(config(data, severities=(1,)))
    shown: list[Preview] = []
    for job in (preview, lambda one: build(one, on_preview=shown.append)):
        with pytest.raises(BuildError, match=r"was built with"):
            job(config(data, **changes))
    assert shown == []


def test_a_build_shows_the_same_before_it_starts(data: Path) -> None:
    """Once, and before any set is there."""
    shown: list[Preview] = []

    def show(one: Preview) -> None:
        assert not list(data.parent.glob("out/data/**/*.parquet"))
        shown.append(one)

    build(config(data), on_preview=show)
    (one,) = shown
    assert (one.images, one.splits[0].sets) == (20, 5)


def test_the_estimate_is_of_the_right_size(data: Path) -> None:
    """Bytes within a factor of two of the shards; time is never asserted in a test."""
    noise = np.random.default_rng(1)
    for path in data.rglob("*.png"):
        Image.fromarray(noise.integers(0, 256, (400, 300), dtype=np.uint8)).save(path)
    estimated = preview(config(data)).bytes
    report = build(config(data))
    actual = sum(shard.bytes for record in report.manifest.sets for shard in record.shards)
    assert actual / 2 < estimated < actual * 2


def test_the_command(data: Path, tmp_path: Path) -> None:
    """A table on stdout, or JSON; and what a build refuses is refused."""
    line = ["build", "--dataset", "scans", "--source", "imagefolder", "--data", str(data), "--dry-run"]
    line += ["--corruption", "contrast", "--severity", "1"]
    found = json.loads(CliRunner().invoke(app, [*line, "--out", str(tmp_path / "out"), "--json"]).stdout)
    assert found["splits"][0]["classes"] == {"a": 3, "b": 1}
    assert (found["images_to_render"], found["splits"][0]["sets"]) == (8, 2)
    shown = CliRunner().invoke(app, [*line, "--out", str(tmp_path / "out")])
    assert "a 3, b 1" in shown.stdout
    assert f"8 images to render into {tmp_path / 'out'}" in " ".join(shown.stdout.split())
    assert not (tmp_path / "out").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/thesis.tex").touch()
    refused = CliRunner().invoke(app, [*line, "--out", str(tmp_path / "thesis")])
    assert refused.exit_code == 1
    assert "holds 'thesis.tex'" in refused.stderr


def test_what_a_build_refuses(data: Path) -> None:
    """A damaged picture, and a file in the place of the folder."""
    (data.parent / "out").touch()
    with pytest.raises(BuildError, match="is a file, not a folder"):
        preview(config(data))
    (data.parent / "out").unlink()
    (data / "scans/test/a/p/0.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"0\.png"):
        preview(config(data))
