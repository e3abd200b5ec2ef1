"""MedMNIST scored through the real evaluation: built with our corruptions, and the official MedMNIST-C."""

from __future__ import annotations

import csv
import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from medmnist_files import stacked, write_clean, write_corrupted  # noqa: E402
from model_factories import make_open_clip_folder  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from medimeta_c.building.build import BuildConfig, build  # noqa: E402
from medimeta_c.building.medmnistc.importing import ImportConfig, import_medmnistc  # noqa: E402
from medimeta_c.cli import app  # noqa: E402
from medimeta_c.format.suites import CORE  # noqa: E402
from medimeta_c.metrics.resampling import Resampling  # noqa: E402
from medimeta_c.results.comparison import compare  # noqa: E402
from medimeta_c.results.folder.saved import SavedResult  # noqa: E402
from medimeta_c.scoring.config import EvaluateConfig  # noqa: E402
from medimeta_c.scoring.evaluation import evaluate  # noqa: E402

OWN = {"bloodmnist": ("bubble", "pixelate"), "octmnist": ("motion_blur", "pixelate", "speckle_noise")}
SHARED = {"bloodmnist": ("pixelate",), "octmnist": ("motion_blur", "pixelate")}
PLAN = Resampling(resamples=100)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two small open_clip models for 28-pixel images."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("models")
    return {
        name: make_open_clip_folder(root / name, seed, image_size=28)
        for seed, name in enumerate(("first", "second"))
    }


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two datasets of the official MedMNIST-C, imported; the corruptions are those of `OWN`."""
    root = tmp_path_factory.mktemp("official")
    for dataset, corruptions in OWN.items():
        clean = write_clean(root / "data", dataset, count=12)
        for corruption in corruptions:
            write_corrupted(root / "c", dataset, corruption, stacked(clean))
    out = root / "MedMNIST-C"
    import_medmnistc(ImportConfig(folder=root / "c", data_dir=root / "data", out=out, jobs=1))
    return out


def scored(model: Path, benchmark: Path, out: Path, baseline: str) -> SavedResult:
    config = EvaluateConfig(
        model=f"local-dir:{model}", benchmark=str(benchmark), baseline=baseline, out=out, resampling=PLAN
    )
    return evaluate(config)


def test_official_files_against_published_figures(
    models: dict[str, Path], official: Path, tmp_path: Path
) -> None:
    """Every corruption is scored under its own name; mCE is over those the paper has too, and says so."""
    saved = scored(models["first"], official, tmp_path, "published")
    result = saved.result
    assert result.complete
    assert {name: set(own) for name, own in result.scope.corruptions.items()} == {
        name: set(own) for name, own in OWN.items()
    }
    assert result.baseline is not None
    assert result.baseline.left_out == {"bloodmnist": ("bubble",), "octmnist": ("speckle_noise",)}
    for dataset, shared in SHARED.items():
        numbers = result.scores.datasets[dataset]
        assert set(numbers.accuracy) == set(OWN[dataset])
        assert all(number.value is not None for number in numbers.accuracy.values())
        assert {name for name, ce in numbers.ce.items() if ce.value is not None} == set(shared)
        assert numbers.mce.value == pytest.approx(np.mean([numbers.ce[name].value for name in shared]))
        assert numbers.mce.low is not None
        average = np.mean([number.value for number in numbers.accuracy.values()])
        assert numbers.average_accuracy.value == pytest.approx(average)
    overall = np.mean([result.scores.datasets[name].mce.value for name in SHARED])
    assert result.scores.overall.mce.value == pytest.approx(overall)
    said = "without: Bubble on bloodmnist; Speckle noise on octmnist"
    for report in ("report.md", "report.html"):
        assert said in " ".join((saved.path / report).read_text(encoding="utf-8").split())


def test_official_files_against_a_model_scored_on_them(
    models: dict[str, Path], official: Path, tmp_path: Path
) -> None:
    """A baseline measured on the same images has every corruption: mCE is over all of them, paired."""
    divisor = scored(models["second"], official, tmp_path, "none")
    saved = scored(models["first"], official, tmp_path, str(divisor.path))
    assert saved.result.baseline is not None
    assert saved.result.baseline.paired
    assert saved.result.baseline.left_out == {}
    for dataset, own in OWN.items():
        numbers = saved.result.scores.datasets[dataset]
        errors = {
            name: [
                sum(
                    1 - cell.top1.value
                    for cell in one.result.scores.cells
                    if (cell.dataset, cell.corruption) == (dataset, name)
                )
                for one in (saved, divisor)
            ]
            for name in own
        }
        assert numbers.mce.value == pytest.approx(
            np.mean([mine / theirs for mine, theirs in errors.values()])
        )


def test_a_comparison_leaves_out_what_was_not_published(
    models: dict[str, Path], official: Path, tmp_path: Path
) -> None:
    """`compare` ranks by an mCE over the shared corruptions and notes the others."""
    results = [scored(model, official, tmp_path, "published") for model in models.values()]
    comparison = compare(results, plan=PLAN)
    assert comparison.scope.corruptions == {name: SHARED[name] for name in comparison.scope.datasets}
    assert comparison.ranked_by == "mce"
    assert any(note.startswith("bubble of bloodmnist") for note in comparison.notes)
    for each in comparison.models:
        assert each.numbers.overall.mce.value == pytest.approx(each.result.result.scores.overall.mce.value)


def test_medmnist_built_with_our_corruptions_is_scored_like_medimeta(
    models: dict[str, Path], tmp_path: Path
) -> None:
    """The paper's five, built and scored through the command line, divided by Table 3's MedMNIST-C rows."""
    for dataset in CORE.headline["medmnist"]:
        write_clean(tmp_path / "data", dataset, count=5)
    out = tmp_path / "MedMNIST-built"
    build(BuildConfig(datasets=("all",), source="medmnist", data_dir=tmp_path / "data", out=out, jobs=1))
    command = ["evaluate", "--model", f"local-dir:{models['first']}", "--benchmark", str(out), "--json"]
    ran = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "results"), "--workers", "0"])
    assert ran.exit_code == 0, ran.output
    result = json.loads(ran.stdout)
    assert result["complete"]
    assert set(result["scope"]["corruptions"]) == set(CORE.headline["medmnist"])
    assert result["baseline"]["left_out"] == {}
    rows = _table3_clip_rows()
    for dataset in CORE.headline["medmnist"]:
        numbers = result["scores"]["datasets"][dataset]
        assert set(numbers["ce"]) == set(CORE.corruptions)
        for corruption, ce in numbers["ce"].items():
            error = 1 - numbers["accuracy"][corruption]["value"]
            assert ce["value"] == pytest.approx(error / (1 - rows[dataset][corruption] / 100))
        assert numbers["mce"]["value"] == pytest.approx(
            np.mean([ce["value"] for ce in numbers["ce"].values()])
        )


def _table3_clip_rows() -> dict[str, dict[str, float]]:
    """CLIP's accuracies in percent, straight from the paper's table, by dataset and corruption."""
    text = resources.files("medimeta_c.paper").joinpath("table3_accuracy.csv").read_text(encoding="utf-8")
    return {
        row["dataset"]: {name: float(row[name]) for name in CORE.corruptions}
        for row in csv.DictReader(text.splitlines())
        if (row["collection"], row["model"]) == ("MedMNIST-C", "CLIP")
    }
