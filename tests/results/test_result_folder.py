"""The folder of a result: cells saved one by one, kept on a second run, refused to another run."""

from __future__ import annotations

import logging
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_predictions import ENVIRONMENT, PLAN, answers, evaluated, identity, result_of

from medimeta_c.errors import ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.models.contract import model_slug
from medimeta_c.results.folder.adding import open_result_folder
from medimeta_c.results.folder.places import result_path
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.predictions import (
    PREDICTIONS_NAME,
    CellPredictions,
    read_predictions,
    write_predictions,
)
from medimeta_c.results.result import RESULT_NAME
from medimeta_c.results.scoring import Terms, make_result, scope_of


@pytest.fixture(scope="module")
def cells(benchmark: Benchmark) -> dict[SetKey, CellPredictions]:
    """A made-up model's predictions of all 72 cells."""
    return answers(benchmark)


def some(cells: dict[SetKey, CellPredictions], count: int) -> dict[SetKey, CellPredictions]:
    return dict(list(cells.items())[:count])


def test_a_finished_folder_holds_the_contracts_files_and_no_more(saved: SavedResult) -> None:
    """result.json and predictions.parquet; the single cells are gone."""
    assert sorted(path.name for path in saved.path.iterdir()) == ["predictions.parquet", "result.json"]
    assert saved.path.name == saved.result.run.benchmark.fingerprint[:12]
    assert saved.path.parent.name == "hf-hub-test-tiny"


def test_it_reads_back_equal(saved: SavedResult) -> None:
    """Numbers to the last bit, from the folder or from result.json."""
    for path in (saved.path, saved.path / RESULT_NAME):
        back = read_saved(path)
        assert back.result == saved.result
        assert set(back.predictions) == set(saved.predictions)
        assert back.name == f"hf-hub-test-tiny/{saved.path.name}"


def test_an_interrupted_run_goes_on(
    tmp_path: Path, benchmark: Benchmark, cells: dict[SetKey, CellPredictions], saved: SavedResult
) -> None:
    """Cells saved before an interruption are kept; the result is that of an uninterrupted run."""
    run = identity(benchmark)
    with pytest.raises(KeyboardInterrupt), open_result_folder(tmp_path, run) as folder:
        for cell in some(cells, 30).values():
            folder.save(cell)
        raise KeyboardInterrupt
    assert not (result_path(tmp_path, run) / RESULT_NAME).exists()
    with open_result_folder(tmp_path, run) as folder:
        assert folder.finished == set(some(cells, 30))
        for key in set(cells) - folder.finished:
            folder.save(cells[key])
        held = folder.load(scope_of(benchmark.manifest))
        folder.finish(result_of(benchmark, held), held)
    whole = evaluated(tmp_path / "whole", benchmark)
    assert read_saved(result_path(tmp_path, run)).result == whole.result


def test_a_finished_run_is_not_run_again(tmp_path: Path, benchmark: Benchmark) -> None:
    """All cells of a finished result are there for a second evaluation."""
    saved = evaluated(tmp_path, benchmark)
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        assert folder.finished == set(saved.predictions)


