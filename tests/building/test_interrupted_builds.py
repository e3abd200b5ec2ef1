"""Builds that are killed, stopped or started twice: nothing looks finished, and all resume."""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import filelock
import pytest
from trees import tree

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.errors import BuildError, ManifestError, MissingExtraError
from medimeta_c.format.benchmark import open_benchmark

Configure = Callable[..., BuildConfig]
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


def test_a_missing_engine_leaves_a_finished_build_finished(
    build_config: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot start is refused before the manifest is put aside."""
    config = build_config(datasets=("rays",), severities=(1,))
    build(config)
    digests = tree(config.out)
    monkeypatch.setattr("medimeta_c.io.processes.dask.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"'\.\[dask\]'"):
        build(dataclasses.replace(config, engine="dask", severities=(1, 2)))
    assert tree(config.out) == digests


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


def test_two_builds_at_once_are_refused(build_config: Configure) -> None:
    """While one process holds the directory, a second stops at once."""
    config = build_config()
    (config.out / ".medimeta-c").mkdir(parents=True)
    with (
        filelock.FileLock(config.out / ".medimeta-c" / "build.lock"),
        pytest.raises(BuildError, match="another build is writing"),
    ):
        build(config)
