"""Readers and `verify` while a build replaces the files: the old set, the new set or one sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.render import RenderTask, render
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.errors import ManifestError, ShardError, VerificationError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey

RUNNER = CliRunner()
KEY = SetKey("rays", "test", "contrast", 3)


@pytest.fixture
def rebuild(clean_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Build two sets of several shards each; with `inverted`, of other pixels, as another version might."""
    monkeypatch.setattr(
        "medimeta_c.building.build.RenderTask", functools.partial(RenderTask, max_shard_bytes=1500)
    )

    def make(*, inverted: bool = False, on_progress: Callable[[Any], None] | None = None) -> Path:
        def rendered(*arguments: Any) -> Any:
            image = render(*arguments)
            return 255 - image if inverted else image

        monkeypatch.setattr("medimeta_c.building.render.render", rendered)
        config = BuildConfig(
            datasets="rays",
            source="imagefolder",
            data_dir=clean_dir,
            out=tmp_path / "b",
            corruptions="contrast",
            severities=3,
            jobs=1,
            force=True,
        )
        build(config, on_progress=on_progress)
        return tmp_path / "b"

    return make


def pixels(benchmark: Benchmark) -> list[Any]:
    return [image for batch in benchmark.batches(KEY, batch_size=1) for image in batch.images]


def test_a_set_is_read_from_one_build(rebuild: Callable[..., Path]) -> None:
    """Reading stops with an error at the first row that would come from another build."""
    root = rebuild()
    bench = open_benchmark(root)
    assert len(bench.shard_paths(KEY)) >= 2
    old = pixels(bench)
    in_order, at_random = iter(bench[KEY]), bench[KEY]
    first = [next(in_order).image, at_random[0].image]
    rebuild(inverted=True)
    for read in (lambda: list(in_order), lambda: at_random[7], lambda: pixels(bench)):
        with pytest.raises(ShardError, match=r"while it was read: open the benchmark again$"):
            read()
    assert all(np.array_equal(each, old[0]) for each in first)
    new = pixels(open_benchmark(root))
    assert all(np.array_equal(one, 255 - other) for one, other in zip(new, old, strict=True))


def test_every_moment_of_a_rebuild(rebuild: Callable[..., Path]) -> None:
    """After each set: a benchmark opened before gives the old rows or an error, and none can be opened."""
    root = rebuild()
    bench, old, seen = open_benchmark(root), pixels(open_benchmark(root)), list[str]()

    def look(progress: Any) -> None:
        try:
            rows = pixels(bench)
            assert all(np.array_equal(one, other) for one, other in zip(rows, old, strict=True))
            seen.append("old")
        except ShardError as error:
            assert "open the benchmark again" in str(error)
            seen.append("error")
        if progress.sets_done:
            with pytest.raises(ManifestError) as caught:
                open_benchmark(root)
            assert str(caught.value) == f"a build is running in {root}: wait until it ends"

    rebuild(inverted=True, on_progress=look)
    assert seen == ["old", "old", "error"]


def test_a_benchmark_opened_before_and_first_read_after(rebuild: Callable[..., Path]) -> None:
    """Its manifest is that of the old build: shards of another size are refused."""
    bench = open_benchmark(rebuild())
    path = bench.shard_paths(KEY)[1]
    other = Benchmark(bench.name, bench.manifest, open_benchmark(path.parents[4])._fetch)
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(ShardError, match=r"the manifest said .* when the benchmark was opened"):
        pixels(other)


def test_verify_during_a_build_is_one_sentence(rebuild: Callable[..., Path]) -> None:
    root, told = rebuild(), list[str]()

    def look(progress: Any) -> None:
        if progress.sets_done == 1:
            done = RUNNER.invoke(app, ["verify", str(root), "--jobs", "1"])
            assert done.exit_code == 1
            told.append(done.stderr)

    rebuild(on_progress=look)
    assert told == [f"medimeta-c: a build is running in {root}: wait until it ends\n"]
    assert verify(root, jobs=1).ok


def test_a_build_that_ends_while_verify_reads(rebuild: Callable[..., Path]) -> None:
    """Whatever of the two builds was read: nothing is said of either."""
    root, built = rebuild(), list[Path]()

    def build_once(done: int, total: int) -> None:
        if not built:
            built.append(rebuild(inverted=True))

    with pytest.raises(VerificationError, match=r"was built again while it was verified: verify it again$"):
        verify(root, jobs=1, on_progress=build_once)


def test_a_build_that_runs_when_verify_ends(rebuild: Callable[..., Path]) -> None:
    root = rebuild()
    lock = filelock.FileLock(root / ".medimeta-c/build.lock")

    def begin(done: int, total: int) -> None:
        if not lock.is_locked:
            lock.acquire(timeout=0)
            (root / "manifest.json").rename(root / ".medimeta-c/manifest.json")

    with pytest.raises(VerificationError) as caught:
        verify(root, jobs=1, on_progress=begin)
    lock.release()
    assert str(caught.value) == f"a build is running in {root}: verify it when the build has ended"
