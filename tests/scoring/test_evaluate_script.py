"""`scripts/slurm/evaluate.sbatch`: an array job of parts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/slurm/evaluate.sbatch"


def submitted(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script as SLURM does, with a command that only says what it was given."""
    command = tmp_path / "medimeta-c"
    command.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    known = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    return subprocess.run(
        ["bash", str(SCRIPT), *arguments],
        env={**known, "PATH": f"{tmp_path}:{os.environ['PATH']}", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_job_evaluates_its_part(tmp_path: Path) -> None:
    """Job 3 of 4 is part 3/4; one core is left to the model."""
    done = submitted(
        tmp_path,
        *("4", "--model", "model:biomedclip", "--out", "results"),
        SLURM_ARRAY_TASK_ID="3",
        SLURM_CPUS_PER_TASK="8",
    )
    assert done.stdout == "evaluate --part 3/4 --workers 7 --model model:biomedclip --out results\n"


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ([], {"SLURM_ARRAY_TASK_ID": "1"}, "give the number of parts"),
        (["4", "--model", "a/b"], {}, "submit this script with sbatch --array=1-4"),
    ],
)
def test_what_is_missing_is_said(
    arguments: list[str], variables: dict[str, str], message: str, tmp_path: Path
) -> None:
    done = submitted(tmp_path, *arguments, **variables)
    assert done.returncode != 0
    assert message in done.stderr
