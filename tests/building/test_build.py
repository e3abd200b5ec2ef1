"""A build: what it writes, and that workers, order and company do not matter."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from trees import tree

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.errors import BuildError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.file import read_manifest
from medimeta_c.format.seeding import generator
from medimeta_c.format.suites import CORE
from medimeta_c.sources import open_source
from medimeta_corruptions import corrupt

Configure = Callable[..., BuildConfig]


def test_every_requested_set_is_there(built: Path) -> None:
    """35 corrupted sets and the clean one for each dataset, where the design says."""
    bench = open_benchmark(built)
    assert len(bench.sets) == 2 * 36
    for key in bench.sets:
        name = f"severity-{key.severity}-00000-of-00001.parquet"
        assert (built / "data" / key.dataset / "test" / key.corruption / name).is_file()
    assert sorted(path.name for path in built.iterdir() if not path.name.startswith(".")) == [
        "README.md",
        "assets",
        "data",
        "eval.yaml",
        "manifest.json",
        "stats",
    ]


def test_pixels_are_the_corruptions_of_the_source(built: Path, clean_dir: Path) -> None:
    """Each stored image equals the corruption of its clean image with its own generator; grey stays grey."""
    bench = open_benchmark(built)
    for dataset in bench.datasets:
        source = open_source("imagefolder", dataset, clean_dir)
        for key in bench.sets:
            if key.dataset != dataset:
                continue
            (batch,) = bench.batches(key, batch_size=100)
            assert batch.image_ids == source.ids("test")
            for image_id, label, image in zip(batch.image_ids, batch.labels, batch.images, strict=True):
                clean = source.image("test", image_id)
                expected = clean
                if key.severity:
                    expected = corrupt(clean, key.corruption, key.severity, generator(0, key, image_id))
                np.testing.assert_array_equal(image, expected)
                assert label == source.label("test", image_id)


def test_statistics_are_the_means_of_the_rows(built: Path) -> None:
    """stats/spectrum.parquet has one row a set, the mean of its images' band shares."""
    rows = pq.read_table(built / "stats/spectrum.parquet").to_pylist()
    bench = open_benchmark(built)
    assert [
        SetKey(*(row[name] for name in ("dataset", "split", "corruption", "severity"))) for row in rows
    ] == [*bench.sets]
    for row, key in zip(rows, bench.sets, strict=True):
        (table,) = bench.tables(key)
        assert row["images"] == table.num_rows
        for name in ("dct_low", "dct_mid", "dct_high", "dct_centroid"):
            values = [one for one in table[name].to_pylist() if one is not None]
            assert row["images_with_ac"] == len(values)
            assert row[name] == pytest.approx(np.mean(values), abs=1e-6)


def test_two_workers_in_other_order_and_company_give_the_same_bytes(
    built: Path, build_config: Configure, tmp_path: Path
) -> None:
    """Two processes, datasets and corruptions named backwards, and a dataset built alone: equal."""
    config = build_config(jobs=2)
    backwards = dataclasses.replace(
        config,
        datasets=config.datasets[::-1],
        corruptions=CORE.corruptions[::-1],
        severities=(5, 3, 1, 4, 2),
    )
    report = build(backwards)
    assert tree(config.out) == tree(built)
    assert len(report.built) == 72
    alone = build(build_config(datasets=("rays",), out=tmp_path / "alone"))
    whole = read_manifest(built / "manifest.json")
    assert alone.manifest.dataset("rays") == whole.dataset("rays")
    assert [one for one in whole.sets if one.dataset == "rays"] == [*alone.manifest.sets]


def test_a_build_grows_and_ends_up_the_same(built: Path, build_config: Configure) -> None:
    """Sets added in several commands add up to the benchmark built at once."""
    out = build_config().out
    build(build_config(datasets=("rays",), severities=(2,), corruptions=("contrast", "pixelate")))
    first = read_manifest(out / "manifest.json")
    assert [key.severity for key in (one.key for one in first.sets)] == [0, 2, 2]
    report = build(build_config(datasets=("cells",)))
    assert len(report.kept) == 0
    assert {one.dataset for one in report.manifest.sets} == {"cells", "rays"}
    report = build(build_config())
    assert len(report.kept) == 36 + 3
    assert tree(out) == tree(built)


