"""Engines: a Dask cluster builds the same bytes as processes here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from pickle import PicklingError

import numpy as np
import pytest

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.engines import pause, require, run_all
from medimeta_c.errors import ConfigError, SourceError, WorkerError
from medimeta_c.format.manifest.file import read_manifest
from medimeta_c.format.suites import CORE

Configure = Callable[..., BuildConfig]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # distributed's own shutdown warns
def test_a_dask_cluster_gives_the_same_sets(build_config: Configure, built: Path) -> None:
    """Workers of a local cluster, and of a scheduler already running, write the same shards."""
    distributed = pytest.importorskip("distributed", reason="needs the dask extra")
    some = {"datasets": ("rays",), "corruptions": ("gaussian_noise", "zoom_blur"), "severities": (2,)}
    whole = {record.key: record for record in read_manifest(built / "manifest.json").sets}
    config = build_config(engine="dask", jobs=2, **some)
    assert all(whole[record.key] == record for record in build(config).manifest.sets)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        again = build_config(engine="dask", scheduler=cluster.scheduler_address, force=True, **some)
        report = build(again)
    assert len(report.built) == 3
    assert all(whole[record.key] == record for record in report.manifest.sets)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_workers_of_a_cluster_may_live_elsewhere(
    build_config: Configure, clean_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative paths mean the folder of whoever asks, not the one a worker was started in."""
    distributed = pytest.importorskip("distributed", reason="needs the dask extra")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        monkeypatch.chdir(tmp_path)
        Path("data").symlink_to(clean_dir)
        config = build_config(
            datasets=("rays",),
            severities=(1,),
            out=Path("out"),
            data_dir=Path("data"),
            engine="dask",
            scheduler=cluster.scheduler_address,
        )
        build(config)
    assert len(list((tmp_path / "out").rglob("*.parquet"))) == len(CORE.corruptions) + 2  # clean, statistics


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_gives_up_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that kills its workers, a scheduler that goes away, and one without workers end the wait."""
    distributed = pytest.importorskip("distributed", reason="needs the dask extra")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(WorkerError, match="a worker process died"):
            list(run_all(_die, [0], jobs=1, engine="dask", scheduler=address))
        results = run_all(_wait, [0.0, 60.0], jobs=1, engine="dask", scheduler=address)
        assert next(results) == 0
        cluster.close()
        with pytest.raises(WorkerError, match="the connection to the Dask scheduler was lost"):
            next(results)
    monkeypatch.setattr("medimeta_c.building.engines._DASK_S", 0.1)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as idle,
        pytest.raises(ConfigError, match=r"no worker of the Dask scheduler .*: start workers"),
    ):
        require("dask", idle.scheduler_address)


def test_a_scheduler_that_is_not_there_is_named(build_config: Configure) -> None:
    """The address is in the message, with the way out; a finished build that was to grow stays finished."""
    pytest.importorskip("distributed", reason="needs the dask extra")
    small: dict[str, object] = {"datasets": ("rays",), "corruptions": ("contrast",)}
    build(build_config(severities=(1,), **small))
    config = build_config(severities=(1, 2), engine="dask", scheduler="tcp://127.0.0.1:9", **small)
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        build(config)
    assert read_manifest(config.out / "manifest.json").fingerprint


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_in_a_worker_keeps_its_sentence(
    build_config: Configure, clean_dir: Path, tmp_path: Path, jobs: int
) -> None:
    """A source that breaks while rendering stops the build with its own error; finished sets are kept."""
    import shutil

    data = Path(shutil.copytree(clean_dir, tmp_path / "data"))
    config = build_config(datasets=("rays",), data_dir=data, jobs=jobs)

    def spoil(progress: object) -> None:
        (data / "rays" / "class1" / "003.png").write_bytes(b"not an image")

    with pytest.raises(SourceError, match=r"003\.png"):
        build(config, on_progress=spoil)
    assert not (config.out / "manifest.json").exists()
    assert list(config.out.rglob("*.part")) == []


@pytest.mark.slow
def test_a_worker_that_dies_is_one_sentence(build_config: Configure) -> None:
    """A worker killed, as the system does for lack of memory, stops the build with advice."""
    import signal

    from joblib.externals.loky import get_reusable_executor

    killed = []

    def kill_one(progress) -> None:
        if progress.sets_done and not killed:
            workers = list(get_reusable_executor(reuse=True)._processes)
            killed.append(workers[0])
            os.kill(workers[0], signal.SIGKILL)

    with pytest.raises(WorkerError, match=r"a worker process died.*fewer `jobs`; finished sets are kept"):
        build(build_config(jobs=2), on_progress=kill_one)
    assert build(build_config(jobs=2)).kept


def _die(task: int) -> None:
    os._exit(1)


def _wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def _pid(task: int) -> int:
    return os.getpid()


def test_no_more_workers_than_tasks() -> None:
    """One task runs here, however many jobs are allowed: no process is started for nothing."""
    assert list(run_all(_pid, [0], jobs=64)) == [os.getpid()]


def test_no_jobs_is_refused() -> None:
    """Zero workers is a wrong request, not joblib's error."""
    with pytest.raises(ConfigError, match="jobs must be at least 1"):
        list(run_all(_pid, [0], jobs=0))


