"""Results in an object store: put cell by cell, resumed from there, under a lock."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, ResultError, StoreError
from medimeta_c.io.stores.stored import StoredPath
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.evaluation import evaluate

RUNNER = CliRunner()


@pytest.fixture
def score(small: Path) -> Callable[..., SavedResult]:
    def call(out: object) -> SavedResult:
        return evaluate(
            EvaluateConfig(
                model="python:golden_model:model",
                benchmark=small,
                baseline="none",
                out=str(out),
                device="cpu",
                workers=0,
            )
        )

    return call


def test_a_result_is_the_same_in_every_store(
    root: StoredPath, score: Callable[..., SavedResult], tmp_path: Path
) -> None:
    here, there = score(tmp_path / "results"), score(root / "results")
    assert there.result.scores == here.result.scores
    assert str(there.stored) == f"{root}/results/{here.name}"
    stored, local = root / "results" / here.name, here.path
    assert set(stored.files()) == {
        one.relative_to(local).as_posix() for one in local.rglob("*") if one.is_file()
    }
    predictions = "predictions.parquet"
    assert (stored / predictions).read_bytes() == (local / predictions).read_bytes()
    assert read_saved(there.path).result == there.result
    assert not [name for name in (root / "results").files() if name.endswith(".lock")]


def test_an_interrupted_evaluation_goes_on_from_the_store(
    s3: StoredPath, score: Callable[..., SavedResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, count = StoredPath.upload, 0

    def fails(self: StoredPath, source: Path) -> None:
        nonlocal count
        count += ".cells/rays" in self.path
        if count == 2:
            raise StoreError("the network is gone")
        upload(self, source)

    with monkeypatch.context() as offline, pytest.raises(StoreError, match="the network is gone"):
        offline.setattr(StoredPath, "upload", fails)
        score(s3 / "results")
    assert not [name for name in (s3 / "results").files() if name.endswith("result.json")]
    assert len([name for name in (s3 / "results").files() if ".cells/rays" in name]) == 1


def test_a_second_evaluation_scores_nothing_again(
    s3: StoredPath, score: Callable[..., SavedResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = score(s3 / "results")
    puts: list[str] = []
    upload = StoredPath.upload

    def noted(self: StoredPath, source: Path) -> None:
        puts.append(self.name)
        upload(self, source)

    monkeypatch.setattr(StoredPath, "upload", noted)
    assert score(s3 / "results").result.scores == first.result.scores
    assert not [name for name in puts if name.startswith("rays")]


def test_another_process_is_refused(s3: StoredPath, score: Callable[..., SavedResult]) -> None:
    name = score(s3 / "results").name
    model, fingerprint = name.split("/")
    held = {"host": "other", "process": 7, "since": "2026-01-01"}
    (s3 / f"results/{model}/.{fingerprint}.lock").write_bytes(json.dumps(held).encode())
    with pytest.raises(ResultError, match=r"another process is evaluating into s3://.*process 7 on other"):
        score(s3 / "results")


def test_the_hub_and_a_sweep_are_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="to which only `push` and `submit` write"):
        EvaluateConfig(model="a/b", benchmark=small, out="hf://datasets/org/name")
    (tmp_path / "models.yaml").write_text("models: [a/b]\n")
    arguments = ["evaluate", "--sweep", "models.yaml", "--benchmark", str(small), "--out", "s3://bucket/x"]
    result = RUNNER.invoke(app, arguments)
    assert (result.exit_code, "must be a local path" in result.stderr) == (2, True), result.stderr
    assert not [*tmp_path.glob("*:*")]
