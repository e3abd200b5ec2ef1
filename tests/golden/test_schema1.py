"""What version 0.1.0 wrote, all of schema version 1, is read, checked, compared and gone on with for ever."""

from __future__ import annotations

import json
import runpy
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.building.verification import verify
from medimeta_c.errors import ManifestError
from medimeta_c.format.benchmark import open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.file import read_manifest

ROOT = Path(__file__).parents[2]
SCHEMA1 = Path(__file__).parent / "schema1"
BENCHMARK = SCHEMA1 / "benchmark"
FINGERPRINT = "1e5f2fae82ff"
FIRST, SECOND = (
    SCHEMA1 / "results" / f"python-golden-model-{name}" / FINGERPRINT for name in ("model", "other")
)
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "golden_files.py"))

needs_models = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "open_clip", "transformers")),
    reason="needs the 'evaluate' extra",
)
needs_scores = pytest.mark.skipif(find_spec("sklearn") is None, reason="needs the 'leaderboard' extra")


def same_build(out: Path) -> BuildConfig:
    """The configuration from which the benchmark was built, and both unfinished ones begun."""
    return BuildConfig(
        datasets=("cells", "rays"),
        source="imagefolder",
        data_dir=SCHEMA1 / "clean",
        out=out,
        corruptions=("gaussian_noise", "pixelate"),
        severities=(1, 3),
        jobs=1,
    )


def cells(*sets: tuple[str, int]) -> list[SetKey]:
    """Sets of `cells`, test split."""
    return [SetKey("cells", "test", corruption, severity) for corruption, severity in sets]


