"""Signals to real processes: the exit code is 128 + signal, the sentence is true, nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.cli.interrupts import Interrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def started(*arguments: object) -> subprocess.Popen[str]:
    """Start a command in a process group of its own, as a terminal does."""
    command = [sys.executable, "-m", "medimeta_c", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a file of this pattern is there."""
    until = time.monotonic() + 120
    while not any(path.parent.glob(path.name)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupted_build_resumes(clean_dir: Path, tmp_path: Path, name: str) -> None:
    """Ctrl-C reaches the whole process group, workers too; then the same command finishes the build."""
    number = getattr(signal, name)
    options = ("--source", "imagefolder", "--data", clean_dir, "--out", tmp_path / "out", "--quiet")
    process = started("build", "--dataset", "rays", *options)
    wait_for(tmp_path / "out/.medimeta-c/sets/*.json", process)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors == "medimeta-c: interrupted: run the same command again to resume\n"
    assert not (tmp_path / "out/manifest.json").exists()
    again = started("build", "--dataset", "rays", *options)
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    assert verify(tmp_path / "out").ok


def test_a_signal_is_told_even_if_the_clean_up_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python may close a folder twice when a signal arrives in between, and raises OSError then."""

    def interrupted(*_: object, **__: object) -> None:
        try:
            raise Interrupted(signal.SIGTERM)
        finally:
            os.close(-1)

    monkeypatch.setattr("medimeta_c.building.merge.merge", interrupted)
    with pytest.raises(SystemExit) as ended:
        app(["merge", str(tmp_path)])
    assert ended.value.code == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "medimeta-c: interrupted: run the same command again to resume\n"


def test_what_does_not_resume_does_not_say_so(built: Path) -> None:
    """A command that starts from the beginning again promises nothing."""
    process = started("verify", built, "--rebuild", 50, "--jobs", 1, "--debug")
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    if process.returncode:  # else it was faster
        assert process.returncode == 128 + signal.SIGTERM
        assert errors.strip().splitlines()[-1] == "medimeta-c: interrupted"
        assert "Traceback" not in errors


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_while_modules_are_imported(name: str, tmp_path: Path) -> None:
    """From the first line of this package on, there is no traceback."""
    number = getattr(signal, name)
    script = (
        "import os, sys, medimeta_c.__main__ as start\n"
        "class Finder:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'typer.main':\n"
        f"            os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['medimeta-c', 'datasets']\n"
        "start.main()\n"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr) == (128 + number, "medimeta-c: interrupted\n")


def test_what_the_caller_ignores_is_ignored() -> None:
    """As under nohup: a signal that was ignored before the command started stays so."""
    command = f"trap '' HUP; {sys.executable} -c 'import os, signal, sys; sys.argv[1:] = [\"--version\"];" + (
        "from medimeta_c.cli import interrupts\n"
        "with interrupts.interruptible(): os.kill(os.getpid(), signal.SIGHUP)'"
    )
    assert subprocess.run(["bash", "-c", command], check=False).returncode == 0
