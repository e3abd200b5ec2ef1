"""The command: several benchmarks, and mistakes in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.format.benchmark import Benchmark


def test_several_benchmarks_make_one_picture(benchmark: Benchmark, tmp_path: Path) -> None:
    """Two directories are two collections of the spectra; the same one twice is a mistake."""
    other = tmp_path / "copy"
    other.symlink_to(benchmark.name, target_is_directory=True)
    command = ["figures", benchmark.name, "--only", "spectrum", "--json", "--out", str(tmp_path / "f")]
    run = CliRunner().invoke(app, [*command, str(other)])
    assert run.exit_code == 0, run.output
    made = {Path(path).name for path in json.loads(run.stdout)["files"]}
    assert made == {"spectrum.png", "spectrum.svg", "spectrum.pdf", "spectrum.csv", "captions.md"}
    lines = (tmp_path / "f" / "spectrum.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {
        f"cells and rays ({Path(benchmark.name).name})",
        "cells and rays (copy)",
    }
    run = CliRunner().invoke(app, [*command, benchmark.name])
    assert run.exit_code == 2
    assert "duplicate benchmark" in run.stderr
