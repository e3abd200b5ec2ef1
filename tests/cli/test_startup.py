"""What starting a command imports, and when a build needs no other process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from fake_build import fake_build
from fake_source import FakeSource

from medimeta_c.building import plan
from medimeta_c.building.build import BuildConfig, build, preview
from medimeta_c.building.engines import local
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.cli.commands import COMMANDS

Configure = Callable[..., BuildConfig]
HEAVY = {
    *("numpy", "scipy", "pyarrow", "matplotlib", "torch", "pandas", "numba", "h5py", "joblib", "cv2"),
    *("pydantic", "medimeta_corruptions.clinical"),
}


def imported(script: str, **environment: str) -> set[str]:
    """Return the heavy libraries that a script leaves imported."""
    found = f"import sys\n{script}\nprint('found', *({HEAVY!r} & set(sys.modules)))"
    process = subprocess.run(
        [sys.executable, "-c", found],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return set(process.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--version"], {}),
        (["--help"], {}),
        (["evaluate", "--help"], {}),
        (["verify", "--help"], {}),
        ([], {"COMP_WORDS": "medimeta-c ev", "COMP_CWORD": "1"}),
        ([], {"COMP_WORDS": "medimeta-c build --sev", "COMP_CWORD": "2"}),
    ],
)
def test_help_the_version_and_completion_import_no_library_of_numbers(
    arguments: Sequence[str], environment: dict[str, str]
) -> None:
    """They print what the command line itself knows."""
    if environment:
        environment = {**environment, "_MEDIMETA_C_COMPLETE": "complete_bash"}
    script = (
        "from medimeta_c.cli import app\n"
        f"try:\n    app({list(arguments)!r}, prog_name='medimeta-c')\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
    )
    # To complete options, Typer reads values, with pydantic.
    assert imported(script, **environment) <= ({"pydantic"} if environment else set())


def test_only_the_command_that_runs_is_imported() -> None:
    """Other commands are listed, not imported."""
    script = (
        "import sys\nfrom medimeta_c.cli import app\n"
        "try:\n    app([{!r}, '--help'])\nexcept SystemExit:\n    pass\n"
        "rooms = ('benchmark', 'model', 'outlets')\n"
        "names = [name.split('.') for name in sys.modules if name.startswith('medimeta_c.cli.')]\n"
        "print(*(name[3] for name in names if name[2] in rooms and len(name) > 3))"
    )
    process = subprocess.run(
        [sys.executable, "-c", script.format("compare")], capture_output=True, text=True, check=True
    )
    assert process.stdout.splitlines()[-1].split() == ["compare"]


def test_a_build_imports_compilers_and_figures_only_when_it_needs_them() -> None:
    """A finished build that is asked for again renders and draws nothing."""
    assert imported("import medimeta_c.building.build") <= {
        *("numpy", "pyarrow", "h5py", "cv2", "pydantic"),
    }


def test_a_card_of_core_corruptions_needs_neither_matplotlib_nor_results(tmp_path: Path) -> None:
    """Its figures are drawn from the manifest and the shards, with the looks of these corruptions alone."""
    fake_build(tmp_path, [FakeSource("oct", channels=1, shape=(28, 28), splits={"test": 2})])
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from medimeta_c.card.dataset_card import write_card\n"
        "from medimeta_c.format.manifest.file import read_manifest\n"
        f"root = Path({str(tmp_path)!r})\n"
        "write_card(root, read_manifest(root / 'manifest.json'))\n"
        "assert 'medimeta_c.paper' not in sys.modules\nassert 'medimeta_c.results' not in sys.modules"
    )
    found = imported(script)
    assert (tmp_path / "assets/spectrum.png").is_file()
    assert found.isdisjoint({"matplotlib", "pandas", "medimeta_corruptions.clinical"})


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_shows_the_first_line_of_each_ones_help(name: str) -> None:
    """The help of the application is written without their modules, and says the same."""
    group: Any = typer.main.get_command(app)
    command = group.commands[name]
    assert command.help.split("\n")[0] == COMMANDS[name].summary
    assert command.name == name
    assert command.rich_help_panel == COMMANDS[name].panel


def test_little_work_is_done_in_this_process(
    build_config: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small build and its verification start no worker process, unless `jobs` asks for several."""
    started: list[int] = []

    def share(function: object, tasks: Sequence[object], workers: int) -> Iterator[object]:
        started.append(workers)
        return iter(tasks)

    monkeypatch.setattr(local, "_shared", share)
    config = build_config(datasets=("rays",), severities=(1,), jobs=-1)
    assert preview(config).jobs == 1
    assert len(build(config).built) == 8
    assert verify(config.out).ok
    assert started == []


@pytest.mark.parametrize(("jobs", "few", "expected"), [(2, 10**9, 2), (-1, 0, 3), (1, 0, 1), (64, 0, 8)])
def test_more_work_is_shared(
    build_config: Configure, monkeypatch: pytest.MonkeyPatch, jobs: int, few: int, expected: int
) -> None:
    """With as many processes as asked for, or one per core, but no more than sets."""
    monkeypatch.setattr("joblib.effective_n_jobs", lambda jobs: 3 if jobs == -1 else jobs)
    monkeypatch.setattr(plan, "_FEW_PIXELS", few)
    assert preview(build_config(datasets=("rays",), severities=(1,), jobs=jobs)).jobs == expected
