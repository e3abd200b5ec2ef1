"""`submit --init` and `--preview`: what a submitter sees before anything is sent."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from submissions_on_disk import PLAIN, edit_json
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.leaderboard import SubmissionPreview, preview, write_accepted
from medimeta_c.leaderboard.accepted import Accepted
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.submission import described, read_submission, write_submission
from medimeta_c.results.folder.saved import SavedResult

Submitted = Callable[..., Path]


@pytest.fixture
def result(saved: SavedResult, tmp_path: Path) -> Path:
    """A result's folder with a submission.yaml."""
    folder = Path(shutil.copytree(saved.path, tmp_path / "mine"))
    write_submission(folder / "submission.yaml", described({**PLAIN, "name": "Mine"}, declared=True))
    return folder


def submit(*arguments: object) -> Any:
    """Run ``medimeta-c submit``."""
    return CliRunner().invoke(app, ["submit", *map(str, arguments)])


def test_init_then_preview(saved: SavedResult, tmp_path: Path) -> None:
    """The file that `--init` writes is what `--preview` asks to have filled in."""
    folder = Path(shutil.copytree(saved.path, tmp_path / "mine"))
    done = submit(folder, "--init", "--name", "Mine")
    assert done.exit_code == 0, done.output
    assert f"next: medimeta-c submit {folder} --preview" in done.stdout
    blank = submit(folder, "--preview", "--out", tmp_path / "preview")
    assert blank.exit_code == 1
    assert "organisation, contact, backbone" in blank.stderr
    assert "first write who made the model" in blank.stderr
    again = submit(folder, "--init")
    assert again.exit_code == 2
    assert "is not overwritten: edit it, or give another file with --submission" in again.stderr
    other = submit(folder, "--init", "--submission", tmp_path / "other.yaml", "--json")
    assert json.loads(other.stdout) == {"submission": str(tmp_path / "other.yaml")}


def test_a_preview_alone(result: Path, tmp_path: Path, benchmark: Benchmark) -> None:
    """Without a board the entry stands alone; its row and its page are named."""
    out = tmp_path / "preview"
    done = submit(result, "--preview", "--out", out, "--baseline", "none")
    assert done.exit_code == 0, done.output
    assert "nothing was sent" in done.stdout
    key = f"other-images-1-0--example-laboratory--mine--{benchmark.fingerprint[:8]}"
    assert f"its page: {out / 'models' / key}.html" in done.stdout
    assert ">Mine</a>" in (out / "index.html").read_text(encoding="utf-8")
    pages = [page.read_text(encoding="utf-8") for page in out.rglob("*.html")]
    assert all("This is a preview of the entry Mine, not the board." in page for page in pages)
    assert not any("current, not a release" in page for page in pages)
    row = next(line for line in done.stdout.splitlines() if line.strip().startswith("Other images"))
    assert "1" in row.split()


def test_a_preview_among_others_ranks_as_the_board_will(
    submitted: Submitted, weak: SavedResult, result: Path, tmp_path: Path
) -> None:
    """The numbers and ranks are those of the board once it is merged; the board's tree is left alone."""
    board = tmp_path / "board"
    theirs = submitted(weak, root=board, name="Weak")
    before = {path: path.read_bytes() for path in board.rglob("*") if path.is_file()}
    config = SubmissionPreview(folder=result, out=tmp_path / "preview", among=board, baseline="none")
    report = preview(config)
    ((shown, mine),) = report.rows
    assert {one.name for one in shown.entries} == {"Mine", "Weak"}
    assert mine.ranks == (1, 1)
    assert [one.text for one in report.table.rows[0]][1] == "1"
    assert {path: path.read_bytes() for path in board.rglob("*") if path.is_file()} == before
    shutil.copytree(result, theirs.parents[1] / "mine" / theirs.name)
    merged = next(each for each in read_boards(board, baseline="none") if each.key == shown.key)
    assert next(one for one in merged.entries if one.name == "Mine") == mine
    inside = SubmissionPreview(
        folder=theirs.parents[1] / "mine" / theirs.name,
        out=tmp_path / "preview",
        among=board,
        baseline="none",
    )
    assert preview(inside).rows[0][1] == mine


def test_a_preview_is_checked_first(
    submitted: Submitted, result: Path, accepted: Accepted, tmp_path: Path
) -> None:
    """What the board would refuse is not shown: false numbers, copies, benchmarks that are not accepted."""
    out = tmp_path / "preview"
    board = tmp_path / "board"
    submitted(root=board)
    with pytest.raises(ResultError, match="is a copy of"):
        preview(SubmissionPreview(folder=result, out=out, among=board))
    write_accepted(tmp_path / "other/accepted.yaml", accepted.model_copy(update={"datasets": ()}))
    (tmp_path / "other/results").mkdir()
    refused = submit(result, "--preview", "--out", out, "--among", tmp_path / "other")
    assert "is not accepted here" in refused.stderr

    def flatter(values: Any) -> None:
        values["scores"]["overall"]["average_accuracy"]["value"] += 0.01

    edit_json(result / "result.json", flatter)
    with pytest.raises(
        ResultError, match=r"that predictions.parquet does not give.*; there is nothing to preview"
    ):
        preview(SubmissionPreview(folder=result, out=out))
    assert not out.exists()


def test_a_preview_replaces_no_folder_of_others(result: Path, tmp_path: Path) -> None:
    """Pages go where an earlier site is, or nothing."""
    (tmp_path / "preview").mkdir()
    (tmp_path / "preview/thesis.tex").touch()
    done = submit(result, "--preview", "--out", tmp_path / "preview")
    assert done.exit_code == 2
    assert "choose another --out" in done.stderr


def test_a_name_replaces_that_of_the_file(result: Path, tmp_path: Path) -> None:
    """Of the file in the folder, and of one that is given; both stay valid."""
    mine = tmp_path / "mine.yaml"
    write_submission(mine, described(PLAIN, declared=True))
    text = mine.read_text()
    done = submit(result, "--preview", "--out", tmp_path / "a", "--name", "Renamed", "--baseline", "none")
    assert done.exit_code == 0, done.output
    assert read_submission(result).name == "Renamed"
    done = submit(result, "--preview", "--out", tmp_path / "a", "--submission", mine, "--name", "Again")
    assert done.exit_code == 0, done.output
    assert read_submission(result).name == "Again"
    assert mine.read_text() == text
    bad = submit(result, "--preview", "--name", "<b>")
    assert bad.exit_code == 2
    assert "the name of the submission is not valid" in bad.stderr


def test_options_that_exclude_each_other(result: Path) -> None:
    """One sentence each, and nothing done."""
    assert "choose one" in submit(result, "--init", "--preview").stderr
    assert "give --name only" in submit(result, "--init", "--declare").stderr
    assert "--repo is missing" in submit(result).stderr
    assert "--among is only for previews" in submit(result, "--among", result).stderr
    assert "--baseline is only for previews" in submit(result, "--init", "--baseline", "none").stderr
