"""Help by groups, options anywhere on the line, completion by the shell, and what a bug report needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app

RUNNER = CliRunner()


def completed(line: str) -> list[str]:
    """Return what bash is offered for the last word of a line."""
    words = line.split(" ")
    environment = {**os.environ, "_MEDIMETA_C_COMPLETE": "complete_bash"}
    environment |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; sys.argv[0] = 'medimeta-c'; from medimeta_c.__main__ import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    return run.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str) -> None:
    """Each shell's script calls back for values."""
    environment = {**os.environ, "_MEDIMETA_C_COMPLETE": f"source_{shell}"}
    code = "import sys; sys.argv[0] = 'medimeta-c'; from medimeta_c.__main__ import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert f"_MEDIMETA_C_COMPLETE=complete_{shell}" in run.stdout


def test_names_are_completed() -> None:
    """Commands, options, and the last of several names."""
    assert completed("medimeta-c veri") == ["verify"]
    assert completed("medimeta-c build --dataset pb") == ["pbc"]
    assert completed("medimeta-c build --dataset pbc,oc") == ["pbc,oct", "pbc,octmnist"]
    assert completed("medimeta-c corrupt --corruption mot") == ["motion_blur"]


@pytest.mark.parametrize(
    "line", [["-h"], ["build", "-h"], ["leaderboard", "-h"], ["leaderboard", "validate", "-h"]]
)
def test_short_help(line: list[str]) -> None:
    """`-h` is `--help`."""
    long = RUNNER.invoke(app, [*line[:-1], "--help"])
    assert (long.exit_code, RUNNER.invoke(app, line).stdout) == (0, long.stdout)


def test_commands_are_grouped() -> None:
    """The list of commands is not one of twenty."""
    text = RUNNER.invoke(app, ["--help"]).stdout
    places = [text.index(f"─ {group} ─") for group in ("Data", "Benchmark", "Models", "Reports", "Help")]
    assert places == sorted(places)


@pytest.mark.parametrize("line", [["--quiet", "env"], ["env", "--quiet"], ["env", "--json", "--verbose"]])
def test_options_anywhere(line: list[str]) -> None:
    """Before the command's name and after it."""
    assert RUNNER.invoke(app, line).exit_code == 0


def test_quiet_and_loud_are_one_too_many() -> None:
    """Wherever each of the two stands."""
    result = RUNNER.invoke(app, ["--quiet", "env", "--debug"])
    assert (result.exit_code, "choose one" in result.stderr) == (2, True)


def test_no_home_folder(tmp_path: Path) -> None:
    """Matplotlib's advice about its own folder is not ours to pass on, unless all is to be said."""
    environment = {**os.environ, "HOME": str(tmp_path / "file/home")}
    for name in ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        environment.pop(name, None)
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "medimeta_c", "figures", "--paper", "--only", "table3"]
    for option, told in (("--json", False), ("--verbose", True)):
        done = subprocess.run(
            [*command, "--out", str(tmp_path / option), option],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert ("MPLCONFIGDIR" in done.stderr) is told


def test_env_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions, extras and folders are there; tokens and the user's folder are not."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("MEDIMETA_DATA", os.path.expanduser("~/medimeta"))  # noqa: PTH111
    text = RUNNER.invoke(app, ["env"]).stdout
    assert "hf_secret" not in text
    assert "~/medimeta (MEDIMETA_DATA; does not exist)" in text
    values = json.loads(RUNNER.invoke(app, ["env", "--json"]).stdout)
    assert {"medimeta-c", "python", "platform", "packages", "extras"} <= set(values)
