"""`evaluate --prompts-sweep`: interrupted, replaced and damaged sweeps come to the same files."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from tiny_results import (  # noqa: E402
    SWEEP_FILES,
    Score,
    copied,
    sweep_bytes,
    sweep_of,
)

from medimeta_c.errors import ResultError  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult, read_saved  # noqa: E402
from medimeta_c.results.paraphrases import folder as folders  # noqa: E402
from medimeta_c.results.paraphrases.record import (  # noqa: E402
    read_prompts_sweep,
)
from medimeta_c.results.paraphrases.views import readable_sweep  # noqa: E402
from medimeta_c.scoring.inference import Predictor  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_reports")


def test_a_sweep_is_added_to_a_finished_result_and_then_computed_no_more(
    score: Score, plain: SavedResult, swept: SavedResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result's own bytes stay, the files are those of a sweep made together with it."""
    folder = copied(plain, tmp_path)
    before = (folder / "result.json").read_bytes()
    score(tmp_path)
    monkeypatch.setattr(Predictor, "_features", None)
    score(tmp_path)
    assert (folder / "result.json").read_bytes() == before
    assert sweep_bytes(folder) == sweep_bytes(swept.path)


@pytest.mark.parametrize("after", [0, 3, 9])
def test_an_interrupted_sweep_resumes_to_the_same_bytes(
    after: int, score: Score, swept: SavedResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between two cells: nothing looks whole, finished cells are not predicted again."""
    save = folders.SweptFolder.save
    saved: list[SetKey] = []

    def stopping(self: folders.SweptFolder, cell: Any) -> None:
        if len(saved) == after:
            raise KeyboardInterrupt
        save(self, cell)
        saved.append(cell.key)

    with monkeypatch.context() as patched:
        patched.setattr(folders.SweptFolder, "save", stopping)
        with pytest.raises(KeyboardInterrupt):
            score(tmp_path)
    assert not [path for name in SWEEP_FILES for path in tmp_path.rglob(name)]
    again: list[SetKey] = []

    def noting(self: folders.SweptFolder, cell: Any) -> None:
        again.append(cell.key)
        save(self, cell)

    monkeypatch.setattr(folders.SweptFolder, "save", noting)
    resumed = score(tmp_path)
    assert not set(saved) & set(again)
    assert len(saved) + len(again) == 10
    assert sweep_bytes(resumed.path) == sweep_bytes(swept.path)
    assert resumed.result.complete


def test_a_sweep_stopped_between_its_two_files_is_not_shown(
    score: Score, swept: SavedResult, wordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New predictions beside the numbers of an earlier sweep do not belong together."""
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text("version: 1\ntemplates: ['{class}', 'b {class}']\n", encoding="utf-8")
    saved = score(tmp_path, prompts_sweep=fewer)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folders, "write_prompts_sweep", stop)
        with pytest.raises(KeyboardInterrupt):
            score(tmp_path)
    with pytest.raises(ResultError, match="do not belong together"):
        read_prompts_sweep(saved.path, saved.result)
    monkeypatch.setattr(Predictor, "_features", None)  # every cell was saved
    score(tmp_path)
    assert sweep_bytes(saved.path) == sweep_bytes(swept.path)


def test_other_wordings_replace_a_sweep_and_the_log_says_so(
    score: Score, swept: SavedResult, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Never two kinds of texts in one file."""
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\ntemplates: ['{class}', 'b {class}']\n", encoding="utf-8")
    saved = score(tmp_path, prompts_sweep=other)
    assert len(sweep_of(saved).datasets["rays"].paraphrases) == 2
    with caplog.at_level(logging.WARNING):
        again = score(tmp_path)
    assert "sweep over prompts of rays again: the earlier one" in caplog.text
    assert sweep_bytes(again.path) == sweep_bytes(swept.path)


def edit_numbers(folder: Path) -> None:
    file = folder / "prompts-sweep.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    values["datasets"]["rays"]["paraphrases"][1]["numbers"]["average_accuracy"]["value"] = 1.0
    file.write_text(json.dumps(values), encoding="utf-8")


def edit_texts(folder: Path) -> None:
    file = folder / "prompts-sweep.json"
    file.write_text(file.read_text(encoding="utf-8").replace("a scan of class0", "a scan of class9"), "utf-8")


def cut(folder: Path) -> None:
    file = folder / "prompts-sweep.parquet"
    file.write_bytes(file.read_bytes()[:-20])


def drop(folder: Path) -> None:
    (folder / "prompts-sweep.parquet").unlink()


@pytest.mark.parametrize("damage", [edit_numbers, edit_texts, cut, drop])
def test_a_damaged_sweep_is_refused_left_out_of_the_report_and_computed_again(
    damage: Callable[[Path], None],
    score: Score,
    swept: SavedResult,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = copied(swept, tmp_path)
    damage(folder)
    saved = read_saved(folder)
    with pytest.raises(ResultError):
        read_prompts_sweep(folder, saved.result)
    with caplog.at_level(logging.WARNING):
        assert readable_sweep(folder, saved.result) is None
    assert "the report leaves out the sweep over prompts" in caplog.text
    score(tmp_path)
    assert sweep_bytes(folder) == sweep_bytes(swept.path)


def test_a_sweep_of_another_result_is_refused(swept: SavedResult, plain: SavedResult, tmp_path: Path) -> None:
    """Copied beside a result of other weights, its numbers are not that result's."""
    model = plain.result.run.model.model_copy(update={"weights_sha256": "0" * 64})
    run = plain.result.run.model_copy(update={"model": model})
    with pytest.raises(ResultError, match="does not belong to the result beside it"):
        read_prompts_sweep(swept.path, plain.result.model_copy(update={"run": run}))