def shards(root: Path) -> dict[str, bytes]:
    """Every shard below a benchmark's folder."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in (root / "data").rglob("*.parquet")
    }


def test_every_record_says_schema_version_1() -> None:
    """The files are what they are meant to be: the first schema, by the first version."""
    manifest = json.loads((BENCHMARK / "manifest.json").read_text(encoding="utf-8"))
    adapter = json.loads((SCHEMA1 / "adapter" / "adapter.json").read_text(encoding="utf-8"))
    results = [json.loads((one / "result.json").read_text(encoding="utf-8")) for one in (FIRST, SECOND)]
    assert [one["schema_version"] for one in (manifest, adapter, *results)] == [1, 1, 1, 1]
    assert {manifest["package_version"], adapter["package_version"]} == {"0.1.0"}
    assert {one["run"]["package_version"] for one in results} == {"0.1.0"}


def test_a_benchmark_verifies_and_renders_again() -> None:
    """No problem is found, and every image made from the clean data has the pixels that were stored."""
    report = verify(BENCHMARK, rebuild=9, data_dir=SCHEMA1 / "clean", jobs=1)
    assert report.problems == ()
    assert (report.sets, report.images, report.rebuilt) == (10, 75, 75)
    assert report.manifest.fingerprint[:12] == FINGERPRINT


def test_a_benchmark_is_read() -> None:
    """Classes, labels and pixels come out as they went in."""
    bench = open_benchmark(BENCHMARK)
    assert bench.datasets == ("cells", "rays")
    assert bench.class_names("rays") == ("class0", "class1")
    (batch,) = bench.batches(SetKey("rays", "test", "pixelate", 3), batch_size=100)
    assert batch.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert {image.shape for image in batch.images} == {(26, 22)}


def test_a_finished_benchmark_is_not_built_again(tmp_path: Path) -> None:
    """The same build finds everything there, and leaves the manifest as it was, byte for byte."""
    root = shutil.copytree(BENCHMARK, tmp_path / "benchmark")
    report = build(same_build(root))
    assert (report.built, len(report.kept)) == ((), 10)
    assert (root / "manifest.json").read_bytes() == (BENCHMARK / "manifest.json").read_bytes()


@pytest.mark.parametrize(
    ("folder", "finished"),
    [
        ("half-built", cells(("clean", 0), ("gaussian_noise", 1), ("gaussian_noise", 3), ("pixelate", 1))),
        (
            "half-extended",
            [
                *cells(("clean", 0), ("gaussian_noise", 1), ("gaussian_noise", 3)),
                *cells(("pixelate", 1), ("pixelate", 3)),
                SetKey("rays", "test", "clean", 0),
                SetKey("rays", "test", "gaussian_noise", 1),
                SetKey("rays", "test", "pixelate", 1),
            ],
        ),
    ],
)
def test_a_killed_build_goes_on(folder: str, finished: list[SetKey], tmp_path: Path) -> None:
    """Sets in the journal are kept as they are, the others made; the whole is as if never killed."""
    root = shutil.copytree(SCHEMA1 / folder, tmp_path / folder)
    with pytest.raises(ManifestError, match="not a finished build"):
        read_manifest(root / "manifest.json")
    before = shards(root)
    report = build(same_build(root))
    assert sorted(report.kept) == sorted(finished)
    assert len(report.built) == 10 - len(finished)
    after = shards(root)
    assert before == {name: after[name] for name in before}
    fresh = build(same_build(tmp_path / "fresh"))
    assert report.manifest.fingerprint == fresh.manifest.fingerprint
    assert report.manifest.fingerprint == read_manifest(BENCHMARK / "manifest.json").fingerprint
    assert verify(root, jobs=1).ok


@needs_scores
@pytest.mark.parametrize("folder", [FIRST, SECOND], ids=["plain", "paired"])
def test_a_result_follows_from_its_predictions(folder: Path) -> None:
    """Read, and scored again from the predictions: not one number is another."""
    from medimeta_c.results.folder.saved import read_saved
    from medimeta_c.results.recomputation import disagreements, rescore

    saved = read_saved(folder)
    assert saved.result.complete
    assert saved.result.run.benchmark.fingerprint[:12] == FINGERPRINT
    assert disagreements(saved.result.scores, rescore(saved.result, saved.predictions)) == ()


@needs_scores
def test_results_are_compared() -> None:
    """The comparison takes over the baseline that the second divided by, and gives the mCE stated there."""
    from medimeta_c.results.comparison import compare
    from medimeta_c.results.folder.saved import read_saved

    first, second = read_saved(FIRST), read_saved(SECOND)
    found = compare([first, second])
    assert found.ranked_by == "mce"
    mce = {one.name: one.numbers.overall.mce.value for one in found.models}
    assert mce[first.result.run.model.spec] == pytest.approx(1)
    assert mce[second.result.run.model.spec] == pytest.approx(second.result.scores.overall.mce.value)


@needs_models
def test_a_result_is_a_baseline_and_comes_out_again(tmp_path: Path) -> None:
    """Evaluated today on the old benchmark, against the old result, a model gives the old predictions."""
    from medimeta_c.results.folder.saved import read_saved
    from medimeta_c.scoring.config import EvaluateConfig
    from medimeta_c.scoring.evaluation import evaluate

    config = EvaluateConfig(
        model="python:golden_model:other",
        benchmark=str(BENCHMARK),
        baseline=str(FIRST),
        out=tmp_path,
        device="cpu",
    )
    today, then = evaluate(config), read_saved(SECOND)
    assert {key: cell.digest for key, cell in today.predictions.items()} == {
        key: cell.digest for key, cell in then.predictions.items()
    }
    assert today.result.scores.overall.mce.value == pytest.approx(then.result.scores.overall.mce.value)


@needs_scores
def test_submissions_are_valid() -> None:
    """Both stand in their place, on accepted images, and every number of theirs is computed again."""
    from medimeta_c.leaderboard import accept, read_accepted, validate

    accepted = read_accepted(SCHEMA1 / "leaderboard")
    assert accepted == accept(open_benchmark(BENCHMARK))
    found = validate([SCHEMA1 / "leaderboard"], accepted)
    assert [(one.folder.parent.name, one.problems) for one in found if one.place] == [
        ("exact-model", ()),
        ("other-exact-model", ()),
    ]


OF_0_1_0 = {"mce": "mce", "error": "clean_error", "average": "average_accuracy", "clean": "clean_accuracy"}
"""By name of a number on the pages of version 0.1.0, in percent: its name today, a fraction."""


def percents(summary: dict[str, Any]) -> dict[str, list[float] | None]:
    """The numbers of a dataset, with their intervals, as the pages of version 0.1.0 had them."""
    found = {
        name: [summary[today][end] for end in ("value", "low", "high")] for name, today in OF_0_1_0.items()
    }
    return {
        name: None if ends[0] is None else [round(100 * end, 2) for end in ends if end is not None]
        for name, ends in found.items()
    }


@needs_scores
def test_a_board_is_built(tmp_path: Path) -> None:
    """Its measured entries have the numbers, the ranks and the accuracies that those of version 0.1.0 had."""
    from medimeta_c.leaderboard import SiteConfig, build_site

    build_site(SiteConfig(results=SCHEMA1 / "leaderboard", out=tmp_path / "pages", baseline="none"))
    boards = SCRIPT["board_data"](tmp_path / "pages")["boards"]
    today = {entry["key"]: entry for board in boards for entry in board["entries"]}
    held = json.loads((SCHEMA1 / "board.json").read_text(encoding="utf-8"))["index.html"]["boards"]
    before = [entry for board in held for entry in board["entries"] if entry["source"] == "measured"]
    assert {entry["key"] for entry in before} == {*today}
    for entry in before:
        now = today[entry["key"]]
        assert now["ranks"] == entry["ranks"]
        assert percents(now["overall"]) == entry["overall"]
        for dataset, numbers in entry["datasets"].items():
            assert percents(now["datasets"][dataset]) == numbers
            for corruption, curve in entry["curves"][dataset].items():
                cells = now["cells"][dataset][corruption].values()
                assert [round(100 * cell["top1"], 2) for cell in cells] == curve


@needs_models
@pytest.mark.parametrize("folder", ["adapter", "adapter/last"])
def test_an_adapter_is_read(folder: str) -> None:
    """Tensors, record and few-shot images belong together."""
    from medimeta_c.finetuning.fewshot import read_few_shot
    from medimeta_c.lora.adapterfile import read_adapter

    found, few_shot = read_adapter(SCHEMA1 / folder), read_few_shot(SCHEMA1 / folder)
    assert found.record.lora.rank == 1
    assert sum(one.numel() for one in found.state.values()) == found.record.lora.trainable_parameters
    training = found.record.training
    assert training is not None
    assert training.datasets == ("cells", "rays")
    assert training.fewshot.ids_sha256 == few_shot.digest
