"""Several processes that evaluate into one result: it is the result of one process."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from tiny_results import CELLS, Configure, files, results_below, without_sweep  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

import medimeta_c as mc  # noqa: E402
from medimeta_c.reports import HTML_NAME  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.results.unfinished import UnfinishedCells  # noqa: E402
from medimeta_c.scoring.jobs import outcome  # noqa: E402
from medimeta_c.scoring.jobs.progress import JobProgress  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_reports")

RUNNER = CliRunner()
SPAWN = multiprocessing.get_context("spawn")


def _one_of_two(config: mc.EvaluateConfig, barrier: Any, saved: Any) -> None:
    """Evaluate in a process of its own, which waits for the other before its first cell."""
    torch.set_num_threads(1)
    setattr(outcome, "write_reports", lambda found, _: (found.saved.path / HTML_NAME).touch())  # noqa: B010
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
    configure: Configure, tiny: Path, swept: SavedResult, tmp_path: Path
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
    made = files(result.parent)
    assert made.pop(HTML_NAME) == b""
    assert made == without_sweep(swept)
    assert not list(result.parent.parent.glob(".*.claims"))


def _stop_in_the_first_cell(config: mc.EvaluateConfig, claimed: Any) -> None:
    torch.set_num_threads(1)

    def on_progress(now: JobProgress) -> None:
        if now.images_done:
            claimed.set()
            signal.pause()

    mc.evaluate(config, on_progress=on_progress)


def test_cells_of_a_killed_process_are_scored_by_those_that_wait(
    configure: Configure, tiny: Path, swept: SavedResult, tmp_path: Path
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
    assert files(saved.path) == without_sweep(swept)


def test_predictions_of_a_set_do_not_depend_on_the_sets_before_it(
    configure: Configure, swept: SavedResult, tmp_path: Path
) -> None:
    """To the last bit, with batches that do not divide the sets: `rays` alone is `rays` after `cells`."""
    alone = mc.evaluate(configure(tmp_path, datasets="rays"))
    assert len(alone.predictions) == CELLS / 2
    for key, cell in alone.predictions.items():
        assert cell.digest == swept.predictions[key].digest
