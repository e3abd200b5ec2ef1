"""``medimeta-c finetune`` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app

RUNNER = CliRunner()
Command = Callable[..., list[str]]


@pytest.fixture
def command(tiny_model: str, images_dir: Path, tmp_path: Path) -> Command:
    """The arguments of a small run; options given take the place of the usual ones."""

    usual: dict[str, object] = {
        "--model": tiny_model,
        "--dataset": "cells,rays",
        "--source": "imagefolder",
        "--data": images_dir,
        "--fewshot": "0.5",
        "--rank": 2,
        "--epochs": 2,
        "--batch-size": 8,
        "--device": "cpu",
        "--out": tmp_path / "run",
    }

    def make(*more: object) -> list[str]:
        options = [each for pair in usual.items() if pair[0] not in more for each in pair]
        return ["finetune", *map(str, [*options, *more])]

    return make


def test_a_run(command: Command, tmp_path: Path) -> None:
    """The command says how much was adapted, on what, how it went, and what comes next."""
    result = RUNNER.invoke(app, command())
    assert result.exit_code == 0, result.output
    out = tmp_path / "run"
    assert f"{out}: 2 layers adapted, 1,536" in result.stdout
    assert "trained on 20 images (12 of cells, 8 of rays)" in result.stdout
    assert "at epoch" in result.stdout
    assert result.stdout.endswith(f"next: medimeta-c evaluate --model robustmedclip:{out}\n")
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert names == {
        "README.md",
        "adapter.json",
        "adapter.safetensors",
        "fewshot_ids.json",
        "last",
        "training.csv",
        "training.jsonl",
    }
    again = RUNNER.invoke(app, command())
    assert "already finished" in again.stdout


def test_other_prompts_are_part_of_what_comes_next(command: Command, tmp_path: Path) -> None:
    """Trained with other prompts than the default, a model is scored with them, as hint and card say."""
    shown = RUNNER.invoke(app, command("--epochs", 1, "--prompts", "reference")).stdout
    out = tmp_path / "run"
    assert shown.endswith(f"next: medimeta-c evaluate --model robustmedclip:{out} --prompts reference\n")
    card = (out / "README.md").read_text()
    assert "robustmedclip:PATH_OF_THIS_FOLDER --prompts reference" in card
    assert "| Prompts | `reference`, word for word in `adapter.json` |" in card


def test_json(command: Command) -> None:
    """--json gives settings, sizes and every epoch, and nothing else on stdout."""
    report = json.loads(RUNNER.invoke(app, command("--json", "--epochs", 1)).stdout)
    assert report["images"] == {"cells": 12, "rays": 8}
    assert report["trainable_parameters"] == 1536
    assert [one["epoch"] for one in report["epochs"]] == [0, 1]
    assert report["run"]["lr"] == 1e-4
    assert report["epochs_before"] is None


def test_several(command: Command, tmp_path: Path) -> None:
    """Several shares and seeds print the table that is written beside the runs."""
    result = RUNNER.invoke(app, command("--fewshot", "0.25,0.5", "--seeds", "0,1", "--epochs", 1))
    assert result.exit_code == 0, result.output
    assert "| 25 % | 10 |" in result.stdout
    assert (tmp_path / "run/ablation.md").read_text().rstrip() in result.stdout
    assert (tmp_path / "run/fewshot-0.25/seed-1/adapter.safetensors").is_file()
    table = json.loads(
        RUNNER.invoke(app, command("--fewshot", "0.25,0.5", "--seeds", "0,1", "--epochs", 1, "--json")).stdout
    )
    assert [(run["fraction"], run["seed"]) for run in table["runs"]] == [
        (0.25, 0),
        (0.25, 1),
        (0.5, 0),
        (0.5, 1),
    ]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--fewshot", "10"], 2, "fraction 10 is not valid: use a number above 0 and at most 1"),
        (["--fewshot", "0"], 2, "fraction 0 is not valid"),
        (["--fewshot", "-0.1"], 2, "fraction -0.1 is not valid"),
        (["--fewshot", "ten"], 2, "--fewshot 'ten' is not a number: give numbers, comma-separated"),
        (["--fewshot", ""], 2, "--fewshot is empty"),
        (["--seeds", "0,zero"], 2, "--seed 'zero' is not a number"),
        (["--seeds", "0,0"], 2, "duplicate seed: 0"),
        (["--seeds", "0,1", "--seed", "2"], 2, "give --seed or --seeds, not both"),
        (["--seed", "-1"], 2, "seed -1 is negative"),
        (["--baseline", "none"], 2, "--baseline is used only with --benchmark: give --benchmark too"),
        (["--rank", "0"], 2, "rank 0 is not valid: use 1 or more"),
        (["--rank", "5000"], 2, "LoRA rank 5000 is not a whole number from 1 to 4096"),
        (["--targets", "v,q"], 2, "LoRA targets"),
        (["--from", "test"], 2, "unknown draw from 'test'"),
        (["--from", "val", "--fewshot", "1"], 1, "none is left to choose the checkpoint"),
        (["--alpha", "-1"], 2, "alpha -1 is not valid"),
        (["--epochs", "0"], 2, "epochs 0 is not valid"),
        (["--batch-size", "0"], 2, "batch size 0 is not valid"),
        (["--micro-batch", "0"], 2, "micro batch 0 is not valid"),
        (["--patience", "0"], 2, "patience 0 is not valid"),
        (["--lr", "0"], 2, "lr 0 is not valid"),
        (["--lr", "nan"], 2, "lr nan is not valid"),
        (["--lr", "100"], 2, "lr 100 is not valid"),
        (["--temperature", "0"], 2, "temperature 0 is not valid"),
        (["--schedule", "cosin"], 2, "unknown schedule 'cosin': did you mean 'cosine'?"),
        (["--precision", "fp16"], 2, "unknown precision 'fp16'"),
        (["--prompts", "papr"], 2, "unknown template set 'papr'"),
        (["--device", "cuda:99"], 2, "device 'cuda:99' cannot be used here"),
        (["--dataset", "cells,cells"], 2, "duplicate dataset: cells"),
        (["--dataset", "cells,organs"], 1, "organs"),
        (["--model", "local-dir:/nowhere"], 1, "there is no folder /nowhere"),
        (["--model", "tiny"], 2, "unknown model 'tiny'"),
        (["--benchmark", "/nowhere"], 1, "/nowhere"),
    ],
    ids=lambda value: "=".join(value) if isinstance(value, list) else "",
)
def test_bad_input(command: Command, tmp_path: Path, options: list[str], code: int, message: str) -> None:
    """Every mistake is one sentence on stderr and an exit code, before anything is written."""
    result = RUNNER.invoke(app, command(*options))
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_dataset_with_an_empty_class(command: Command, images_dir: Path, tmp_path: Path) -> None:
    """A class that has no training image is named."""
    import shutil

    other = shutil.copytree(images_dir, tmp_path / "other")
    for path in (other / "rays/train/dense lung").iterdir():
        path.unlink()
    result = RUNNER.invoke(app, command("--data", other))
    assert result.exit_code == 1
    assert "dense lung" in result.stderr


def test_help_is_light() -> None:
    """Help shows the options without importing numpy, torch or what comes with it."""
    script = (
        "import sys\nfrom medimeta_c.cli import app\n"
        "try:\n    app(['finetune', '--help'])\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "found = {'numpy', 'torch', 'safetensors', 'open_clip', 'transformers'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert "--fewshot" in shown.stdout


def test_python_mirrors_it() -> None:
    """`medimeta_c.finetune` is the function, `FinetuneConfig` its request."""
    import medimeta_c
    from medimeta_c.finetuning import FinetuneConfig, finetune

    assert medimeta_c.finetune is finetune
    assert medimeta_c.FinetuneConfig is FinetuneConfig
