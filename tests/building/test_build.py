"""A build: what it writes, and that workers, order, company and interruptions do not matter."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import filelock
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.plan import plan_sets
from medimeta_c.building.verification import verify
from medimeta_c.errors import BuildError, ConfigError, ManifestError, MissingExtraError, SourceError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest import read_manifest
from medimeta_c.format.seeding import generator
from medimeta_c.format.suites import CORE
from medimeta_c.sources import open_source
from medimeta_c.sources.contract import Channels
from medimeta_corruptions import corrupt

Configure = Callable[..., BuildConfig]


def tree(root: Path) -> dict[str, str]:
    """Every visible file of a benchmark and its digest."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".medimeta-c" not in path.parts
    }


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


BUILD = """
import sys
from pathlib import Path
from medimeta_c.building.build import BuildConfig, build
build(BuildConfig(datasets=("cells", "rays"), source="imagefolder", data_dir=Path(sys.argv[1]),
                  out=Path(sys.argv[2]), jobs=int(sys.argv[3])))
"""


def start(clean_dir: Path, out: Path, jobs: int) -> subprocess.Popen[bytes]:
    """Start a build in a process group of its own, so that its workers can be killed with it."""
    command = [sys.executable, "-c", BUILD, str(clean_dir), str(out), str(jobs)]
    return subprocess.Popen(command, start_new_session=True)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_builds_resume_to_the_same_bytes(
    built: Path, clean_dir: Path, tmp_path: Path, jobs: int
) -> None:
    """Killed at random moments, ten times, then finished: equal to the uninterrupted build, byte for byte."""
    out = tmp_path / "out"
    draw = random.Random(jobs)
    kills = 0
    for attempt in itertools.count():
        process = start(clean_dir, out, jobs)
        # Kill after a random number of sets has been finished since this start, at a random moment after.
        done = len(list(out.glob(".medimeta-c/sets/*.json")))
        target = done + draw.randrange(1, 8)
        while process.poll() is None and len(list(out.glob(".medimeta-c/sets/*.json"))) < target:
            time.sleep(0.002)
        time.sleep(draw.random() * 0.03)
        if process.poll() is None and kills < 10:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            with pytest.raises(ManifestError, match="not a finished build"):
                open_benchmark(out)
        else:
            assert process.wait() == 0
            break
        assert attempt < 30
    assert kills >= 5
    assert tree(out) == tree(built)


def running(pid: int) -> bool:
    """Whether a process is there, and not only waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")
def test_workers_end_with_a_killed_build_and_what_they_left_is_not_published(
    clean_dir: Path, tmp_path: Path
) -> None:
    """SIGKILL to the build alone: its workers end too, and a smaller build then lists all that is there."""
    out = tmp_path / "out"
    process = start(clean_dir, out, 2)
    while len(list(out.glob(".medimeta-c/sets/*.json"))) < 3:
        assert process.poll() is None
        time.sleep(0.005)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(running(int(pid)) for pid in children):
        assert time.monotonic() < deadline, "workers outlived the build"
        time.sleep(0.05)
    # As a worker leaves it that was killed between its last rename and the journal.
    orphan = out / "data/rays/test/zoom_blur/severity-5-00000-of-00001.parquet"
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"never recorded")
    (out / ".medimeta-c/sets/rays-test-zoom_blur-5.json").unlink(missing_ok=True)
    build(
        BuildConfig(
            datasets=("rays",), source="imagefolder", data_dir=clean_dir, out=out, jobs=1, severities=(1,)
        )
    )
    assert not orphan.exists()
    assert verify(out, jobs=1).ok


@pytest.mark.parametrize("name", ["stats/spectrum.parquet", "README.md"])
def test_a_file_removed_from_a_finished_build_is_made_again(build_config: Configure, name: str) -> None:
    """What `verify` or a reader misses comes back by the same command, without rendering anything."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    digests = tree(config.out)
    (config.out / name).unlink()
    assert build(config).built == ()
    assert tree(config.out) == digests


