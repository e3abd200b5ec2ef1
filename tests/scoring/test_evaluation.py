"""`evaluate` through the real command line: what it writes, how it resumes, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from hub_server import HubServer, hub_environment  # noqa: E402
from model_factories import make_open_clip_folder, write_siglip  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from medimeta_c.building.build import BuildConfig, build  # noqa: E402
from medimeta_c.cli import app  # noqa: E402
from medimeta_c.format.benchmark import open_benchmark  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult, read_saved  # noqa: E402
from medimeta_c.scoring.config import EvaluateConfig  # noqa: E402
from medimeta_c.scoring.evaluation import evaluate  # noqa: E402

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one, to be divided by."""
    folder = tmp_path_factory.mktemp("models") / "other"
    make_open_clip_folder(folder, seed=2, image_size=32)
    return folder


def run(*arguments: object, code: int = 0) -> str:
    """Run `evaluate`; return stdout, or the last line of stderr when it must fail."""
    result = RUNNER.invoke(app, ["evaluate", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stdout if code == 0 else result.stderr.strip().splitlines()[-1]


def folder_of(out: Path) -> Path:
    (found,) = [path.parent for path in out.rglob("result.json")]
    return found


def assert_same_predictions(one: SavedResult, two: SavedResult) -> None:
    assert set(one.predictions) == set(two.predictions)
    for key, cell in one.predictions.items():
        assert cell.image_ids == two.predictions[key].image_ids
        assert cell.predictions.tolist() == two.predictions[key].predictions.tolist()


@pytest.fixture(scope="module")
def scored(built: Path, tiny: Path, other: Path, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """`tiny` on the tiny benchmark, divided by `other`."""
    out = tmp_path_factory.mktemp("results")
    options = ["--benchmark", built, "--out", out, "--workers", 0, "--device", "cpu"]
    run("--model", f"local-dir:{other}", "--baseline", "none", *options)
    text = run("--model", f"local-dir:{tiny}", "--baseline", folder_of(out), *options)
    assert "mCE" in text
    (path,) = [one.parent for one in out.rglob("result.json") if "tiny" in str(one)]
    assert text.splitlines()[-1] == f"report: {path / 'report.html'}"
    return read_saved(path)


def test_every_cell_is_scored_and_the_files_are_there(scored: SavedResult, built: Path) -> None:
    """A complete result: 72 cells, predictions, both reports, the benchmark's fingerprint, exact prompts."""
    result = scored.result
    assert result.complete
    assert sorted(path.name for path in scored.path.iterdir()) == [
        "predictions.parquet",
        "report.html",
        "report.md",
        "result.json",
    ]
    assert len(result.scores.cells) == 72
    assert result.run.benchmark.fingerprint == open_benchmark(built).fingerprint
    assert scored.path.name == result.run.benchmark.fingerprint[:12]
    texts = result.run.prompts.texts["cells"]
    assert texts["class1"] == ("A photo of a Medical Image class1",)


def test_numbers_follow_from_the_predictions(scored: SavedResult, other: Path) -> None:
    """CE is summed errors over summed errors of the baseline; mCE their mean, recomputed by hand."""
    base = read_saved(
        next(one for one in scored.path.parent.parent.rglob("result.json") if "other" in str(one))
    )
    overall = []
    for dataset in ("cells", "rays"):
        ratios = []
        for corruption, estimate in scored.result.scores.datasets[dataset].ce.items():
            keys = [SetKey(dataset, "test", corruption, severity) for severity in range(1, 6)]
            ours, theirs = (
                sum(1 - one.predictions[key].correct.mean() for key in keys) for one in (scored, base)
            )
            assert estimate.value == pytest.approx(ours / theirs)
            ratios.append(ours / theirs)
        assert scored.result.scores.datasets[dataset].mce.value == pytest.approx(np.mean(ratios))
        overall.append(np.mean(ratios))
    assert scored.result.scores.overall.mce.value == pytest.approx(np.mean(overall))


def test_a_second_run_scores_nothing_again(
    scored: SavedResult, built: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finished result is read, not made again: the numbers stay, and where they are said to be made."""
    from medimeta_c.scoring import inference

    monkeypatch.setattr(inference.Predictor, "_features", None)
    base = next(one.parent for one in scored.path.parent.parent.rglob("result.json") if "other" in str(one))
    options = ["--benchmark", built, "--out", scored.path.parent.parent, "--workers", 0, "--device", "cpu"]
    run("--model", f"local-dir:{tiny}", "--baseline", base, "--batch-size", 3, *options)
    assert read_saved(scored.path).result == scored.result


@pytest.mark.slow
def test_killed_evaluations_resume_to_identical_predictions(
    scored: SavedResult, built: Path, tiny: Path, tmp_path: Path
) -> None:
    """SIGKILL three times: no partial result looks complete, and the end is the same."""
    command = ["-m", "medimeta_c", "evaluate", "--model", f"local-dir:{tiny}", "--benchmark", str(built)]
    command += ["--out", str(tmp_path), "--workers", "0", "--device", "cpu", "--baseline", "none"]
    for wanted in (5, 20, 40):
        process = subprocess.Popen([sys.executable, *command], start_new_session=True)
        while process.poll() is None and len(list(tmp_path.rglob(".cells/*.parquet"))) < wanted:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert list(tmp_path.rglob("result.json")) == []
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    assert_same_predictions(read_saved(folder_of(tmp_path)), scored)


@pytest.mark.slow
def test_a_model_of_a_hub_server(built: Path, tiny: Path, scored: SavedResult, tmp_path: Path) -> None:
    """`hf-hub:test/tiny` through the real huggingface_hub client gives the local folder's predictions."""
    with HubServer() as hub:
        hub.store.add_repo("model", "test/tiny", tiny)
        command = [sys.executable, "-m", "medimeta_c", "evaluate", "--model", "hf-hub:test/tiny"]
        command += ["--benchmark", str(built), "--baseline", "none", "--workers", "0", "--device", "cpu"]
        done = subprocess.run(
            [*command, "--out", str(tmp_path / "out"), "--json"],
            env=hub_environment(hub, tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        model = json.loads(done.stdout)["run"]["model"]
        assert model["weights_sha256"] == scored.result.run.model.weights_sha256
        assert len(model["revision"]) == 40
        assert hub.outside == []
    assert_same_predictions(read_saved(folder_of(tmp_path / "out")), scored)


def test_a_benchmark_with_sets_missing_is_scored_but_has_no_mce(
    clean_dir: Path, tiny: Path, other: Path, tmp_path: Path
) -> None:
    """A dataset built with fewer severities than another leaves cells missing: named, and mCE refused."""
    config = BuildConfig(
        datasets=("cells",),
        source="imagefolder",
        data_dir=clean_dir,
        out=tmp_path / "b",
        jobs=1,
        severities=(1,),
    )
    build(config)
    build(
        BuildConfig(
            datasets=("rays",),
            source="imagefolder",
            data_dir=clean_dir,
            out=tmp_path / "b",
            jobs=1,
            severities=(1, 2),
        )
    )
    shared = {"benchmark": str(tmp_path / "b"), "out": tmp_path / "r", "device": "cpu"}
    base = evaluate(EvaluateConfig(model=f"local-dir:{other}", baseline="none", **shared))
    saved = evaluate(EvaluateConfig(model=f"local-dir:{tiny}", baseline=str(base.path), **shared))
    assert not saved.result.complete
    assert {str(key) for key in saved.result.missing} == {
        f"cells/test/{corruption}/severity-2" for corruption in saved.result.scores.datasets["cells"].ce
    }
    overall = saved.result.scores.overall.mce
    assert overall.value is None
    assert "cells/test/" in overall.reason


def test_what_does_not_fit_is_refused_before_any_work(built: Path, tiny: Path, tmp_path: Path) -> None:
    """Specs, datasets, splits, baselines, prompts, devices and benchmarks: one sentence each."""
    model = ["--model", f"local-dir:{tiny}", "--out", tmp_path / "out"]
    good = [*model, "--benchmark", built, "--baseline", "none"]
    long = tmp_path / "long.yaml"
    words = " ".join(["qz"] * 85)
    long.write_text(f'version: 1\nname: long\ntemplates: ["a {words} long photo of {{class}}"]\n')
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 1\nname: wrong\ntemplates: [no class]\n")
    cases = [
        (["--model", "hfhub:x/y", "--benchmark", built, "--baseline", "none"], 2, "accepted forms"),
        (["--model", f"local-dir:{tmp_path}", "--benchmark", built, "--baseline", "none"], 1, str(tmp_path)),
        ([*model, "--benchmark", tmp_path / "nothing"], 1, "nothing does not exist"),
        ([*model, "--benchmark", built], 2, "--baseline none"),
        ([*good, "--dataset", "cellz"], 2, "did you mean 'cells'"),
        ([*good, "--dataset", "cells,cells"], 2, "duplicate dataset: cells"),
        ([*good, "--split", "train"], 2, "train"),
        ([*good, "--device", "tpu"], 2, "device 'tpu'"),
        ([*good, "--precision", "fp8"], 2, "unknown precision 'fp8'"),
        ([*good, "--batch-size", 0], 2, "batch size 0"),
        ([*good, "--prompts", "papr"], 2, "papr"),
        ([*good, "--prompts", wrong], 2, "class"),
        ([*good, "--prompts", long], 1, "tokens"),
    ]
    for arguments, code, message in cases:
        assert message in run(*arguments, code=code), arguments
    assert not (tmp_path / "out").exists()


def test_another_run_in_the_same_folder_is_refused(scored: SavedResult, built: Path, tiny: Path) -> None:
    """Other prompts or precision would mix cells of two runs."""
    options = ["--model", f"local-dir:{tiny}", "--benchmark", built, "--out", scored.path.parent.parent]
    line = run(*options, "--baseline", "none", "--prompts", "ensemble", code=1)
    assert "holds a run with prompts 'paper', this run has 'ensemble'" in line
    assert "precision" in run(*options, "--baseline", "none", "--precision", "bf16", code=1)


def test_a_model_object_is_scored_as_its_spec_is(built: Path, tmp_path: Path) -> None:
    """A model with a tokenizer and a text tower of its own: the same result whichever way it is given."""
    import golden_model

    shared = {"benchmark": str(built), "datasets": ("rays",), "baseline": "none", "device": "cpu"}
    given = evaluate(EvaluateConfig(model=golden_model.model, out=tmp_path / "given", **shared))
    named = evaluate(EvaluateConfig(model="python:golden_model:model", out=tmp_path / "named", **shared))
    assert given.result.run == named.result.run
    assert given.path.name == named.path.name
    assert_same_predictions(given, named)


def test_the_activation_of_a_bare_checkpoint_is_recorded(
    built: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for where OpenAI's architecture fits two; the result says which, and is of schema 2."""
    import open_clip

    config = json.loads((tiny / "open_clip_config.json").read_text())["model_cfg"]
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-tiny", config)
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "ViT-tiny", {"openai": {"file": "absent"}})
    options = ["--model", f"ViT-tiny/{tiny / 'open_clip_model.safetensors'}", "--baseline", "none"]
    options += ["--benchmark", built, "--dataset", "rays", "--out", tmp_path, "--device", "cpu"]
    assert "add --activation quickgelu, or add --activation gelu" in run(*options, code=2)
    run(*options, "--activation", "quickgelu")
    saved = read_saved(folder_of(tmp_path))
    assert saved.result.run.activation == "quickgelu"
    assert saved.result.schema_version == 2
    line = run(*options, "--activation", "gelu", code=1)
    assert "holds a run with architecture" in line or "activation" in line


def test_a_preprocessing_of_the_family_is_recorded(built: Path, tiny: Path, tmp_path: Path) -> None:
    """The result names it and is of schema 2; cells of the model's own do not go into it."""
    write_siglip(tmp_path / "siglip")
    options = ["--benchmark", built, "--dataset", "rays", "--out", tmp_path / "out", "--device", "cpu"]
    options += ["--baseline", "none", "--preprocessing", "big-vision"]
    assert "has only its own preprocessing" in run("--model", f"local-dir:{tiny}", *options, code=2)
    siglip = ["--model", f"transformers:{tmp_path / 'siglip'}"]
    run(*siglip, *options)
    saved = read_saved(folder_of(tmp_path))
    assert saved.result.run.preprocessing_variant == "big-vision"
    assert saved.result.run.preprocessing["interpolation"] == "bilinear"
    assert saved.result.schema_version == 2
    assert "holds a run with preprocessing" in run(*siglip, *options[:-2], code=1)