def test_a_finished_build_is_left_alone(build_config: Configure) -> None:
    """Running it again renders nothing and touches nothing; --force renders the same again."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    before = {path: path.stat().st_mtime_ns for path in config.out.rglob("*") if path.name != "build.lock"}
    report = build(config)
    assert report.built == ()
    assert len(report.kept) == 8
    assert {path: path.stat().st_mtime_ns for path in before} == before
    digests = tree(config.out)
    assert len(build(dataclasses.replace(config, force=True)).built) == 8
    assert tree(config.out) == digests


def test_a_lost_shard_is_built_again(build_config: Configure) -> None:
    """A finished build with a shard deleted or cut short renders exactly that set again."""
    config = build_config(datasets=("rays",), severities=(1,), corruptions=("contrast",))
    build(config)
    digests = tree(config.out)
    shard = next(config.out.glob("data/rays/test/contrast/*.parquet"))
    for damage in (shard.unlink, lambda: os.truncate(shard, 100)):
        damage()
        assert build(config).built == (SetKey("rays", "test", "contrast", 1),)
        assert tree(config.out) == digests


def test_a_lost_shard_nobody_asks_for_is_named(
    build_config: Configure, caplog: pytest.LogCaptureFixture
) -> None:
    """A benchmark that grows after a set of it has lost its shard says which set it is without now."""
    some: dict[str, object] = {"datasets": ("rays",), "corruptions": ("contrast",)}
    root = build(build_config(severities=(1, 2), **some)).root
    next(root.glob("data/rays/test/contrast/severity-2-*")).unlink()
    manifest = build(build_config(severities=(3,), **some)).manifest
    assert [record.severity for record in manifest.sets] == [0, 1, 3]
    assert "(first: rays/test/contrast/severity-2" in caplog.text
    caplog.clear()
    build(build_config(severities=(2, 4), **some))
    assert caplog.text == ""


def test_shards_on_a_disk_of_the_workers_own_are_no_build(
    build_config: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of a cluster that does not share the directory: the build stops, and looks unfinished."""
    from medimeta_c.building import engines
    from medimeta_c.building.render import render_set

    def render_elsewhere(function, tasks, **options):
        for task in tasks:
            yield render_set(dataclasses.replace(task, root=tmp_path / "elsewhere"))

    monkeypatch.setattr(engines, "run_all", render_elsewhere)
    config = build_config(datasets=("rays",), severities=(1,))
    with pytest.raises(BuildError, match=r"not to .* on this one: choose an `out` that all workers see"):
        build(config)
    assert not (config.out / "manifest.json").exists()


def test_progress_counts_every_image(build_config: Configure) -> None:
    """Progress starts at nothing and ends at everything, growing by whole sets."""
    seen = []
    build(build_config(datasets=("rays",), severities=(1,)), on_progress=seen.append)
    assert [one.sets_done for one in seen] == list(range(9))
    assert (seen[0].images_done, seen[-1].images_done, seen[-1].images_total) == (0, 64, 64)


@pytest.mark.parametrize("name", ["stats/spectrum.parquet", "README.md"])
def test_a_file_removed_from_a_finished_build_is_made_again(build_config: Configure, name: str) -> None:
    """What `verify` or a reader misses comes back by the same command, without rendering anything."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    digests = tree(config.out)
    (config.out / name).unlink()
    assert build(config).built == ()
    assert tree(config.out) == digests


def test_a_build_remembers_where_its_data_was(build_config: Configure) -> None:
    """`verify` renders again without being told the folder; the note is in no published file."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    report = verify(config.out, rebuild=1, jobs=1)
    assert report.ok
    assert report.rebuilt == 8
    assert not any(
        str(config.data_dir) in (config.out / name).read_text() for name in ("manifest.json", "README.md")
    )
