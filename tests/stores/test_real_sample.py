"""Real images: a build from and into a store has the fingerprint of a plain one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_reading_benchmarks import put
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.io.stores.stored import StoredPath

RUNNER = CliRunner()


def said(*arguments: object) -> dict[str, object]:
    result = RUNNER.invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


@pytest.mark.slow
def test_one_fingerprint_everywhere(sample_dir: Path, s3: StoredPath, tmp_path: Path) -> None:
    build = ["build", "--dataset", "oct", "--corruption", "pixelate", "--severity", "3", "--jobs", "1"]
    said(*build, "--data", sample_dir, "--out", tmp_path / "plain")
    put(sample_dir / "oct", s3 / "data/oct")
    said(*build, "--data", f"{s3}/data", "--cache", tmp_path / "cache", "--out", f"{s3}/bench")
    plain = said("verify", tmp_path / "plain", "--jobs", "1")
    stored = said("verify", f"{s3}/bench", "--jobs", "1")
    assert stored["fingerprint"] == plain["fingerprint"]
    assert (stored["ok"], stored["images"]) == (True, plain["images"])
    score = ["evaluate", "--model", "python:golden_model:model", "--baseline", "none", "--device", "cpu"]
    result = said(*score, "--benchmark", f"{s3}/bench", "--out", f"{s3}/results", "--workers", "0")
    local = said(*score, "--benchmark", tmp_path / "plain", "--out", tmp_path / "results", "--workers", "0")
    assert result["scores"] == local["scores"]