def test_a_damaged_cell_is_made_again(
    tmp_path: Path,
    benchmark: Benchmark,
    cells: dict[SetKey, CellPredictions],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A cell cut short or renamed counts as not there, and the log says so."""
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        for cell in some(cells, 3).values():
            folder.save(cell)
        first, second, _ = sorted((folder.path / ".cells").glob("*.parquet"))
    first.write_bytes(first.read_bytes()[:100])
    second.rename(second.with_name("cells-test-pixelate-5.parquet"))
    with caplog.at_level(logging.WARNING), open_result_folder(tmp_path, identity(benchmark)) as folder:
        assert len(folder.finished) == 1
    assert "evaluating a cell again" in caplog.text


@pytest.mark.parametrize("probabilities_alone", [False, True])
def test_predictions_that_do_not_bear_the_numbers_are_made_again(
    tmp_path: Path, benchmark: Benchmark, caplog: pytest.LogCaptureFixture, probabilities_alone: bool
) -> None:
    """A cell changed after the result was written is not kept, be every image as right as before."""
    saved = evaluated(tmp_path, benchmark)
    key = SetKey("cells", "test", "contrast", 5)
    cell = saved.predictions[key]
    assert not cell.correct.all()
    answers = cell.predictions if probabilities_alone else cell.labels
    right = CellPredictions.of(key, cell.image_ids, cell.labels, np.eye(3)[answers])
    assert bool((right.correct == cell.correct).all()) is probabilities_alone
    write_predictions(saved.path / PREDICTIONS_NAME, {**saved.predictions, key: right}.values())
    with caplog.at_level(logging.WARNING), open_result_folder(tmp_path, identity(benchmark)) as folder:
        assert folder.finished == set(saved.predictions) - {key}
        folder.save(cell)
        assert folder.load(scope_of(benchmark.manifest))[key].correct.tolist() == cell.correct.tolist()
    assert f"evaluating {key} again: its predictions are not those of result.json" in caplog.text


def test_a_result_that_does_not_read_back_is_not_written_over(tmp_path: Path, benchmark: Benchmark) -> None:
    """Whose the predictions are is not known any more: the sentence says what helps, and nothing is lost."""
    saved = evaluated(tmp_path, benchmark)
    path = saved.path / RESULT_NAME
    path.write_bytes(path.read_bytes()[:300])
    with (
        pytest.raises(ResultError, match=r"restore the file, or move .* and evaluate again"),
        open_result_folder(tmp_path, identity(benchmark)),
    ):
        pytest.fail("a folder of an unknown run was opened")
    assert set(read_predictions(saved.path / PREDICTIONS_NAME)) == set(saved.predictions)


def test_cells_of_nobody_knows_which_run_are_removed(
    tmp_path: Path, benchmark: Benchmark, cells: dict[SetKey, CellPredictions]
) -> None:
    """Without run.json beside them they might be of other weights."""
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        folder.save(next(iter(cells.values())))
        (folder.path / ".cells" / "run.json").unlink()
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        assert folder.finished == frozenset()


def test_a_result_says_every_place_its_cells_were_made(
    tmp_path: Path, benchmark: Benchmark, cells: dict[SetKey, CellPredictions]
) -> None:
    """Begun on one device, gone on with on another, finished, and read again on a third that made nothing."""
    gpu = ENVIRONMENT.model_copy(
        update={"device": "cuda (H100)", "batch_size": 256, "packages": {"torch": "2.8.0"}}
    )
    first, *rest = cells.values()
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        assert folder.environment is None
        folder.add_environment(gpu)
        folder.save(first)
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        assert folder.environment == gpu
        for _ in range(2):  # the same place twice is one place
            folder.add_environment(ENVIRONMENT)
        for cell in rest:
            folder.save(cell)
        both = folder.environment
        held = folder.load(scope_of(benchmark.manifest))
        result = result_of(benchmark, held).model_copy(update={"environment": both})
        folder.finish(result, held)
    assert (both.device, both.batch_size) == ("cuda (H100); cpu", ENVIRONMENT.batch_size)
    assert both.packages == {"torch": "2.8.0; 2.9.0", "numpy": np.__version__}
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        assert folder.environment == both


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"model": {"weights_sha256": "00" * 32}}, "weights digest 'abab"),
        ({"model": {"revision": None}}, "revision '0000"),
        ({"precision": "fp16"}, "precision 'fp32', this run has 'fp16'"),
        ({"preprocessing": {"size": [384, 384]}}, "preprocessing"),
        ({"package_version": "9.9"}, "package version '0.1.0', this run has '9.9'"),
        ({"texts": "other"}, "prompts digest"),
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_another_run_is_refused(
    *,
    tmp_path: Path,
    benchmark: Benchmark,
    cells: dict[SetKey, CellPredictions],
    changes: dict[str, Any],
    difference: str,
    finished: bool,
) -> None:
    """The message names the first difference and the way out; nothing is changed."""
    if changes.get("texts") == "other":
        names = {dataset: benchmark.class_names(dataset) for dataset in benchmark.datasets}
        changes = {"texts": {d: dict.fromkeys(each, ("Other.",)) for d, each in names.items()}}
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        held = some(cells, 2)
        for cell in held.values():
            folder.save(cell)
        if finished:
            folder.finish(result_of(benchmark, held), held)
        before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    with (
        pytest.raises(ResultError, match="choose another `out`") as caught,
        open_result_folder(tmp_path, identity(benchmark, **changes)),
    ):
        pytest.fail("the folder of another run was opened")
    assert difference in str(caught.value)
    assert {path: path.read_bytes() for path in before} == before


def test_the_same_weights_elsewhere_are_the_same_run(
    tmp_path: Path, benchmark: Benchmark, cells: dict[SetKey, CellPredictions]
) -> None:
    """Where a checkpoint lies makes no difference to what it answers."""
    with open_result_folder(tmp_path, identity(benchmark, spec="local-dir:/a/mine")) as folder:
        folder.save(next(iter(cells.values())))
    with open_result_folder(tmp_path, identity(benchmark, spec="local-dir:/b/mine")) as folder:
        assert len(folder.finished) == 1


@pytest.mark.parametrize(("first", "second"), [("cells", "rays"), ("rays", "cells")])
def test_one_more_dataset_adds_to_a_result(
    tmp_path: Path, benchmark: Benchmark, first: str, second: str
) -> None:
    """Evaluating one after the other is evaluating both, in whatever order; the first is not scored again."""
    evaluated(tmp_path, benchmark, datasets=[first])
    run = identity(benchmark, datasets=[second])
    with open_result_folder(tmp_path, run) as folder:
        scope = folder.widened(scope_of(benchmark.manifest, datasets=[second]))
        assert {key.dataset for key in folder.finished} == {first}
        for cell in answers(benchmark, datasets=[second]).values():
            folder.save(cell)
        held = folder.load(scope)
        terms = Terms(scope=scope, baseline=None, resampling=PLAN)
        folder.finish(make_result(folder.run, ENVIRONMENT, held, terms), held)
    both = evaluated(tmp_path / "both", benchmark)
    found = read_saved(result_path(tmp_path, run)).result
    assert found.model_dump_json(exclude={"environment"}) == both.result.model_dump_json(
        exclude={"environment"}
    )
    assert found.complete


def test_cells_of_a_dataset_begun_earlier_survive(
    tmp_path: Path, benchmark: Benchmark, cells: dict[SetKey, CellPredictions]
) -> None:
    """Finishing `rays` does not throw away what is there of `cells`, nor put it into the result."""
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        folder.save(next(iter(cells.values())))
    saved = evaluated(tmp_path, benchmark, datasets=["rays"])
    assert list(saved.result.scores.datasets) == ["rays"]
    with open_result_folder(tmp_path, identity(benchmark)) as folder:
        assert SetKey("cells", "test", "clean", 0) in folder.finished


def _try_to_open(out: Path, benchmark_dir: str, answers: Any) -> None:
    from medimeta_c.format.benchmark import open_benchmark

    try:
        with open_result_folder(out, identity(open_benchmark(benchmark_dir))):
            answers.put("opened")
    except ResultError as error:
        answers.put(str(error))


def test_a_second_process_is_refused(tmp_path: Path, benchmark: Benchmark) -> None:
    """Two evaluations never write into one folder; the second learns it in one sentence."""
    spawn = multiprocessing.get_context("spawn")
    told = spawn.Queue()
    with open_result_folder(tmp_path, identity(benchmark)):
        other = spawn.Process(target=_try_to_open, args=(tmp_path, benchmark.name, told))
        other.start()
        answer = told.get(timeout=60)
        other.join()
    assert "another process is evaluating" in answer


def test_numbers_and_predictions_of_different_runs(tmp_path: Path, benchmark: Benchmark) -> None:
    """A result.json beside another run's predictions is not a result."""
    one, other = evaluated(tmp_path / "1", benchmark), evaluated(tmp_path / "2", benchmark, seed=5)
    (one.path / "predictions.parquet").write_bytes((other.path / "predictions.parquet").read_bytes())
    with pytest.raises(ResultError, match="do not belong together"):
        read_saved(one.path)
    with pytest.raises(ResultError, match=r"nowhere does not exist: give the folder that holds result\.json"):
        read_saved(tmp_path / "nowhere")


def test_slugs_keep_to_a_folder() -> None:
    """Whatever a spec holds, its slug is one safe folder name, and no path of this machine."""
    for spec in (
        "local-dir:/home/me/../x/mine/",
        "a/../../b",
        "medclip:vit@/secret/place/w.bin",
        "::",
        "ü/é",
    ):
        slug = model_slug(spec)
        assert slug
        assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert "home" not in slug
        assert "secret" not in slug