def test_a_missing_engine_leaves_a_finished_build_finished(
    build_config: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot start is refused before the manifest is put aside."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    digests = tree(config.out)
    monkeypatch.setattr("medimeta_c.building.engines.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"'\.\[dask\]'"):
        build(dataclasses.replace(config, engine="dask", severities=(1, 2)))
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


@pytest.mark.slow
def test_ctrl_c_stops_workers_and_leaves_no_parts(clean_dir: Path, tmp_path: Path) -> None:
    """SIGINT ends the command with exit code 130 and one sentence; no worker and no part file remains."""
    out = tmp_path / "out"
    command = ["-m", "medimeta_c", "build", "--quiet", "--dataset", "cells,rays", "--source", "imagefolder"]
    process = subprocess.Popen(
        [sys.executable, *command, "--data", str(clean_dir), "--out", str(out), "--jobs", "2"],
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what runs in the background with Ctrl-C ignored, these tests perhaps among it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    while not list(out.glob(".medimeta-c/sets/*.json")):
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert stderr == "medimeta-c: interrupted: run the same command again to resume\n"
    assert not (out / "manifest.json").exists()
    assert list(out.rglob("*.part")) == []
    with filelock.FileLock(out / ".medimeta-c/build.lock", timeout=0):
        pass


def test_an_extended_build_in_progress_does_not_look_finished(
    build_config: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first new set on until the end there is no manifest."""
    build(build_config(datasets=("rays",), severities=(1,)))
    out = build_config().out
    from medimeta_c.building import engines

    def failing(function, tasks, **options):
        raise BuildError("stop here")
        yield

    monkeypatch.setattr(engines, "run_all", failing)
    with pytest.raises(BuildError, match="stop here"):
        build(build_config())
    with pytest.raises(ManifestError, match="not a finished build"):
        open_benchmark(out)
    monkeypatch.undo()
    build(build_config(datasets=("rays",), severities=(1,)))
    assert len(open_benchmark(out).sets) == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "seed 0, this build has 1"),
        ({"channels": "rgb"}, "channels 'source', this build has 'rgb'"),
    ],
)
def test_another_protocol_needs_another_directory(
    build_config: Configure, changes: dict[str, object], message: str
) -> None:
    """A directory of another seed or channel treatment is refused, finished or not, and left as it is."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    digests = tree(config.out)
    with pytest.raises(BuildError, match=message):
        build(dataclasses.replace(config, **changes))
    assert tree(config.out) == digests
    (config.out / "manifest.json").rename(config.out / ".medimeta-c" / "manifest.json")
    with pytest.raises(BuildError, match=message):
        build(dataclasses.replace(config, **changes))


def test_another_benchmark_version_needs_another_directory(build_config: Configure) -> None:
    """Pixels of two benchmark versions never mix."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    newer = dataclasses.replace(CORE, version="2.0")
    with pytest.raises(BuildError, match=r"benchmark_version '1\.0', this build has '2\.0'"):
        build(dataclasses.replace(config, suite=newer))


def test_other_source_data_needs_another_directory(
    build_config: Configure, clean_dir: Path, tmp_path: Path
) -> None:
    """The same dataset name with other images is refused."""
    import shutil

    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    other = tmp_path / "other"
    shutil.copytree(clean_dir, other)
    next((other / "rays" / "class0").iterdir()).unlink()
    with pytest.raises(BuildError, match=r"rays checksum .*choose another `out`"):
        build(dataclasses.replace(config, data_dir=other, severities=(1, 2)))


def test_rgb_protocol_copies_grey_before_corruption(build_config: Configure) -> None:
    """With channels=rgb the noise on a grey image is coloured, as the reference package's is."""
    build(build_config(datasets=("rays",), severities=(3,), corruptions=("gaussian_noise",), channels="rgb"))
    bench = open_benchmark(build_config().out)
    clean, noisy = (next(iter(bench.batches(key))).images[0] for key in bench.sets)
    assert clean.shape[2] == noisy.shape[2] == 3
    assert (clean[..., 0] == clean[..., 1]).all()
    assert not (noisy[..., 0] == noisy[..., 1]).all()


@pytest.fixture
def xrays(tmp_path: Path) -> Path:
    """A folder of two grey pictures stored as RGB JPEG files, which colours them by a level or two."""
    shade = np.add.outer(np.arange(32) * 2, np.arange(32)).astype(np.uint8)
    for name in ("ill", "well"):
        folder = tmp_path / "data/xrays/test" / name
        folder.mkdir(parents=True)
        Image.fromarray(np.dstack([shade] * 3)).save(folder / "0.jpeg", quality=95)
    return tmp_path / "data"


@pytest.mark.parametrize("channels", ["source", "grey", "luma"])
def test_grey_stored_as_rgb(
    build_config: Configure, xrays: Path, channels: Channels, caplog: pytest.LogCaptureFixture
) -> None:
    """A build says that RGB files show grey; asked for, it makes them grey, and so does a rebuild."""
    config = build_config(
        datasets=("xrays",),
        data_dir=xrays,
        corruptions=("gaussian_noise",),
        severities=(3,),
        channels=channels,
    )
    manifest = build(config).manifest
    assert manifest.protocol.channels == channels
    assert manifest.dataset("xrays").channels == (3 if channels == "source" else 1)
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(", so")[0] for line in told] == [
        "xrays: all 2 images are stored as RGB and show grey"
    ] * (channels == "source")
    report = verify(config.out, rebuild=1, jobs=1)
    assert (report.ok, report.rebuilt) == (True, 2)


def test_window(build_config: Configure, tmp_path: Path) -> None:
    """A window is part of the protocol, a rebuild uses it, and it is for folders of pictures only."""
    for name in ("ill", "well"):
        folder = tmp_path / "data/deep" / name
        folder.mkdir(parents=True)
        Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 16).save(folder / "0.png")
    config = build_config(
        datasets=("deep",),
        data_dir=tmp_path / "data",
        corruptions=("contrast",),
        severities=(1,),
        window="0,4095.0",
    )
    assert build(config).manifest.protocol.window == "0,4095"
    assert verify(config.out, rebuild=1, jobs=1).ok
    with pytest.raises(ConfigError, match="pbc is read as phantoms"):
        build(dataclasses.replace(config, datasets=("pbc",), source="phantoms"))


def test_colours_are_not_taken_as_grey(build_config: Configure, tmp_path: Path) -> None:
    """Arrays that show colours cannot be grey either; the image is named."""
    config = build_config(datasets=("pbc",), source="phantoms", channels="grey", data_dir=tmp_path / "data")
    with pytest.raises(SourceError, match=r"image '\d{6}' of pbc shows colours"):
        build(config)


def test_two_builds_at_once_are_refused(build_config: Configure) -> None:
    """While one process holds the directory, a second stops at once."""
    config = build_config()
    (config.out / ".medimeta-c").mkdir(parents=True)
    with (
        filelock.FileLock(config.out / ".medimeta-c" / "build.lock"),
        pytest.raises(BuildError, match="another build is writing"),
    ):
        build(config)


def test_a_directory_of_something_else_is_refused(build_config: Configure) -> None:
    """A directory with foreign files, or a file, is not written into."""
    config = build_config()
    config.out.mkdir()
    (config.out / "thesis.tex").write_text("precious")
    with pytest.raises(BuildError, match=r"not a MediMeta-C build \(it holds 'thesis.tex'\)"):
        build(config)
    with pytest.raises(BuildError, match="is a file, not a folder"):
        build(dataclasses.replace(config, out=config.out / "thesis.tex"))
    assert [path.name for path in config.out.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corruptions": ("motion_blurr",)}, "unknown corruption 'motion_blurr': did you mean 'motion_blur'"),
        ({"severities": (6,)}, "unknown severity 6"),
        ({"seed": -1}, "seed -1 is negative"),
        ({"jobs": 0}, "jobs must be at least 1"),
        ({"splits": ("../x",)}, "split name"),
        ({"datasets": ()}, "no dataset given"),
        ({"corruptions": ()}, "no corruption given"),
        ({"datasets": ("rays", "rays")}, "duplicate dataset: rays"),
        ({"channels": "cmyk"}, "channels"),
        ({"engine": "spark"}, "engine"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "the engine loky takes no scheduler"),
    ],
)
def test_wrong_configurations_are_refused(
    build_config: Configure, changes: dict[str, object], message: str
) -> None:
    """Unknown names come with the nearest match; nothing is created."""
    with pytest.raises(ConfigError, match=message):
        build(build_config(**changes))
    assert not build_config().out.exists()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"splits": ("trian",)}, ConfigError, "trian"),
        ({"datasets": ("nothing_here",)}, SourceError, "nothing_here"),
        ({"datasets": ("all",)}, ConfigError, "not defined for the source imagefolder"),
        (
            {"datasets": ("all",), "source": None},
            SourceError,
            "lacks pbc, mammo_calc, pneumonia, fundus, oct",
        ),
        ({"datasets": ("available",), "source": None}, SourceError, "holds no dataset"),
        ({"datasets": ("all", "pbc"), "source": None}, ConfigError, "cannot be combined"),
        ({"datasets": ("pbcc",), "source": None}, ConfigError, "did you mean 'pbc'"),
        ({"datasets": ("pbc",), "source": None}, SourceError, "`medimeta-c download`"),
        ({"source": "medimetta"}, ConfigError, "did you mean 'medimeta'"),
        ({"datasets": ("bloodmnst",), "source": None}, ConfigError, "did you mean 'bloodmnist'"),
    ],
)
def test_missing_data_is_named_before_anything_is_written(
    build_config: Configure, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    """What is missing, where it was looked for and the way out; the output directory is not created."""
    with pytest.raises(error, match=message):
        build(build_config(**changes))
    assert not build_config().out.exists()


def test_a_plan_is_in_canonical_order_whatever_the_request(build_config: Configure, clean_dir: Path) -> None:
    """Clean sets come along, duplicates do not."""
    config = build_config(severities=(3, 1, 3), corruptions=("zoom_blur", "contrast"))
    sources = {name: open_source("imagefolder", name, clean_dir) for name in config.datasets}
    keys = list(plan_sets(config, sources))
    assert keys == sorted(set(keys))
    assert len(keys) == 2 * (1 + 2 * 2)


def test_all_splits_are_those_of_each_dataset(tmp_path: Path, clean_dir: Path) -> None:
    """``all`` is every split that a dataset has, be it one or two, and stands alone."""
    shutil.copytree(clean_dir / "rays", tmp_path / "rays")
    shutil.copytree(clean_dir / "cells", tmp_path / "cells/train")
    shutil.copytree(clean_dir / "cells", tmp_path / "cells/test")
    values = {
        "datasets": ("cells", "rays"),
        "source": "imagefolder",
        "corruptions": "contrast",
        "severities": 1,
    }
    sources = {name: open_source("imagefolder", name, tmp_path) for name in ("cells", "rays")}
    config = BuildConfig(**values, out=tmp_path / "out", data_dir=tmp_path, splits="all", jobs=1)  # type: ignore[arg-type]
    assert {(key.dataset, key.split) for key in plan_sets(config, sources)} == {
        ("cells", "train"),
        ("cells", "test"),
        ("rays", "test"),
    }
    assert len(open_benchmark(build(config).root).sets) == 6
    with pytest.raises(ConfigError, match="'all' cannot be combined with other splits"):
        BuildConfig(**values, out=tmp_path / "out", splits=["all", "test"])  # type: ignore[arg-type]
