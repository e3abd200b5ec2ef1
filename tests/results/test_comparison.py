"""compare: only what is comparable, paired, with ties marked."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import evaluated, result_of
from typer.testing import CliRunner

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.cli import app
from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.results.baseline_choice import choose_baseline
from medimeta_c.results.comparison import common_benchmark, compare
from medimeta_c.results.folder import SavedResult
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
    """One cell is NaN: that model comes last, unranked; the others are ranked among themselves."""
    whole = evaluated(tmp_path, benchmark, spec="x/broken")
    key = SetKey("rays", "test", "contrast", 1)
    cell = whole.predictions[key]
    broken = CellPredictions.of(key, cell.image_ids, cell.labels, np.full_like(cell.probabilities, np.nan))
    cells = {**whole.predictions, key: broken}
    result = result_of(benchmark, cells, spec="x/broken")
    found = compare([replace(whole, result=result, predictions=cells), base, strong])
    assert found.ranked_by == "average_accuracy"
    assert [model.ranks for model in found.models] == [(1, 1), (2, 2), None]
    assert found.models[-1].name == "x/broken"


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
    assert len(re.findall(r"[\d.]+ to [\d.]+\s", shown.stdout)) == 3 * 3
    assert len(re.findall(r"[+-][\d.]+ to [+-][\d.]+\s", shown.stdout)) == 3 * 3
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
