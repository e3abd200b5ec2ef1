"""One spelling of the benchmark in all commands, and results named one by one, by folder or by pattern."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.results.folder.places import result_files, result_folder

RUNNER = CliRunner()
BOARD = ["leaderboard validate", "leaderboard build", "leaderboard accept"]
TAKE_ONE = ["verify", "push", "analyse", "evaluate", "features", "figures", "finetune", "probe", *BOARD]


@pytest.mark.parametrize("name", TAKE_ONE)
def test_every_command_takes_the_option(name: str) -> None:
    """`--benchmark` works wherever there is a benchmark."""
    command = typer.main.get_command(app)
    for word in name.split():
        command = command.commands[word]  # type: ignore[attr-defined]
    assert any("--benchmark" in one.opts for one in command.params)


def test_the_argument_is_the_option(built: Path) -> None:
    """Either spelling, not both, and not neither."""
    calls = (["verify", str(built)], ["verify", "--benchmark", str(built)])
    first, second = (RUNNER.invoke(app, [*call, "--jobs", "1"]) for call in calls)
    assert (first.exit_code, first.stdout) == (0, second.stdout)
    assert "core" not in first.stdout.split("A dataset of no suite")[0], "own data belongs to no suite"
    both = RUNNER.invoke(app, ["verify", str(built), "--benchmark", str(built)])
    assert (both.exit_code, "give it once" in both.stderr) == (2, True)
    neither = RUNNER.invoke(app, ["verify"])
    assert (neither.exit_code, "no benchmark is given" in neither.stderr) == (2, True)


def test_results_by_folder_and_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder names all below it, a pattern all that match, and a name that matches nothing is an error."""
    files = [tmp_path / f"results/{name}/0a1b/result.json" for name in ("a", "b")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert [one.resolve() for one in result_files("results")] == files
    assert [one.resolve() for one in result_files("results/*/0a1b")] == files
    assert result_files(files[0].parent) == result_files(files[0]) == files[:1]
    shutil.rmtree("results/b")
    assert result_folder("results").resolve() == result_folder("results/*/0a1b").resolve() == files[0].parent
    shutil.copytree("results/a", "results/c")
    for several in ("results", "results/*", "results/[ac]/0a1b"):
        with pytest.raises(ResultError, match=r"names 2 results \(a/0a1b, c/0a1b\): give one$"):
            result_folder(several)
    shutil.rmtree("results")
    with pytest.raises(ResultError, match="no result matches"):
        result_folder("results/*")
    with pytest.raises(ConfigError, match="does not exist"):
        result_files("results/*")
