"""Fine-tune, evaluate, compare: the adapted model is better on test images that it never saw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app

RUNNER = CliRunner()


def run(*arguments: object) -> str:
    """Run a command that must succeed; return what it prints on stdout."""
    result = RUNNER.invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def only_result(slug: str) -> Path:
    """The folder of a model's only result."""
    (file,) = Path("results").glob(f"{slug}/*/result.json")
    return file.parent


def test_the_adapted_model_is_better(
    tiny_model: str, images_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the commands of the documentation: clean accuracy up, mCE down, intervals apart."""
    monkeypatch.chdir(tmp_path)
    data = ("--source", "imagefolder", "--data", images_dir)
    grid = ("--corruption", "brightness,contrast,pixelate", "--severity", 1)
    run("build", "--dataset", "cells", *data, *grid, "--out", "bench", "--jobs", 1)
    training = ("--rank", 8, "--epochs", 20, "--lr", 1e-2, "--batch-size", 8, "--device", "cpu")
    adapt = ("finetune", "--model", tiny_model, "--dataset", "cells", *data)
    run(*adapt, "--fewshot", 1.0, *training, "--out", "adapted")
    scoring = ("--benchmark", "bench", "--device", "cpu", "--workers", 0, "--json")
    run("evaluate", "--model", tiny_model, "--baseline", "none", *scoring)
    base = only_result("local-dir-tiny")
    run("evaluate", "--model", "robustmedclip:adapted", "--baseline", base, *scoring)
    tuned = only_result("robustmedclip-adapted")
    found = json.loads(run("compare", tuned, base, "--baseline", base, "--json"))
    best, other = found["models"]
    assert best["path"] == str(tuned)
    assert (best["ranks"], other["ranks"]) == ([1, 1], [2, 2])
    (clean, was), (mce, unit) = (
        [(one["numbers"]["overall"][name], one["intervals"]["overall"][name]) for one in (best, other)]
        for name in ("clean_accuracy", "mce")
    )
    assert clean[1]["low"] > was[1]["high"]
    assert clean[0]["value"] > was[0]["value"] + 0.2
    assert mce[1]["high"] < unit[0]["value"] == 1
    difference = found["differences"][0]["overall"]["mce"]
    assert difference["interval"]["high"] < 0
