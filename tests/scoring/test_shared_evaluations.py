"""Several processes, or parts, that evaluate into one result: it is the result of one process."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from model_factories import make_open_clip_folder  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

import medimeta_c as mc  # noqa: E402
from medimeta_c.building.build import BuildConfig, build  # noqa: E402
from medimeta_c.cli import app  # noqa: E402
from medimeta_c.errors import ConfigError, ResultError, WorkerError  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.metrics.resampling import Resampling  # noqa: E402
from medimeta_c.models import load_model  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.results.sharing.claims import Claims  # noqa: E402
from medimeta_c.results.unfinished import UnfinishedCells  # noqa: E402
from medimeta_c.scoring.jobs import outcome  # noqa: E402
from medimeta_c.scoring.jobs.progress import JobProgress  # noqa: E402

RUNNER = CliRunner()
SPAWN = multiprocessing.get_context("spawn")
CELLS = 10
WORDINGS = "version: 1\ntemplates: ['{class}', 'a scan of {class}', 'impression: {class}']\n"


@pytest.fixture(scope="module", autouse=True)
def _no_reports() -> Iterator[None]:
    """Drawing them takes most of an evaluation's time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outcome, "write_reports", lambda saved, benchmark: None)
        yield


@pytest.fixture(scope="module")
def benchmark(clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten sets: two datasets, two corruptions, two severities."""
    out = tmp_path_factory.mktemp("built") / "benchmark"
    build(
        BuildConfig(
            datasets=("cells", "rays"),
            source="imagefolder",
            data_dir=clean_dir,
            out=out,
            corruptions=("contrast", "pixelate"),
            severities=(1, 3),
            jobs=1,
        )
    )
    return out


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small open_clip model in a local folder."""
    torch.set_num_threads(1)
    return Path(make_open_clip_folder(tmp_path_factory.mktemp("models") / "tiny", seed=1, image_size=32))


Configure = Callable[..., mc.EvaluateConfig]


@pytest.fixture(scope="module")
def configure(benchmark: Path, tiny: Path) -> Configure:
    loaded = load_model(f"local-dir:{tiny}")

    def call(out: Path, **changes: Any) -> mc.EvaluateConfig:
        values: dict[str, Any] = {
            "model": loaded,
            "benchmark": benchmark,
            "baseline": "none",
            "out": out,
            "device": "cpu",
            "batch_size": 7,
            "resampling": Resampling(resamples=100),
        }
        return mc.EvaluateConfig(**{**values, **changes})

    return call


@pytest.fixture(scope="module")
def wordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("prompts") / "wordings.yaml"
    file.write_text(WORDINGS, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def whole(configure: Configure, wordings: Path, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """One process's undivided result, with a sweep over prompts. Read only."""
    return mc.evaluate(configure(tmp_path_factory.mktemp("whole"), prompts_sweep=wordings))


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a result, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def without_sweep(saved: SavedResult) -> dict[str, bytes]:
    return {name: data for name, data in files(saved.path).items() if not name.startswith("prompts-sweep")}


def results_below(root: Path) -> list[Path]:
    return sorted(root.rglob("result.json"))


# Several processes


def _one_of_two(config: mc.EvaluateConfig, barrier: Any, saved: Any) -> None:
    """Evaluate in a process of its own, which waits for the other before its first cell."""
    torch.set_num_threads(1)
    setattr(outcome, "write_reports", lambda *_: None)  # noqa: B010
    save = UnfinishedCells.save
    keys: list[str] = []

    def noting(self: UnfinishedCells, cell: Any) -> None:
        keys.append(str(cell.key))
        save(self, cell)

    UnfinishedCells.save = noting  # type: ignore[method-assign]
    calls: list[JobProgress] = []

    def on_progress(now: JobProgress) -> None:
        if not calls:
            barrier.wait(timeout=300)
        calls.append(now)

    result = mc.evaluate(config, on_progress=on_progress)
    saved.put((keys, result.result.complete))


def test_two_processes_share_the_cells_of_one_result(
    configure: Configure, tiny: Path, whole: SavedResult, tmp_path: Path
) -> None:
    """Started together: every cell is scored by one of them, both end with the result of one process."""
    config = configure(tmp_path, model=f"local-dir:{tiny}")
    barrier, saved = SPAWN.Barrier(2), SPAWN.Queue()
    both = [SPAWN.Process(target=_one_of_two, args=(config, barrier, saved)) for _ in range(2)]
    for one in both:
        one.start()
    told = [saved.get(timeout=300) for _ in both]
    for one in both:
        one.join()
    assert [complete for _, complete in told] == [True, True]
    keys = [key for each, _ in told for key in each]
    assert len(keys) == len({*keys}) == CELLS
    (result,) = results_below(tmp_path)
    assert files(result.parent) == without_sweep(whole)
    assert not list(result.parent.parent.glob(".*.claims"))


def _stop_in_the_first_cell(config: mc.EvaluateConfig, claimed: Any) -> None:
    torch.set_num_threads(1)

    def on_progress(now: JobProgress) -> None:
        if now.images_done:
            claimed.set()
            signal.pause()

    mc.evaluate(config, on_progress=on_progress)


def test_cells_of_a_killed_process_are_scored_by_those_that_wait(
    configure: Configure, tiny: Path, whole: SavedResult, tmp_path: Path
) -> None:
    """A process waits while another has the last cell, and takes it over when that one is killed."""
    claimed = SPAWN.Event()
    config = configure(tmp_path, model=f"local-dir:{tiny}")
    other = SPAWN.Process(target=_stop_in_the_first_cell, args=(config, claimed))
    other.start()
    assert claimed.wait(timeout=300)
    texts: list[str] = []

    def on_progress(now: JobProgress) -> None:
        texts.append(now.view[0])
        if now.waiting and other.is_alive():
            assert not results_below(tmp_path)
            os.kill(int(other.pid or 0), signal.SIGKILL)
            other.join()

    saved = mc.evaluate(configure(tmp_path), on_progress=on_progress)
    assert f"scoring {CELLS - 1}/{CELLS} cells, waiting for 1 that other processes score" in texts
    assert files(saved.path) == without_sweep(whole)


def test_predictions_of_a_set_do_not_depend_on_the_sets_before_it(
    configure: Configure, whole: SavedResult, tmp_path: Path
) -> None:
    """To the last bit, with batches that do not divide the sets: `rays` alone is `rays` after `cells`."""
    alone = mc.evaluate(configure(tmp_path, datasets="rays"))
    assert len(alone.predictions) == CELLS / 2
    for key, cell in alone.predictions.items():
        assert cell.digest == whole.predictions[key].digest


# Parts


@pytest.mark.parametrize("of", [1, 2, 5])
def test_the_last_part_in_one_directory_writes_the_result(
    of: int, configure: Configure, whole: SavedResult, wordings: Path, tmp_path: Path
) -> None:
    """In any order; the parts before it write nothing that looks like a result."""
    for number in range(of, 0, -1):
        assert not results_below(tmp_path)
        saved = mc.evaluate(configure(tmp_path, part=f"{number}/{of}", prompts_sweep=wordings))
        assert saved.result.complete == (number == 1)
        assert len(saved.predictions) == CELLS * (of - number + 1) / of
    assert files(saved.path) == files(whole.path)
    assert mc.merge_results(tmp_path, tmp_path)[0].result == whole.result


@pytest.mark.parametrize("of", [2, 5])
def test_parts_of_several_directories_merge_to_the_undivided_result(
    of: int, configure: Configure, whole: SavedResult, wordings: Path, tmp_path: Path
) -> None:
    """Every byte of every file, a sweep over prompts included; merged again, it stays the same."""
    outs = [tmp_path / f"part{number}" for number in range(1, of + 1)]
    for number, out in enumerate(outs, 1):
        mc.evaluate(configure(out, part=f"{number}/{of}", prompts_sweep=wordings))
    for _ in range(2):
        (merged,) = mc.merge_results(reversed(outs), tmp_path / "out")
        assert files(merged.path) == files(whole.path)


def test_an_interrupted_part_resumes(
    configure: Configure, whole: SavedResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished cells of a part are not scored again, and its claims end with it."""
    save = UnfinishedCells.save
    keys: list[SetKey] = []
    again: list[SetKey] = []

    def stopping(self: UnfinishedCells, cell: Any) -> None:
        if len(keys) == 2:
            raise KeyboardInterrupt
        save(self, cell)
        keys.append(cell.key)

    with monkeypatch.context() as patched:
        patched.setattr(UnfinishedCells, "save", stopping)
        with pytest.raises(KeyboardInterrupt):
            mc.evaluate(configure(tmp_path, part="1/2"))

    def noting(self: UnfinishedCells, cell: Any) -> None:
        again.append(cell.key)
        save(self, cell)

    monkeypatch.setattr(UnfinishedCells, "save", noting)
    mc.evaluate(configure(tmp_path, part="1/2"))
    saved = mc.evaluate(configure(tmp_path, part="2/2"))
    assert not {*keys} & {*again}
    assert files(saved.path) == without_sweep(whole)


@pytest.fixture(scope="module")
def first(configure: Configure, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of part 1 of 2. Read only."""
    out = tmp_path_factory.mktemp("first")
    mc.evaluate(configure(out, part="1/2"))
    return out


def test_missing_parts_are_named(first: Path, tmp_path: Path) -> None:
    with pytest.raises(ResultError) as caught:
        mc.merge_results(first, tmp_path)
    assert "1 of the 2 parts of the evaluation of" in str(caught.value)
    assert str(caught.value).endswith(
        "missing or not finished (2): evaluate them, or give their directories, too"
    )
    assert not results_below(tmp_path)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"part": "2/3"}, "number of parts is '3', not '2'"),
        ({"datasets": "rays"}, "list of cells is"),
        ({"prompts": "reference"}, "prompts is 'reference', not 'paper'"),
        ({"resampling": Resampling(resamples=200)}, "resampling is"),
        ({"metrics": "nll"}, "metrics is"),
    ],
    ids=repr,
)
def test_parts_of_another_evaluation_are_refused(
    changes: dict[str, Any], difference: str, configure: Configure, first: Path, tmp_path: Path
) -> None:
    """By a merge of two directories, naming the first difference."""
    mc.evaluate(configure(tmp_path / "second", **{"part": "2/2", **changes}))
    with pytest.raises(ResultError) as caught:
        mc.merge_results([first, tmp_path / "second"], tmp_path / "out")
    assert "is of another evaluation than" in str(caught.value)
    assert difference in str(caught.value)
    assert not results_below(tmp_path)


