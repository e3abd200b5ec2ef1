"""The base install: what needs torch says so, with the line that installs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = "import sys\nsys.modules.update(dict.fromkeys(('torch', 'safetensors', 'sklearn')))\n"
REMEDY = "needs the 'evaluate' extra: in a clone of the repository, pip install ./corruptions '.[evaluate]'"


@pytest.mark.parametrize(
    "name", ["evaluate", "EvaluateConfig", "finetune", "FinetuneConfig", "probe", "ProbeConfig"]
)
def test_a_name_that_needs_torch(name: str) -> None:
    """Importing it from the package is an ImportError with the remedy, not one about another module."""
    script = f"try:\n    from medimeta_c import {name}\nexcept ImportError as error:\n    print(error)"
    run = subprocess.run([sys.executable, "-c", WITHOUT + script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == f"medimeta_c.{name} {REMEDY}"


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "--model", "a/b"],
        ["features", "b", "--model", "a/b", "--out", "f"],
        ["finetune", "--model", "a/b", "--out", "d"],
        ["probe", "b", "--model", "a/b"],
        ["export-peft", "a", "--out", "d"],
    ],
)
def test_a_command_that_needs_torch(command: list[str]) -> None:
    """One sentence, exit code 1."""
    script = f"from medimeta_c.cli import app\napp({command!r})"
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT + script], capture_output=True, text=True, check=False
    )
    assert run.stderr.strip() == f"medimeta-c: medimeta-c {command[0]} {REMEDY}"
    assert run.returncode == 1


def test_any_other_missing_module_is_what_it_is() -> None:
    """A module of a dependency that is there but broken is not mistaken for the extra."""
    script = "import sys\nsys.modules['pydantic'] = None\nfrom medimeta_c import evaluate"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in run.stderr
    assert "extra" not in run.stderr
