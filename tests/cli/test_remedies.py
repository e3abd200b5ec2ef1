"""Remedies of errors in the options of the command that runs."""

from __future__ import annotations

import ast
import logging
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.cli.remedies import message, option_of, running, spelled, spelled_arguments
from medimeta_c.errors import BuildError, Remedy

REPO = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "command", None)
    monkeypatch.setattr(running, "group", typer.main.get_command(app))


def runs(name: str) -> None:
    running.command = running.group
    for part in name.split():
        running.command = running.command.commands[part]


CASES = {
    "an option of its own name": ("build", Remedy("choose another {out}"), "choose another --out"),
    "an option of another name": ("build", Remedy("give {data_dir}"), "give --data"),
    "a value": ("build", Remedy("add {source}", source="imagefolder"), "add --source imagefolder"),
    "several values": ("build", Remedy("{datasets}", datasets=["pbc", "oct"]), "--dataset pbc,oct"),
    "a switch": ("build", Remedy("add {force}", force=True), "add --force"),
    "a pull request": ("push", Remedy("push without {pull_request}"), "push without --pr"),
    "no such option here": ("verify", Remedy("choose another {out}"), "choose another out"),
    "a value without an option": ("compare", Remedy("{source}", source="phantoms"), "source phantoms"),
    "another command": (
        "build",
        Remedy("run {command}", command="download", datasets="pbc", data_dir=Path("here")),
        "run `medimeta-c download --dataset pbc --data here`",
    ),
    "a command of a group": (
        "evaluate",
        Remedy("run {command}", command="leaderboard build", out="site"),
        "run `medimeta-c leaderboard build --out site`",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_parameters_become_options(case: str) -> None:
    command, remedy, text = CASES[case]
    runs(command)
    assert spelled(remedy) == text


def parameters() -> set[str]:
    """Return every parameter that a remedy of the library names."""
    named: set[str] = set()
    for path in (REPO / "medimeta_c").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Remedy" and node.args:
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    named.update(Remedy(str(text.value)).parameters)
    return named


def test_every_parameter_that_an_error_names_is_an_option_of_a_command() -> None:
    """Remedies name parameters by hand: a misspelled one would be no option anywhere."""
    named, commands, found = parameters(), [running.group], set()
    while commands:
        command = commands.pop()
        commands += getattr(command, "commands", {}).values()
        found |= {name for name in named if option_of(command, name) is not None}
    assert named - found == set()
    assert len(named) > 15


def test_an_error_in_the_words_of_the_command() -> None:
    runs("build")
    error = BuildError("small is a file", remedy=[Remedy("move it"), Remedy("choose another {out}")])
    assert message(error) == "small is a file: move it, or choose another --out"
    assert str(error) == "small is a file: move it, or choose another `out`"
    assert message(ValueError("no")) == "no"


def test_warnings_too() -> None:
    """A library's warning hands over the remedy; the command line's log spells it."""
    runs("build")
    record = logging.LogRecord("x", logging.WARNING, "", 1, "%s: %s", ("grey", Remedy("{channels}")), None)
    assert spelled_arguments(record)
    assert record.getMessage() == "grey: --channels"


def test_the_running_command_decides(tmp_path: Path) -> None:
    """From the library's error to the line on stderr."""
    (tmp_path / "file").write_text("")
    build = ["build", "--dataset", "pbc", "--source", "phantoms", "--data", str(tmp_path)]
    done = CliRunner().invoke(app, [*build, "--out", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert done.stderr == f"medimeta-c: {tmp_path / 'file'} is a file, not a folder: choose another --out\n"
