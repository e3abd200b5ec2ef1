"""Trees made to hide something, to mislead or to stall whoever checks a pull request."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ResultError
from medimeta_c.leaderboard.validation import validate

Submitted = Callable[..., Path]


def _outside(root: Path) -> None:
    (root / "results/evil.html").write_text("<script>")


def _a_link(root: Path) -> None:
    (root / "results/loop").symlink_to("/")


def _a_hidden_folder(root: Path) -> None:
    (root / "results/.cells").mkdir()
    (root / "results/.cells/x.parquet").write_bytes(b"")


@pytest.mark.parametrize("change", [_outside, _a_link, _a_hidden_folder])
def test_a_tree_holds_submissions_alone(
    submitted: Submitted, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    """Files and links that belong to no submission are found wherever they lie, and not followed."""
    submitted()
    change(tmp_path)
    tree, submission = validate([tmp_path], None)
    assert submission.ok
    assert f"{tmp_path / 'results'} also holds" in tree.problems[0]


def test_a_root_that_poses_as_a_submission_hides_nothing(submitted: Submitted, tmp_path: Path) -> None:
    """The files of a good submission in the root, or a root within the root, leave the rest to be seen."""
    good = submitted()
    bad = submitted(name="Other")
    (bad / "result.json").write_text("{}")
    for root in (tmp_path, tmp_path / "results"):
        for file in good.iterdir():
            shutil.copy(file, root)
    shutil.copytree(good, tmp_path / "results/results/x/y/z")
    refused = {one.folder for one in validate([tmp_path / "results"], None) if not one.ok}
    assert bad in refused
    assert tmp_path / "results" in refused
    assert tmp_path / "results/results/x/y/z" in refused


def test_a_submission_in_the_root_is_out_of_place(submitted: Submitted, tmp_path: Path) -> None:
    """Also where it is the only one."""
    root = submitted().rename(tmp_path / "submission").rename(tmp_path / "results/moved").parent
    for file in (root / "moved").iterdir():
        shutil.move(file, root)
    (found,) = validate([root], None)
    assert "is not where it belongs" in found.problems[0]


def test_a_root_that_is_a_link_is_refused(submitted: Submitted, tmp_path: Path) -> None:
    """A pull request cannot have the board's own entries checked in place of its own."""
    submitted(root=tmp_path / "board")
    proposed = tmp_path / "proposed"
    proposed.mkdir()
    (proposed / "results").symlink_to(tmp_path / "board/results")
    for path in (proposed, proposed / "results"):
        with pytest.raises(ResultError, match="results is a link"):
            validate([path], None, among=tmp_path / "board")


def test_folders_without_end_are_not_descended(submitted: Submitted, tmp_path: Path) -> None:
    """A tree deeper than any board's is refused, not walked until a path is too long or the stack full."""
    submitted()
    tmp_path.joinpath("results", *"d" * 40).mkdir(parents=True)
    with pytest.raises(ResultError, match="has folders more than 8 deep"):
        validate([tmp_path], None)


def test_a_name_cannot_feign_a_line(submitted: Submitted, tmp_path: Path) -> None:
    """A folder's name with a line break and a colour is shown as one line of plain characters."""
    folder = submitted()
    folder.rename(folder.parent / "x\nok      results\x1b[31m")
    shown = CliRunner().invoke(app, ["leaderboard", "validate", str(tmp_path)])
    assert shown.exit_code == 1
    assert [line.split()[0] for line in shown.stdout.splitlines() if line[0] != " "] == ["REFUSED"]
    assert "\x1b" not in shown.stdout
