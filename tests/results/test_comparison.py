"""compare: only what is comparable, paired, with ties marked."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import evaluated, pretending, result_of
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.cli import app
from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.results.baseline_choice import choose_baseline
from medimeta_c.results.comparison import common_benchmark, compare
from medimeta_c.results.comparison.views import comparison_tables
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.predictions import CellPredictions


@pytest.fixture(scope="module")
def strong(benchmark: Benchmark, base: SavedResult, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A model that is nearly always right, divided by the weak one."""
    out = tmp_path_factory.mktemp("strong")
    return evaluated(out, benchmark, skill=9.0, seed=4, spec="hf-hub:test/strong", baseline=str(base.path))


@pytest.fixture(scope="module")
def twin(benchmark: Benchmark, base: SavedResult, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A model much like the fixture `saved`."""
    out = tmp_path_factory.mktemp("twin")
    return evaluated(out, benchmark, skill=2.4, seed=7, spec="hf-hub:test/twin", baseline=str(base.path))


def test_models_are_ranked_and_ties_marked(
    base: SavedResult, saved: SavedResult, twin: SavedResult, strong: SavedResult
) -> None:
    """The best model is alone at the top; two alike share their ranks; the baseline is at 100 %."""
    found = compare([base, twin, strong, saved])
    assert found.ranked_by == "mce"
    assert [model.ranks for model in found.models] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    first, *middle, last = (model.name for model in found.models)
    assert (first, last) == ("hf-hub:test/strong", "ViT-B-16/openai")
    assert set(middle) == {"hf-hub:test/tiny", "hf-hub:test/twin"}
    assert found.differences[middle[0], middle[1]].overall.mce.tie is True
    ahead = found.differences[first, last].overall.mce
    assert (ahead.tie, ahead.value is not None and ahead.value < 0) == (False, True)
    weak = found.models[-1]
    assert weak.numbers.overall.mce.value == pytest.approx(1)
    assert (weak.numbers.overall.mce.low, weak.numbers.overall.mce.high) == pytest.approx((1, 1))
    assert found.notes == ()


def test_the_numbers_are_those_of_the_results(saved: SavedResult, twin: SavedResult) -> None:
    """A comparison over all datasets repeats each result's mCE, and the difference is their difference."""
    found = compare([saved, twin])
    stated = {each.result.run.model.spec: each.result.scores.overall.mce.value for each in (saved, twin)}
    assert {model.name: model.numbers.overall.mce.value for model in found.models} == pytest.approx(stated)
    (pair,) = found.differences
    assert found.differences[pair].overall.mce.value == pytest.approx(
        (stated[pair[0]] or 0) - (stated[pair[1]] or 0)
    )


def test_a_model_and_itself_are_a_tie(tmp_path: Path, benchmark: Benchmark, saved: SavedResult) -> None:
    """The difference of equal predictions is zero on every resample."""
    same = evaluated(tmp_path, benchmark, skill=2.5, spec="hf-hub:test/copy")
    (only,) = compare([saved, same]).differences.values()
    assert (only.overall.average_accuracy.low, only.overall.average_accuracy.high) == (0, 0)
    assert only.overall.average_accuracy.tie is True


def test_datasets_of_other_fingerprints_are_left_out_and_named(
    tmp_path: Path, clean_dir: Path, benchmark: Benchmark, saved: SavedResult
) -> None:
    """`rays` rendered with another seed is another benchmark; `cells` alone is compared, or nothing."""
    for seed, datasets in ((0, ("cells",)), (1, ("rays",))):
        build(
            BuildConfig(
                datasets=datasets,
                source="imagefolder",
                data_dir=clean_dir,
                out=tmp_path / str(seed),
                seed=seed,
                jobs=1,
            )
        )
    cells = evaluated(tmp_path / "r0", open_benchmark(tmp_path / "0"), spec="a/cells-only")
    rays = evaluated(tmp_path / "r1", open_benchmark(tmp_path / "1"), spec="a/other-rays")
    found = compare([saved, cells])
    assert found.scope.datasets == ("cells",)
    assert "rays is left out: not every result has it" in found.notes
    with pytest.raises(ConfigError) as caught:
        compare([saved, rays])
    assert "rays is left out: the results are of different fingerprints of it" in str(caught.value)
    assert "evaluate the models on one benchmark" in str(caught.value)


def test_different_baselines_give_no_mce(
    tmp_path: Path, benchmark: Benchmark, base: SavedResult, saved: SavedResult, twin: SavedResult
) -> None:
    """Ranked by accuracy then, and a note says why; with one baseline for all there is an mCE again."""
    other = evaluated(tmp_path, benchmark, seed=9, spec="x/other", baseline=str(twin.path))
    found = compare([saved, other])
    assert (found.ranked_by, found.baseline) == ("average_accuracy", None)
    assert "different baselines (ViT-B-16/openai" in found.notes[0]
    chosen = choose_baseline(str(base.path), common_benchmark([saved, other]))
    assert compare([saved, other], baseline=chosen).ranked_by == "mce"


def test_settings_that_differ_are_noted(tmp_path: Path, benchmark: Benchmark, saved: SavedResult) -> None:
    """A reader learns that precision was not the same."""
    half = evaluated(tmp_path, benchmark, spec="x/half", precision="fp16")
    (note,) = compare([saved, half]).notes
    assert note == "precision differ: hf-hub:test/tiny fp32, x/half fp16"


def test_prompts_of_one_name_may_differ(tmp_path: Path, benchmark: Benchmark, saved: SavedResult) -> None:
    """The digest tells: a file may have been changed between two runs."""
    names = {dataset: benchmark.class_names(dataset) for dataset in benchmark.datasets}
    texts = {dataset: {name: (f"A {name}.",) for name in each} for dataset, each in names.items()}
    other = evaluated(tmp_path, benchmark, spec="x/other", texts=texts)
    (note,) = compare([saved, other]).notes
    assert note.startswith("prompts differ: hf-hub:test/tiny paper (")


def test_a_model_without_a_number_has_no_rank_and_takes_nobodys(
    tmp_path: Path, benchmark: Benchmark, base: SavedResult, strong: SavedResult
) -> None:
    """One cell is NaN: that model comes last, unranked; the others are ranked among themselves, by mCE."""
    whole = evaluated(tmp_path, benchmark, spec="x/broken")
    key = SetKey("rays", "test", "contrast", 1)
    cell = whole.predictions[key]
    broken = CellPredictions.of(key, cell.image_ids, cell.labels, np.full_like(cell.probabilities, np.nan))
    cells = {**whole.predictions, key: broken}
    result = result_of(benchmark, cells, spec="x/broken")
    found = compare([replace(whole, result=result, predictions=cells), base, strong])
    assert found.ranked_by == "mce"
    assert [model.ranks for model in found.models] == [(1, 1), (2, 2), None]
    assert found.models[-1].name == "x/broken"
    assert "x/broken is incomplete: cells are missing or invalid; no rank" in found.notes
    assert "x/broken lacks 1 cell, missing or invalid" in found.notes


def test_marked_results_come_last_without_a_rank(
    base: SavedResult, saved: SavedResult, strong: SavedResult
) -> None:
    """Phantoms with the best number of all: no rank, no test, their mark in the table and why below it."""
    found = compare([pretending(strong, "phantoms"), base, saved])
    assert [model.ranks for model in found.models] == [(1, 1), (2, 2), None]
    last = found.models[-1]
    assert last.result.result.run == pretending(strong, "phantoms").result.run
    assert (last.rank_intervals, last.borda) == (None, None)
    assert [(test.first, test.second) for test in found.tests] == [(found.models[0].name, base_name(base))]
    answers, *_ = comparison_tables(found)
    assert [row[answers.headers.index("Mark")].text for row in answers.rows] == ["", "", "phantoms"]
    assert f"{last.name} is on phantoms: generated images, not medical ones; no rank" in found.notes
    assert [model["marks"] for model in found.to_dict()["models"]] == [[], [], ["phantoms"]]


def base_name(base: SavedResult) -> str:
    """How a comparison calls the baseline."""
    return base.result.run.model.spec


def test_where_nothing_may_be_ranked_there_is_an_order(saved: SavedResult, strong: SavedResult) -> None:
    """Two results on phantoms stand best first, without ranks, and the note names both at once."""
    found = compare([pretending(saved, "phantoms"), pretending(strong, "phantoms")])
    assert [model.ranks for model in found.models] == [None, None]
    assert found.models[0].name == "hf-hub:test/strong"
    assert sum("no rank" in note for note in found.notes) == 1
    assert found.tests == ()
    assert "<svg" not in found._repr_html_()
    assert len(comparison_tables(found)) == 4


def test_both_answers_stand_in_every_outlet(base: SavedResult, saved: SavedResult, twin: SavedResult) -> None:
    """What is lost, for each model and each pair, equals what the accuracies say."""
    found = compare([base, saved, twin])
    values, frame = found.to_dict(), found.to_pandas()
    for model, plain in zip(found.models, values["models"], strict=True):
        overall = model.numbers.overall
        lost = (overall.clean_accuracy.value or 0) - (overall.average_accuracy.value or 0)
        assert plain["loss"]["overall"]["lost"]["points"]["value"] == pytest.approx(lost)
        (row,) = frame[(frame.model == model.name) & (frame.dataset == "all")].to_dict("records")
        assert row["points_lost"] == pytest.approx(lost)
        assert model.rank_intervals is not None
        assert (row["images_best_rank"], row["images_worst_rank"]) == model.rank_intervals.images
        assert row["borda"] == model.borda
    for pair in values["differences"]:
        one, other = (
            next(each for each in values["models"] if each["name"] == pair[name])
            for name in ("first", "second")
        )
        gap = pair["loss"]["overall"]["lost"]["points"]["value"]
        points = [each["loss"]["overall"]["lost"]["points"]["value"] for each in (one, other)]
        assert gap == pytest.approx(points[0] - points[1])
    assert values["resampling"]["resamples"] == 1000
    assert [test["second"] for test in values["tests"]] == [model.name for model in found.models[1:]] + [
        found.models[2].name
    ]


def test_ties_are_of_tests_corrected_together(
    base: SavedResult, saved: SavedResult, twin: SavedResult, strong: SavedResult
) -> None:
    """Two alike are tied with each other, and with neither the leader nor the last."""
    found = compare([base, saved, twin, strong])
    verdicts = {(test.first, test.second): test.tie(0.95) for test in found.tests}
    first, *middle, last = (model.name for model in found.models)
    assert verdicts == {
        (first, middle[0]): False,
        (first, middle[1]): False,
        (first, last): False,
        (middle[0], middle[1]): True,
        (middle[1], last): False,
    }
    intervals = [model.rank_intervals for model in found.models]
    assert [each.images for each in intervals if each] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    points = [model.borda or 0.0 for model in found.models]
    assert points == sorted(points, reverse=True)
    assert (points[0], sum(points)) == (3 * 14, 6 * 14)


def test_it_takes_two(saved: SavedResult) -> None:
    """One result, or one result twice, is no comparison."""
    with pytest.raises(ConfigError, match="give two or more"):
        compare([saved])
    with pytest.raises(ConfigError, match="duplicate result"):
        compare([saved, saved])


def test_the_command(base: SavedResult, saved: SavedResult, twin: SavedResult) -> None:
    """A table for people, in which 80 columns break no interval; JSON for machines."""
    paths = [str(each.path) for each in (base, saved, twin)]
    shown = CliRunner().invoke(app, ["compare", *paths], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    cells = [cell for table in comparison_tables(compare(paths)) for row in table.rows for cell in row]
    intervals = [cell.below for cell in cells if " to " in cell.below]
    assert len(intervals) == 26
    assert len(re.findall(r"[\d.]+ to [+-]?[\d.]+\s", shown.stdout)) == len(intervals)
    assert shown.stdout.count("zero width") == 1
    assert "[1] minus [2]" in shown.stdout
    assert "tie" in shown.stdout
    assert "CE divides by ViT-B-16/openai, measured on these shards" in shown.stdout
    values = json.loads(CliRunner().invoke(app, ["compare", *paths, "--json"]).stdout)
    assert {model["name"] for model in values["models"]} == {
        "ViT-B-16/openai",
        "hf-hub:test/tiny",
        "hf-hub:test/twin",
    }
    assert len(values["differences"]) == 3
    assert values["differences"][0]["overall"]["mce"]["tie"] in {True, False}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "nothing"], "nowhere does not exist"),
        (["{saved}"], "give two or more"),
        (["{saved}", "{base}", "--baseline", "published"], "has no cells, rays"),
        (["{saved}", "{base}", "--baseline", "publish"], "unknown baseline 'publish'"),
        (["{saved}", "{base}", "--baseline", "none"], "a comparison needs a baseline"),
    ],
)
def test_mistakes_are_one_sentence(
    base: SavedResult, saved: SavedResult, arguments: list[str], message: str
) -> None:
    """On stderr, without a traceback."""
    filled = [text.format(saved=saved.path, base=base.path) for text in arguments]
    result = CliRunner().invoke(app, ["compare", *filled])
    assert result.exit_code in {1, 2}
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