def test_scoring_with_workers_and_building_share_a_process(build_config: Configure, built: Path) -> None:
    """Decoding workers have a pool of their own: a build in the same process starts its workers as ever."""
    from medimeta_c.format.benchmark import open_benchmark
    from medimeta_c.scoring.decoding import Prepare, chunks_of, decode_all

    bench = open_benchmark(built)
    prepare = Prepare(transform=_planes, is_raw=_never)
    chunks = list(chunks_of(bench, bench.sets[:4]))
    assert len(list(decode_all(chunks, prepare, workers=2))) == len(chunks)
    assert build(build_config(datasets=("rays",), severities=(1,), jobs=2)).built
    assert len(list(decode_all(chunks, prepare, workers=2))) == len(chunks)


def _planes(image: object) -> np.ndarray:
    return np.moveaxis(np.atleast_3d(np.asarray(image, np.float32)), 2, 0)


def _never(height: int, width: int) -> bool:
    return False


def test_this_process_and_the_workers_share_the_tasks() -> None:
    """Each takes the next one when it is done; every task is run once."""
    found = list(run_all(_task_and_pid, range(40), jobs=2))
    assert sorted(task for task, _ in found) == list(range(40))
    pids = {pid for _, pid in found}
    assert os.getpid() in pids
    assert len(pids) == 2


def _task_and_pid(task: int) -> tuple[int, int]:
    time.sleep(0.05)
    return task, os.getpid()


def test_after_an_error_the_tasks_of_this_process_end_early() -> None:
    """They look between two images whether anybody still waits for them."""
    begun = time.monotonic()
    with pytest.raises(ValueError, match="fails"):
        list(run_all(_fail_or_wait, range(4), jobs=2))
    results = run_all(_fail_or_wait, range(1, 4), jobs=2)
    results.close()
    assert time.monotonic() - begun < 60


def _fail_or_wait(task: int) -> int:
    if task == 0:
        raise ValueError("it fails")
    until = time.monotonic() + 300
    while time.monotonic() < until:
        pause()
        time.sleep(0.01)
    return task


def test_what_cannot_be_sent_to_a_worker_is_run_here() -> None:
    """For example a source of one's own that holds an open file."""
    tasks = [_Unsendable(number) for number in range(4)]
    assert sorted(run_all(_number, tasks, jobs=2)) == [0, 1, 2, 3]


class _Unsendable:
    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> str:
        raise PicklingError("an open file")


def _number(task: _Unsendable) -> int:
    return task.number
