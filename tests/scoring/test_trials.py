"""Smoke runs: `--limit` of build and evaluate, marked as trials wherever they are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from model_factories import make_open_clip_folder
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.cli import app
from medimeta_c.errors import BuildError, ResultError
from medimeta_c.leaderboard.checks import _complete
from medimeta_c.results.comparison import compare
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.scoring.config import EvaluateConfig
from medimeta_c.scoring.evaluation import evaluate

pytest.importorskip("torch", reason="needs the evaluate extra")

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small open_clip model in a local folder."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    make_open_clip_folder(folder, seed=1, image_size=32)
    return f"local-dir:{folder}"


@pytest.fixture(scope="module")
def trial(clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images of each split."""
    out = tmp_path_factory.mktemp("trial") / "benchmark"
    build(
        BuildConfig(
            datasets="rays",
            source="imagefolder",
            data_dir=clean_dir,
            out=out,
            corruptions="contrast",
            severities=(1, 3),
            limit=3,
            jobs=1,
        )
    )
    return out


def scored(model: str, benchmark: Path, out: Path, limit: int | None = None) -> SavedResult:
    """Score a model without a baseline."""
    config = EvaluateConfig(
        model=model, benchmark=benchmark, out=out, baseline="none", device="cpu", limit=limit
    )
    return evaluate(config)


def test_a_trial_is_the_start_of_the_benchmark(trial: Path, small: Path) -> None:
    """The same pixels for the first images, and the file says that the others are missing."""
    import pyarrow.parquet as pq

    for shard in trial.glob("data/**/*.parquet"):
        part, whole = pq.read_table(shard), pq.read_table(small / shard.relative_to(trial))
        assert part["pixels_sha256"].to_pylist() == whole["pixels_sha256"].to_pylist()[:3]
    values = json.loads((trial / "manifest.json").read_text())
    assert (values["limited"], values["schema_version"]) == (3, 2)
    assert verify(trial, rebuild=2).ok


def test_a_trial_is_marked_and_not_published(trial: Path) -> None:
    """Card and verify say so; push and the board refuse it."""
    assert "A trial, not a benchmark." in (trial / "README.md").read_text()
    said = RUNNER.invoke(app, ["verify", str(trial), "--jobs", "1"])
    assert (said.exit_code, "a trial: at most 3 images of each split" in said.stdout) == (0, True)
    for command in (
        ["verify", "--complete"],
        ["push", "--repo", "a/b", "--dry-run"],
        ["leaderboard", "accept"],
    ):
        refused = RUNNER.invoke(app, [*command, "--benchmark", str(trial)])
        assert (refused.exit_code, "a trial" in refused.stderr) == (1, True), refused.output


def test_a_trial_and_a_build_do_not_share_a_directory(trial: Path, clean_dir: Path) -> None:
    """Else a set would have some images of each."""
    config = BuildConfig(datasets="rays", source="imagefolder", data_dir=clean_dir, out=trial, jobs=1)
    with pytest.raises(BuildError, match="was built with limited 3"):
        build(config)


def test_an_evaluation_of_the_first_images(tiny: str, small: Path, tmp_path: Path) -> None:
    """Its predictions are those of the whole, it lies elsewhere, and it has no rank."""
    whole, part = scored(tiny, small, tmp_path), scored(tiny, small, tmp_path, limit=5)
    assert part.path.is_relative_to(tmp_path / "first-5")
    for key, cell in part.predictions.items():
        assert cell.image_ids == whole.predictions[key].image_ids[:5]
        assert cell.predictions.tolist() == whole.predictions[key].predictions.tolist()[:5]
    again = read_saved(part.path)
    assert (again.result.marks, again.result.complete) == (("limited",), True)
    assert all(cell.n == 5 for cell in again.result.scores.cells)
    assert "A trial" in (part.path / "report.md").read_text()
    with pytest.raises(ResultError, match="a trial"):
        _complete(again.result)
    assert scored(tiny, small, tmp_path).result.marks == ()


def test_an_evaluation_of_a_trial_has_no_rank(tiny: str, trial: Path, tmp_path: Path) -> None:
    """Also where all that is there was scored."""
    saved = [scored(tiny, trial, tmp_path / name) for name in ("a", "b")]
    comparison = compare(saved)
    assert {model.ranks for model in comparison.models} == {None}
    assert any(
        note.endswith("are each a trial on a part of each split; no rank") for note in comparison.notes
    )


def test_a_dry_run_writes_nothing(clean_dir: Path, tmp_path: Path) -> None:
    """It counts what the build then reads and makes, and its size is of the right order."""
    out = tmp_path / "out"
    arguments = ["build", "--dataset", "rays,cells", "--source", "imagefolder", "--data", str(clean_dir)]
    options = ["--corruption", "contrast", "--severity", "2,4", "--jobs", "1", "--out", str(out)]
    values = json.loads(RUNNER.invoke(app, [*arguments, *options, "--dry-run", "--json"]).stdout)
    assert not out.exists()
    rays = next(each for each in values["splits"] if each["dataset"] == "rays")
    assert (rays["classes"], rays["images"], rays["sets"]) == ({"class0": 4, "class1": 4}, 8, 3)
    assert rays["root"] == str(clean_dir / "rays")
    assert (values["images_to_render"], values["images_measured"]) == (60, 8)
    built = RUNNER.invoke(app, [*arguments, *options])
    assert "60 images to render" in " ".join(built.stderr.split())
    size = sum(shard.stat().st_size for shard in out.glob("data/**/*.parquet"))
    assert 0.2 * size < values["estimated_bytes"] < 5 * size
    again = json.loads(RUNNER.invoke(app, [*arguments, *options, "--dry-run", "--json"]).stdout)
    assert (again["images_to_render"], {each["sets_kept"] for each in again["splits"]}) == (0, {3})


def test_a_dry_run_of_evaluate(trial: Path, tmp_path: Path) -> None:
    """It counts cells and images, less those beyond the limit, and neither loads a model nor writes."""
    line = [
        "evaluate",
        "--model",
        "local-dir:nowhere",
        "--benchmark",
        str(trial),
        "--out",
        str(tmp_path / "r"),
    ]
    found = RUNNER.invoke(app, [*line, "--dry-run", "--json"])
    assert found.exit_code == 0, found.output
    (one,) = json.loads(found.stdout)
    sets = sum(1 for _ in (trial / "data").rglob("*.parquet"))
    assert one == {"dataset": "rays", "split": "test", "there": sets, "wanted": sets, "images": 3 * sets}
    (less,) = json.loads(RUNNER.invoke(app, [*line, "--dry-run", "--json", "--limit", "1"]).stdout)
    assert less["images"] == sets
    shown = RUNNER.invoke(app, [*line, "--dry-run"])
    assert f"{3 * sets} images" in shown.stdout
    assert not (tmp_path / "r").exists()
    wrong = RUNNER.invoke(app, [*line, "--dry-run", "--dataset", "organs"])
    assert wrong.exit_code != 0
    assert "organs" in wrong.stderr
