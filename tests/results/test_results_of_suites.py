"""Results of the clinical suite: one vote a dataset, no ranking beside core, and what training had seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_source import FakeSource
from made_up_predictions import evaluated

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.errors import ConfigError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.suites import CLINICAL, DIGITAL
from medimeta_c.reports.cautions import notes
from medimeta_c.reports.html import render_html
from medimeta_c.reports.tables import faults_table
from medimeta_c.results.assessment.confidence import assess_confidence
from medimeta_c.results.assessment.loss import assess
from medimeta_c.results.comparison import compare
from medimeta_c.results.folder.saved import SavedResult

SOURCES = (
    FakeSource(dataset="pbc", shape=(32, 36), splits={"test": 12}),
    FakeSource(dataset="oct", channels=1, shape=(32, 36), splits={"test": 12}, class_names=("a", "b")),
)


@pytest.fixture(scope="module")
def clinical(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Two datasets with all their clinical faults."""
    out = tmp_path_factory.mktemp("clinical") / "b"
    build(BuildConfig(datasets=SOURCES, suite="clinical", out=out, jobs=1))
    return open_benchmark(out)


@pytest.fixture(scope="module")
def pair(clinical: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> tuple[SavedResult, SavedResult]:
    """A weak model's result, and a better one's divided by it."""
    out = tmp_path_factory.mktemp("results")
    weak = evaluated(out / "weak", clinical, skill=-1.5, seed=2, model={"weights_sha256": "cd" * 32})
    return weak, evaluated(out / "good", clinical, skill=2.5, baseline=str(weak.path))


def test_each_dataset_has_its_own_list_and_one_vote(pair: tuple[SavedResult, SavedResult]) -> None:
    """A dataset's mCE is over its own list, the suite's the mean of the datasets'."""
    _, good = pair
    scores = good.result.scores
    assert good.result.run.benchmark.suite is not None
    assert good.result.scope.corruptions == {name: CLINICAL.corruptions_of(name) for name in ("pbc", "oct")}
    means = []
    for name in ("pbc", "oct"):
        ces = [scores.datasets[name].ce[one].value for one in CLINICAL.corruptions_of(name)]
        assert scores.datasets[name].mce.value == pytest.approx(sum(ces) / len(ces))
        means.append(scores.datasets[name].mce.value)
    assert scores.overall.mce.value == pytest.approx(sum(means) / 2)
    assert set(scores.overall.ce) == {"jpeg", "downsampling"}  # what all datasets have


def test_physical_and_digital_faults_stand_beside_each_other(pair: tuple[SavedResult, SavedResult]) -> None:
    """Of each kind, the mean over a dataset's own faults comes first, then that over datasets."""
    _, good = pair
    rows = {row[0].text: row for row in faults_table(good.result).rows}
    scores = good.result.scores.datasets
    expected = {}
    for kind, digital in (("Physical faults", False), ("Digital faults", True)):
        means = []
        for one in scores.values():
            own = [ce.value for c, ce in one.ce.items() if (c in DIGITAL) == digital]
            means.append(sum(own) / len(own))
        expected[kind] = 100 * sum(means) / len(means)
    for kind, value in expected.items():
        assert float(rows[kind][-1].text) == pytest.approx(value, abs=0.051)
    assert rows["JPEG"][1].text == "2"
    assert rows["Dust"][1].text == "1"


def test_the_page_shows_the_table(pair: tuple[SavedResult, SavedResult], clinical: Benchmark) -> None:
    page = render_html(assess(pair[1]), assess_confidence(pair[1]), clinical)
    assert "Faults of the suite clinical" in page
    assert "OCT speckle" in page


def test_the_grid_is_the_suite_s_and_says_what_is_absent(pair: tuple[SavedResult, SavedResult]) -> None:
    said = " ".join(notes(pair[1].result))
    assert "not the benchmark's" not in said
    assert "without mammo_calc, pneumonia, fundus" in said


def test_results_of_two_suites_are_not_compared(
    pair: tuple[SavedResult, SavedResult], saved: SavedResult
) -> None:
    with pytest.raises(ConfigError, match=r"results are of the suites clinical .*, core.*one suite"):
        compare([pair[1], saved])


def test_a_baseline_of_another_suite_is_refused(
    clinical: Benchmark, base: SavedResult, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="is of the suite core, this benchmark of clinical"):
        evaluated(tmp_path / "r", clinical, baseline=str(base.path))


def test_the_paper_has_no_baseline_for_it(clinical: Benchmark, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the paper published no baseline for the suite clinical"):
        evaluated(tmp_path / "r", clinical, baseline="published")


def test_what_training_had_seen_is_said(clinical: Benchmark, tmp_path: Path) -> None:
    """Only what is scored counts; a model that saw none is not mentioned."""
    seen = evaluated(tmp_path / "r", clinical, model={"trained_corruptions": ("dust", "hair")}).result
    assert seen.seen_in_training == ("dust",)
    assert any("it saw Dust in training" in one for one in notes(seen))
