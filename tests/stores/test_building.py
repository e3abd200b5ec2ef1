"""A build into an object store: the bytes of a local one, resumed after a kill, by one process at a time."""

from __future__ import annotations

import dataclasses
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from medimeta_c import BuildConfig, build, open_benchmark, verify
from medimeta_c.building.build import preview
from medimeta_c.errors import BuildError, ConfigError, StoreError
from medimeta_c.io.stores.stored import StoredPath

LOCK = ".medimeta-c/build.lock"


def of_folder(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith(".")}


def of_store(root: StoredPath) -> dict[str, bytes]:
    return {name: (root / name).read_bytes() for name in root.files()}


@pytest.fixture
def few(build_config: Callable[..., BuildConfig]) -> Callable[..., BuildConfig]:
    """Make a configuration of three sets of one dataset."""

    def configure(**changes: object) -> BuildConfig:
        values: dict[str, object] = {"datasets": "rays", "corruptions": "contrast", "severities": (1, 3)}
        return build_config(**{**values, **changes})

    return configure


def test_its_bytes_are_those_of_a_local_build(
    root: StoredPath, few: Callable[..., BuildConfig], small: Path
) -> None:
    report = build(few(out=f"{root}/bench"))
    assert str(report.root) == f"{root}/bench"
    assert len(report.built) == 3
    assert of_store(root / "bench") == of_folder(small)
    assert verify(f"{root}/bench", jobs=1).ok
    assert open_benchmark(f"{root}/bench").fingerprint == open_benchmark(small).fingerprint


def test_a_second_build_adds_sets_and_renders_none_again(
    s3: StoredPath, few: Callable[..., BuildConfig], small: Path
) -> None:
    first = build(few(out=f"{s3}/bench", severities=1))
    whole = build(few(out=f"{s3}/bench"))
    assert (len(first.built), len(whole.built), len(whole.kept)) == (2, 1, 2)
    assert of_store(s3 / "bench") == of_folder(small)
    assert not build(few(out=f"{s3}/bench")).built
    assert preview(few(out=f"{s3}/bench")).images == 0


def test_an_interrupted_build_goes_on_and_is_no_benchmark_meanwhile(
    s3: StoredPath, few: Callable[..., BuildConfig], small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, puts = StoredPath.upload, []

    def fails(self: StoredPath, source: Path) -> None:
        puts.append(self.name)
        if sum(name.endswith(".parquet") for name in puts) == 2:
            raise StoreError("the network is gone")
        upload(self, source)

    monkeypatch.setattr(StoredPath, "upload", fails)
    with pytest.raises(StoreError, match="the network is gone"):
        build(few(out=f"{s3}/bench"))
    monkeypatch.setattr(StoredPath, "upload", upload)
    left = set((s3 / "bench").files())
    assert "manifest.json" not in left
    assert LOCK not in left
    report = build(few(out=f"{s3}/bench"))
    assert (len(report.built), len(report.kept)) == (2, 1)
    assert of_store(s3 / "bench") == of_folder(small)


SCRIPT = """
import json, sys
from medimeta_c import BuildConfig, build
from medimeta_c.io.stores.stored import StoredPath
upload, count = StoredPath.upload, 0
def paused(self, source):
    global count
    upload(self, source)
    if self.name.endswith(".json") and ".medimeta-c/sets" in self.path:
        count += 1
        if count == 2:
            print("two sets", flush=True)
            sys.stdin.read()
StoredPath.upload = paused
build(BuildConfig(**json.loads(sys.argv[1])))
"""


def test_after_a_kill_the_same_machine_goes_on_by_itself(
    s3: StoredPath, few: Callable[..., BuildConfig], small: Path, clean_dir: Path
) -> None:
    """A lock of a process that runs is respected; that of one that is gone is not."""
    out = f"{s3}/bench"
    values = {"datasets": "rays", "source": "imagefolder", "data_dir": str(clean_dir), "out": out, "jobs": 1}
    values |= {"corruptions": "contrast", "severities": [1, 3]}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, json.dumps(values)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "two sets\n"
    with pytest.raises(BuildError, match=rf"another build is writing to .*process {process.pid} on .*{LOCK}"):
        build(few(out=out))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert LOCK in (s3 / "bench").files()
    report = build(few(out=out))
    assert len(report.kept) == 2
    assert of_store(s3 / "bench") == of_folder(small)


def test_the_lock_of_another_machine_stays_until_somebody_removes_it(
    s3: StoredPath, few: Callable[..., BuildConfig]
) -> None:
    held = {"host": "other", "process": 1, "since": "2026-01-01", "machine": "elsewhere", "started": "1"}
    (s3 / f"bench/{LOCK}").write_bytes(json.dumps(held).encode())
    with pytest.raises(BuildError, match=rf"process 1 on other.*remove {s3}/bench/{LOCK}"):
        build(few(out=f"{s3}/bench"))
    (s3 / f"bench/{LOCK}").remove()
    assert len(build(few(out=f"{s3}/bench")).built) == 3


def test_a_build_whose_lock_was_removed_writes_no_manifest(
    s3: StoredPath, few: Callable[..., BuildConfig]
) -> None:
    def steal(_: object) -> None:
        (s3 / f"bench/{LOCK}").remove()

    with pytest.raises(BuildError, match=r"the lock of .* was removed"):
        build(few(out=f"{s3}/bench"), on_progress=steal)
    assert "manifest.json" not in (s3 / "bench").files()


def test_a_foreign_folder_and_another_protocol_are_refused_by_url(
    s3: StoredPath, few: Callable[..., BuildConfig], tmp_path: Path
) -> None:
    (s3 / "mine/notes.txt").write_bytes(b"1")
    with pytest.raises(BuildError, match=rf"{s3}/mine is not empty and not a MediMeta-C build"):
        build(few(out=f"{s3}/mine"))
    build(few(out=f"{s3}/bench"))
    with pytest.raises(BuildError, match=rf"{s3}/bench was built with seed 0, this build has 1"):
        build(few(out=f"{s3}/bench", seed=1))


def test_a_lost_shard_is_built_again(
    s3: StoredPath, few: Callable[..., BuildConfig], small: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build(few(out=f"{s3}/bench"))
    lost = next(name for name in (s3 / "bench").files() if "contrast" in name)
    (s3 / "bench" / lost).remove()
    with caplog.at_level(logging.WARNING):
        assert len(build(few(out=f"{s3}/bench")).built) == 1
    assert of_store(s3 / "bench") == of_folder(small)
    assert not [record for record in caplog.records if "/tmp" in record.getMessage()]


def test_parts_and_the_hub_are_refused(few: Callable[..., BuildConfig]) -> None:
    with pytest.raises(ConfigError, match="parts of a build are merged from folders"):
        few(out="s3://bucket/bench", part="1/2")
    with pytest.raises(ConfigError, match="to which only `push` and `submit` write"):
        few(out="hf://datasets/org/name")
    with pytest.raises(ConfigError, match="scheme 'ftp'"):
        few(out="ftp://host/bench")


def test_no_folder_is_made_before_or_instead(
    few: Callable[..., BuildConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local path of a configuration whose output is a URL can be made by nobody."""
    monkeypatch.chdir(tmp_path)
    config = few(out="s3://bucket/bench")
    with pytest.raises(OSError, match="Not a directory"):
        config.out.mkdir(parents=True)
    assert dataclasses.replace(config, seed=1).stored == config.stored
    assert not [*tmp_path.glob("*:*")]
