"""Several models on several benchmarks: failures are listed at the end, everything else is scored."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the evaluate extra")

from model_factories import make_open_clip_folder
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.evaluation import evaluate
from medimeta_c.scoring.sweep import configs_of, sweep

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two small open_clip models in local folders."""
    root = tmp_path_factory.mktemp("models")
    return [
        f"local-dir:{make_open_clip_folder(root / name, seed=seed, image_size=32)}"
        for seed, name in enumerate(("one", "two"))
    ]


def common(benchmark: Path, out: Path) -> Callable[..., EvaluateConfig]:
    return partial(EvaluateConfig, benchmark=benchmark, out=out, baseline="none", device="cpu")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_one_failure_does_not_end_the_others(models: list[str], small: Path, tmp_path: Path) -> None:
    """The command ends with 1 and names what failed; the CSV has the numbers of the rest, and the failure."""
    words = ["evaluate", "--benchmark", str(small), "--baseline", "none", "--out", str(tmp_path / "out")]
    named = [models[0], f"local-dir:{tmp_path / 'nowhere'}", models[1]]
    done = RUNNER.invoke(app, [*words, *(word for one in named for word in ("--model", one))])
    assert done.exit_code == 1, done.output
    assert "1 of 3 evaluations failed: local-dir:" in done.stderr
    found = rows(tmp_path / "out" / "sweep.csv")
    assert [(row["model"], row["dataset"]) for row in found] == [
        (models[0], "all"),
        (models[0], "rays"),
        (models[1], "all"),
        (models[1], "rays"),
        (named[1], ""),
    ]
    assert "nowhere" in found[-1]["failure"]
    alone = evaluate(common(small, tmp_path / "alone")(model=models[0]))
    assert float(found[0]["average_accuracy"]) == alone.result.scores.overall.average_accuracy.value
    assert found[0]["result"] == str(tmp_path / "out" / "local-dir-one" / alone.path.name)


def test_a_sweep_again_scores_nothing_again(
    models: list[str], small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished cells are kept, and the CSV comes out byte for byte the same."""
    from medimeta_c.scoring import inference

    file = tmp_path / "models.yaml"
    file.write_text(f"models: [{models[0]!r}, {{model: {models[1]!r}, prompts: ensemble}}]\n")
    wanted = configs_of(file, common(small, tmp_path / "out"))
    assert [one.prompts for one in wanted] == ["paper", "ensemble"]
    first = sweep(wanted)
    before = first.path.read_bytes()
    monkeypatch.setattr(inference.Predictor, "_features", None)
    second = sweep(wanted)
    assert second.path.read_bytes() == before
    assert not second.failures
    assert len(second.scored) == 2


def test_an_error_of_someones_own_model_is_a_failure_too(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model may raise anything: its kind and words are kept."""

    (tmp_path / "broken_model.py").write_text(
        "def load():\n    raise RuntimeError('the cable is\\nunplugged')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    report = sweep([common(small, tmp_path)(model="python:broken_model:load")])
    (failure,) = report.failures
    assert failure.model == "python:broken_model:load"
    assert failure.reason == "RuntimeError: the cable is unplugged"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: []", "models"),
        ("benchmarks: [a]", "models"),
        ("models: [a/b]\nmodel: c", "model"),
        ("models: [{prompts: paper}]", "model"),
        ("models: [a/b, a/b]", "there twice"),
        ("[", "YAML"),
    ],
)
def test_files_that_do_not_fit_are_refused(text: str, said: str, small: Path, tmp_path: Path) -> None:
    """One sentence."""
    file = tmp_path / "sweep.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        sweep(configs_of(file, common(small, tmp_path)))
