"""Evaluations on several devices, or on the workers of a Dask cluster: the result is that of one process."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from tiny_results import CELLS, Configure, command, files, results_below, without_sweep  # noqa: E402

import medimeta_c as mc  # noqa: E402
from medimeta_c.errors import ConfigError, WorkerError  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.results.sharing.claims import Claims  # noqa: E402
from medimeta_c.scoring.jobs.progress import JobProgress  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_reports")


def test_two_devices_give_the_result_of_one(
    benchmark: Path, tiny: Path, swept: SavedResult, tmp_path: Path
) -> None:
    """A process for each; here the CPU is there twice."""
    words = ["evaluate", "--model", f"local-dir:{tiny}", "--benchmark", benchmark, "--baseline", "none"]
    command(*words, "--batch-size", 7, "--devices", "cpu,cpu", "--out", tmp_path)
    (result,) = results_below(tmp_path)
    name = "predictions.parquet"
    assert (result.parent / name).read_bytes() == (swept.path / name).read_bytes()
    assert (result.parent / "report.html").is_file()
    assert mc.read_result(result.parent).result.environment == swept.result.environment


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["killed", "interrupted"])
def test_if_one_device_fails_all_end_and_finished_cells_are_kept(
    reason: str, configure: Configure, tiny: Path, swept: SavedResult, tmp_path: Path
) -> None:
    """No process is left, one sentence says why, and the same evaluation resumes."""
    here = Claims(tmp_path / swept.path.relative_to(swept.path.parents[1]))
    assert here.take(next(iter(swept.predictions)))  # so that they cannot end before they are ended

    def on_progress(now: JobProgress) -> None:
        if now.cells_done and reason == "interrupted":
            raise KeyboardInterrupt
        if now.cells_done and len(both := multiprocessing.active_children()) == 2:
            os.kill(int(both[0].pid or 0), signal.SIGKILL)
            both[0].join()

    config = configure(tmp_path, model=f"local-dir:{tiny}", device="auto", devices=["cpu", "cpu"])
    with pytest.raises(KeyboardInterrupt if reason == "interrupted" else WorkerError) as caught:
        mc.evaluate(config, on_progress=on_progress)
    if reason == "killed":
        assert str(caught.value) == (
            "the process on cpu died of signal 9: run the same again; finished cells are kept"
        )
    assert not multiprocessing.active_children()
    assert not results_below(tmp_path)
    here.release_all()
    saved = mc.evaluate(configure(tmp_path))
    assert files(saved.path) == without_sweep(swept)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"devices": ("cpu", "cuda:97")}, "device 'cuda:97' is not on this machine"),
        ({"devices": ("cpu", "auto")}, "auto is given among several devices"),
        ({"devices": ("cpu", "gpu")}, "unknown device 'gpu'"),
        ({"devices": "cpu", "device": "cpu"}, "device 'cpu' and several devices are given"),
        ({"devices": "cpu"}, "the model given is an object of this process"),
    ],
    ids=repr,
)
def test_devices_that_cannot_be_used(
    changes: dict[str, Any], message: str, configure: Configure, tiny: Path, tmp_path: Path
) -> None:
    spec = {} if "object" in message else {"model": f"local-dir:{tiny}"}
    with pytest.raises(ConfigError) as caught:
        mc.evaluate(configure(tmp_path, **{"device": "auto", **spec, **changes}))
    assert message in str(caught.value)


def test_workers_of_a_cluster_give_the_result_of_one_process(
    configure: Configure, tiny: Path, swept: SavedResult, tmp_path: Path
) -> None:
    """Each worker takes cells; the progress is that of both."""
    distributed = pytest.importorskip("distributed", reason="needs the dask extra")
    seen: list[JobProgress] = []
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        config = configure(
            tmp_path,
            model=f"local-dir:{tiny}",
            engine="dask",
            scheduler=cluster.scheduler_address,
        )
        saved = mc.evaluate(config, on_progress=seen.append)
        assert saved.result == swept.result
        name = "predictions.parquet"
        assert (saved.path / name).read_bytes() == (swept.path / name).read_bytes()
        assert {now.cells_total for now in seen} == {CELLS}
        assert any(now.images_done for now in seen)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"engine": "dask"}, "give both `engine='dask'` and `scheduler`, or neither"),
        ({"scheduler": "tcp://127.0.0.1:9"}, "give both `engine='dask'` and `scheduler`, or neither"),
        ({"engine": "dsk"}, "unknown engine 'dsk': did you mean 'dask'?"),
        (
            {"engine": "dask", "scheduler": "tcp://127.0.0.1:9", "devices": ("cpu",)},
            "leave out `devices` or `engine`",
        ),
        ({"engine": "dask", "scheduler": "tcp://127.0.0.1:9"}, "no Dask scheduler answers at 'tcp://127"),
    ],
    ids=repr,
)
def test_a_cluster_that_cannot_be_used(
    changes: dict[str, Any], message: str, configure: Configure, tiny: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        mc.evaluate(configure(tmp_path, model=f"local-dir:{tiny}", device="auto", **changes))
    assert message in str(caught.value)
