"""Parts of an evaluation: in one directory or merged from several, they make the undivided result."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from model_factories import make_open_clip_folder  # noqa: E402
from tiny_results import CELLS, Configure, command, files, results_below, without_sweep  # noqa: E402

import medimeta_c as mc  # noqa: E402
from medimeta_c.errors import ConfigError, ResultError  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.metrics.resampling import Resampling  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.results.unfinished import UnfinishedCells  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_reports")


@pytest.mark.parametrize("of", [1, 2, 5])
def test_the_last_part_in_one_directory_writes_the_result(
    of: int, configure: Configure, swept: SavedResult, wordings: Path, tmp_path: Path
) -> None:
    """In any order; the parts before it write nothing that looks like a result."""
    for number in range(of, 0, -1):
        assert not results_below(tmp_path)
        saved = mc.evaluate(configure(tmp_path, part=f"{number}/{of}", prompts_sweep=wordings))
        assert saved.result.complete == (number == 1)
        assert len(saved.predictions) == CELLS * (of - number + 1) / of
    assert files(saved.path) == files(swept.path)
    assert mc.merge_results(tmp_path, tmp_path)[0].result == swept.result


@pytest.mark.parametrize("of", [2, 5])
def test_parts_of_several_directories_merge_to_the_undivided_result(
    of: int, configure: Configure, swept: SavedResult, wordings: Path, tmp_path: Path
) -> None:
    """Every byte of every file, a sweep over prompts included; merged again, it stays the same."""
    outs = [tmp_path / f"part{number}" for number in range(1, of + 1)]
    for number, out in enumerate(outs, 1):
        mc.evaluate(configure(out, part=f"{number}/{of}", prompts_sweep=wordings))
    for _ in range(2):
        (merged,) = mc.merge_results(reversed(outs), tmp_path / "out")
        assert files(merged.path) == files(swept.path)


def test_an_interrupted_part_resumes(
    configure: Configure, swept: SavedResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    assert files(saved.path) == without_sweep(swept)


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


def test_parts_and_merge_by_commands(benchmark: Path, tiny: Path, swept: SavedResult, tmp_path: Path) -> None:
    """`evaluate --part` says what is next, and `merge` joins results as it joins builds."""
    common = ["--model", f"local-dir:{tiny}", "--benchmark", benchmark, "--baseline", "none"]
    common += ["--device", "cpu", "--batch-size", 7]
    for number in (1, 2):
        out = tmp_path / f"out{number}"
        told = command("evaluate", *common, "--part", f"{number}/2", "--out", out)
        assert f"part {number}/2 is finished, 5 of 10 cells are there" in told
        assert told.splitlines()[-1] == f"next, when all parts are finished: medimeta-c merge {out}"
    command("merge", tmp_path / "out1", tmp_path / "out2", "--out", tmp_path / "out")
    (result,) = results_below(tmp_path)
    name = "predictions.parquet"
    assert (result.parent / name).read_bytes() == (swept.path / name).read_bytes()


def test_builds_and_results_are_not_merged_together(benchmark: Path, first: Path, tmp_path: Path) -> None:
    """Neither kind with the other, nor one as the other."""
    told = command("merge", first, benchmark, "--out", tmp_path / "out", code=2)
    assert told == (
        f"medimeta-c: {first} holds results and {benchmark} does not: merge builds and evaluations separately"
    )
    told = command("merge", benchmark, "--benchmark", benchmark, code=2)
    assert "--benchmark is for parts of an evaluation" in told
    with pytest.raises(ResultError, match="holds no part of an evaluation"):
        mc.merge_results(benchmark, tmp_path)
