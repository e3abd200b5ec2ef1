"""Patients, from a built benchmark to results, comparisons and boards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import answers, evaluated
from PIL import Image
from submissions_on_disk import PLAIN, edit_json, place
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.leaderboard.accepted import accept
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.submission import described
from medimeta_c.results.comparison import compare
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.recomputation import disagreements, rescore
from medimeta_c.results.result import read_result


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Two classes, of each four patients with four images."""
    root = tmp_path_factory.mktemp("scans")
    for patient in range(8):
        for image in range(4):
            path = root / f"data/scans/test/{'ab'[patient % 2]}/{patient}/{image}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng((patient, image)).integers(256, size=(8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
    (root / "ids").mkdir()
    (root / "ids/key").write_text("5" * 64)  # the same ids each time
    build(
        BuildConfig(
            datasets=("scans",),
            ids=root / "ids",
            source="imagefolder",
            data_dir=root / "data",
            out=root / "built",
            corruptions=("contrast", "pixelate"),
            severities=(1, 3),
            jobs=1,
        )
    )
    return open_benchmark(root / "built")


@pytest.fixture(scope="module")
def model(scans: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A result on it. Read only."""
    return evaluated(tmp_path_factory.mktemp("model"), scans, skill=0.6)


@pytest.fixture(scope="module")
def other(scans: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """Another model's. Read only."""
    out = tmp_path_factory.mktemp("other")
    return evaluated(out, scans, skill=0.3, seed=3, spec="x/other", model={"weights_sha256": "cd" * 32})


def test_a_result_over_patients_says_so(scans: Benchmark, model: SavedResult, built: Path) -> None:
    """It names the datasets, and the digest of the file that says whose images are whose; others do not."""
    stored = json.loads((model.path / "result.json").read_text())
    assert stored["schema_version"] == 2
    assert stored["resampling"]["grouped"] == ["scans"]
    file = next(file for file in scans.manifest.files if file.path == "stats/groups.parquet")
    assert stored["run"]["benchmark"]["groups_sha256"] == file.sha256
    assert read_saved(model.path).result == model.result
    assert open_benchmark(built).groups("test") == {}


def test_it_recomputes_with_the_patients(scans: Benchmark, model: SavedResult) -> None:
    """To the last interval; without them the numbers do, and the intervals, over images, are others."""
    scores, cells = model.result.scores, model.predictions
    assert disagreements(scores, rescore(model.result, cells, scans.groups("test")), intervals=True) == ()
    assert disagreements(scores, rescore(model.result, cells)) == ()
    wrong = disagreements(scores, rescore(model.result, cells), intervals=True)
    assert wrong
    assert all("interval" in text for text in wrong)


def test_an_earlier_result_over_images_recomputes_to_itself(
    scans: Benchmark, model: SavedResult, tmp_path: Path
) -> None:
    """A stored plan without groups is followed, although the benchmark knows the patients."""
    ids = answers(scans)
    earlier = evaluated(tmp_path, scans, skill=0.6)
    edit_json(earlier.path / "result.json", lambda values: values["resampling"].pop("grouped"))
    result = read_result(earlier.path)
    plain = rescore(result, ids, scans.groups("test"))
    assert disagreements(plain, rescore(result, ids), intervals=True) == ()


def test_groups_without_a_benchmark_that_has_them_are_refused(model: SavedResult, tmp_path: Path) -> None:
    """A result whose parts contradict each other is damaged or made up."""
    text = (model.path / "result.json").read_text()
    for change in (
        lambda values: values["run"]["benchmark"].pop("groups_sha256"),
        lambda values: values["resampling"].update(grouped=["other"]),
    ):
        (tmp_path / "result.json").write_text(text)
        edit_json(tmp_path / "result.json", change)
        with pytest.raises(ResultError, match="groups were resampled"):
            read_result(tmp_path)


def test_compare_takes_patients_from_the_benchmark(
    scans: Benchmark, model: SavedResult, other: SavedResult
) -> None:
    """Given, the intervals are those of the results; without it a note says that they claim too much."""
    blind, told = compare([model, other]), compare([model, other], benchmark=scans)
    (note,) = set(blind.notes) - set(told.notes)
    assert note.startswith("scans: some images are of one patient, but intervals, ties and ranks take all")
    first = next(one for one in told.models if one.result is model)
    stated = model.result.scores.overall.average_accuracy
    again = compare([model, other], plan=model.result.resampling, benchmark=scans)
    matched = next(one for one in again.models if one.result is model).numbers.overall.average_accuracy
    assert (matched.value, matched.low, matched.high) == (stated.value, stated.low, stated.high)
    over_images = next(one for one in blind.models if one.result is model).numbers.overall.average_accuracy
    assert first.numbers.overall.average_accuracy != over_images


def test_compare_refuses_another_benchmark(
    scans: Benchmark, model: SavedResult, other: SavedResult, built: Path
) -> None:
    """Groups of other images say nothing; the command names its option."""
    with pytest.raises(ConfigError, match="is not the benchmark that was scored: it does not have scans"):
        compare([model, other], benchmark=built)
    paths = [str(model.path), str(other.path)]
    refused = CliRunner().invoke(app, ["compare", *paths, "--benchmark", str(built)])
    assert "name a copy of the one that was scored with --benchmark" in refused.stderr
    shown = CliRunner().invoke(app, ["compare", *paths, "--benchmark", scans.name, "--json"])
    assert "one patient" not in str(json.loads(shown.stdout)["notes"])


def test_a_board_takes_patients_from_its_own_benchmark(
    scans: Benchmark, model: SavedResult, tmp_path: Path
) -> None:
    """What a submission states counts for nothing: with the benchmark over patients, without over images."""
    folder = place(tmp_path, model, described(PLAIN, declared=True))
    assert check_submission(folder, accept(scans)).problems == ()

    def interval(benchmark: Benchmark | None) -> tuple[float | None, float | None]:
        boards = read_boards(tmp_path / "results", baseline="none", benchmark=benchmark)
        (entry,) = next(one for one in boards if one.title.startswith("Other images")).entries
        assert entry.overall is not None
        return entry.overall.average_accuracy.low, entry.overall.average_accuracy.high

    over_patients, over_images = interval(scans), interval(None)
    edit_json(folder / "result.json", lambda values: values["resampling"].pop("grouped"))
    assert (interval(scans), interval(None)) == (over_patients, over_images)
    assert over_patients != over_images
