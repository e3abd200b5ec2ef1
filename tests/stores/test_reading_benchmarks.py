"""A benchmark in an object store is read, verified and scored in place, as a local one is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from medimeta_c import open_benchmark, verify
from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, ManifestError, ShardError, StoreError
from medimeta_c.io.stores.stored import StoredPath

RUNNER = CliRunner()


def put(folder: Path, root: StoredPath) -> StoredPath:
    """Copy a finished build to a store, without what builds keep for themselves."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and not name.startswith("."):
            (root / name).upload(file)
    return root


@pytest.fixture
def stored(root: StoredPath, small: Path) -> StoredPath:
    """A finished build of three sets, in each store."""
    return put(small, root / "of/three-sets")


@pytest.fixture
def on_s3(s3: StoredPath, small: Path) -> StoredPath:
    return put(small, s3 / "bench")


def only_shard(small: Path) -> str:
    return sorted(one.relative_to(small).as_posix() for one in small.glob("data/**/*.parquet"))[0]


def test_its_images_are_those_of_the_local_one(stored: StoredPath, small: Path) -> None:
    here, there = open_benchmark(small), open_benchmark(str(stored))
    assert (there.name, there.fingerprint) == (str(stored), here.fingerprint)
    for key in here.sets:
        for one, other in zip(here.batches(key), there.batches(key), strict=True):
            assert one.image_ids == other.image_ids
            assert np.array_equal(one.labels, other.labels)
            assert all(map(np.array_equal, one.images, other.images))
    assert np.array_equal(here["rays", "clean"][5].image, there["rays", "clean"][5].image)
    assert here["rays", "clean"].image_ids == there["rays", "clean"].image_ids


def test_it_verifies(stored: StoredPath, small: Path) -> None:
    report = verify(str(stored), jobs=1)
    assert (report.ok, report.sets, report.images) == (True, 3, 24)
    assert str(report.root) == str(stored)


def test_the_command_says_the_same_of_both(on_s3: StoredPath, small: Path) -> None:
    here, there = (RUNNER.invoke(app, ["verify", str(one), "--jobs", "1"]) for one in (small, on_s3))
    assert (there.exit_code, there.stderr) == (0, "")
    assert there.stdout.replace(str(on_s3), "IT") == here.stdout.replace(str(small), "IT")


def test_a_changed_a_short_a_lost_and_an_unlisted_shard_are_named(on_s3: StoredPath, small: Path) -> None:
    paths = [one.relative_to(small).as_posix() for one in sorted(small.glob("data/**/*.parquet"))]
    data = (on_s3 / paths[0]).read_bytes()
    (on_s3 / paths[0]).write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    (on_s3 / paths[1]).write_bytes(data[:100])
    (on_s3 / paths[2]).remove()
    (on_s3 / "data/more.parquet").write_bytes(data)
    found = {problem.path: problem.message for problem in verify(str(on_s3), jobs=1).problems}
    assert "was changed" in found[paths[0]]
    assert "has 100 bytes" in found[paths[1]]
    assert "is missing" in found[paths[2]]
    assert "does not list this shard" in found["data/more.parquet"]


@pytest.mark.parametrize("name", ["README.md", "stats/spectrum.parquet"])
def test_a_changed_small_file_is_named(on_s3: StoredPath, name: str) -> None:
    (on_s3 / name).write_bytes(b"other")
    assert name in {problem.path for problem in verify(str(on_s3), jobs=1).problems}


def test_no_build_no_folder_no_bucket(on_s3: StoredPath) -> None:
    with pytest.raises(
        ManifestError, match=r"s3://\S+/else/manifest.json does not exist: there is no finished"
    ):
        open_benchmark(f"{on_s3.parent}/else")
    with pytest.raises(StoreError, match="there is no bucket 'bucket-of-nobody'"):
        open_benchmark("s3://bucket-of-nobody/bench")
    (on_s3 / "manifest.json").write_bytes(b"{}")
    with pytest.raises(ManifestError, match=r"s3://\S+/manifest.json"):
        open_benchmark(str(on_s3))
    result = RUNNER.invoke(app, ["verify", str(on_s3)])
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_a_server_that_does_not_answer(on_s3: StoredPath, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        elsewhere.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(StoreError, match=r"cannot be reached for s3://.*AWS_ENDPOINT_URL"):
            open_benchmark(str(on_s3))
    open_benchmark(str(on_s3))


def test_a_shard_replaced_while_it_is_read_is_refused(on_s3: StoredPath, small: Path) -> None:
    opened = open_benchmark(str(on_s3))
    key, path = opened.sets[0], opened.record(opened.sets[0]).shards[0].path
    opened.shard_paths(key)
    data = (on_s3 / path).read_bytes()
    (on_s3 / path).write_bytes(data[:-1] + b"?")
    with pytest.raises(ShardError, match="written again"):
        list(opened.batches(key))


def test_a_shard_cut_short_after_the_manifest_was_written_is_refused(on_s3: StoredPath, small: Path) -> None:
    (on_s3 / only_shard(small)).write_bytes(b"PAR1")
    opened = open_benchmark(str(on_s3))
    with pytest.raises(ShardError, match="has 4 bytes, the manifest said"):
        [list(opened.batches(key)) for key in opened.sets]


def test_a_url_has_no_revision(on_s3: StoredPath) -> None:
    with pytest.raises(ConfigError, match="is a URL: leave the revision"):
        open_benchmark(str(on_s3), revision="main")


def test_scores_are_those_of_the_local_one_and_no_shard_is_copied(
    on_s3: StoredPath, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medimeta_c.scoring.config import EvaluateConfig
    from medimeta_c.scoring.evaluation import evaluate

    def score(benchmark: str, out: str) -> dict[str, object]:
        saved = evaluate(
            EvaluateConfig(
                model="python:golden_model:model",
                benchmark=benchmark,
                baseline="none",
                out=tmp_path / out,
                device="cpu",
                workers=0,
            )
        )
        return saved.to_dict()

    here = score(str(small), "here")

    def refuse(*_: object) -> None:
        raise AssertionError("a file was copied")

    monkeypatch.setattr(StoredPath, "download", refuse)
    there = score(str(on_s3), "there")
    assert there["scores"] == here["scores"]
    assert there["run"]["benchmark"]["name"] == "bench"  # type: ignore[index]