def test_parts_of_another_model_are_refused(
    configure: Configure, first: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_open_clip_folder(tmp_path / "other", seed=2, image_size=32)
    mc.evaluate(configure(tmp_path / "second", part="2/2", model=f"local-dir:{other}"))
    with pytest.raises(ResultError, match=r"another evaluation than .* its weights digest is"):
        mc.merge_results([first, tmp_path / "second"], tmp_path / "out")


def test_one_directory_refuses_parts_of_another_division(
    configure: Configure, first: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(first, out)
    with pytest.raises(ResultError, match="holds parts of another evaluation: their number of parts is 2"):
        mc.evaluate(configure(out, part="2/3"))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("3/2", "part '3/2' is not valid"),
        ("two", "part 'two' is not valid"),
        ("1/11", "11 parts are too many: there are 10 cells to evaluate: give `part` of at most 10 parts"),
    ],
)
def test_a_part_that_cannot_be(part: str, message: str, configure: Configure, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        mc.evaluate(configure(tmp_path, part=part))
    assert message in str(caught.value)


def test_a_sweep_over_models_in_parts_is_the_undivided_sweep(
    configure: Configure, tiny: Path, tmp_path: Path
) -> None:
    """The CSV has only whole results: none after the first part, all after the last."""
    other = make_open_clip_folder(tmp_path / "other", seed=2, image_size=32)
    models = [f"local-dir:{tiny}", f"local-dir:{other}"]
    report = mc.sweep([configure(tmp_path / "alone", model=each) for each in models])
    for number in (1, 2):
        parts = mc.sweep([configure(tmp_path / "parts", model=each, part=f"{number}/2") for each in models])
        lines = parts.path.read_text(encoding="utf-8").splitlines()
        assert len(lines) == 1 + 2 * 3 * (number == 2)
    assert parts.failures == ()
    expected = report.path.read_text(encoding="utf-8").replace(str(tmp_path / "alone"), "X")
    assert parts.path.read_text(encoding="utf-8").replace(str(tmp_path / "parts"), "X") == expected


# The command line


def call(*arguments: object, code: int = 0) -> str:
    result = RUNNER.invoke(app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr.strip().splitlines()[-1]


def test_parts_and_merge_by_commands(benchmark: Path, tiny: Path, whole: SavedResult, tmp_path: Path) -> None:
    """`evaluate --part` says what is next, and `merge` joins results as it joins builds."""
    common = ["--model", f"local-dir:{tiny}", "--benchmark", benchmark, "--baseline", "none"]
    common += ["--device", "cpu", "--batch-size", 7]
    for number in (1, 2):
        out = tmp_path / f"out{number}"
        told = call("evaluate", *common, "--part", f"{number}/2", "--out", out)
        assert f"part {number}/2 is finished, 5 of 10 cells are there" in told
        assert told.splitlines()[-1] == f"next, when all parts are finished: medimeta-c merge {out}"
    call("merge", tmp_path / "out1", tmp_path / "out2", "--out", tmp_path / "out")
    (result,) = results_below(tmp_path)
    name = "predictions.parquet"
    assert (result.parent / name).read_bytes() == (whole.path / name).read_bytes()


def test_builds_and_results_are_not_merged_together(benchmark: Path, first: Path, tmp_path: Path) -> None:
    """Neither kind with the other, nor one as the other."""
    told = call("merge", first, benchmark, "--out", tmp_path / "out", code=2)
    assert told == (
        f"medimeta-c: {first} holds results and {benchmark} does not: merge builds and evaluations separately"
    )
    told = call("merge", benchmark, "--benchmark", benchmark, code=2)
    assert "--benchmark is for parts of an evaluation" in told
    with pytest.raises(ResultError, match="holds no part of an evaluation"):
        mc.merge_results(benchmark, tmp_path)


# Several devices


def test_two_devices_give_the_result_of_one(
    benchmark: Path, tiny: Path, whole: SavedResult, tmp_path: Path
) -> None:
    """A process for each; here the CPU is there twice."""
    command = ["evaluate", "--model", f"local-dir:{tiny}", "--benchmark", benchmark, "--baseline", "none"]
    call(*command, "--batch-size", 7, "--devices", "cpu,cpu", "--out", tmp_path)
    (result,) = results_below(tmp_path)
    name = "predictions.parquet"
    assert (result.parent / name).read_bytes() == (whole.path / name).read_bytes()
    assert (result.parent / "report.html").is_file()
    assert mc.read_result(result.parent).result.environment == whole.result.environment


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["killed", "interrupted"])
def test_if_one_device_fails_all_end_and_finished_cells_are_kept(
    reason: str, configure: Configure, tiny: Path, whole: SavedResult, tmp_path: Path
) -> None:
    """No process is left, one sentence says why, and the same evaluation resumes."""
    here = Claims(tmp_path / whole.path.relative_to(whole.path.parents[1]))
    assert here.take(next(iter(whole.predictions)))  # so that they cannot end before they are ended

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
    assert files(saved.path) == without_sweep(whole)


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


# A Dask cluster


def test_workers_of_a_cluster_give_the_result_of_one_process(
    configure: Configure, tiny: Path, whole: SavedResult, tmp_path: Path
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
        assert saved.result == whole.result
        name = "predictions.parquet"
        assert (saved.path / name).read_bytes() == (whole.path / name).read_bytes()
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
