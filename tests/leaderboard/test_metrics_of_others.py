"""Metrics of a submission, our own and others': forged in any way, each is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_predictions import evaluated
from other_metrics import installed
from submissions_on_disk import PLAIN, place

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.site.writing import SiteConfig, build_site
from medimeta_c.leaderboard.submission import described
from medimeta_c.metrics.registry import BUILT_IN, METRICS, Metric
from medimeta_c.reports.tables import other_scores_table
from medimeta_c.results.folder.saved import read_saved

OURS = ("nll", "brier", "aurc")
OTHERS = ("distance", "worst_group")
NAMES = (*BUILT_IN, *OURS, *OTHERS)
Number = dict[str, Any]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Another distribution's metrics are installed."""
    with installed(tmp_path_factory.mktemp("others")):
        yield


@pytest.fixture(scope="module")
def honest(others: None, benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A submission on one dataset with all metrics. Read only."""
    root = tmp_path_factory.mktemp("honest")
    saved = evaluated(root / "run", benchmark, datasets=["rays"], metrics=(*OURS, *OTHERS))
    return place(root, saved, described(PLAIN, declared=True))


def number(cell: dict[str, Any], name: str) -> Number:
    """A cell's number as it stands in the file."""
    found: Number = cell[name] if name in BUILT_IN else cell["metrics"][name]
    return found


def by_a_millionth(cells: list[dict[str, Any]], name: str) -> None:
    """Just inside the range, a little off."""
    one = number(cells[5], name)
    if one["value"] is None:
        one.update(value=0.5, reason=None)
    else:
        one["value"] += 1e-6 if one["value"] < 0.5 else -1e-6


def out_of_range(cells: list[dict[str, Any]], name: str) -> None:
    """Where no value can be."""
    number(cells[5], name).update(value=-7.0, reason=None)


def not_a_number(cells: list[dict[str, Any]], name: str) -> None:
    """JSON's NaN, which strict readers refuse."""
    number(cells[5], name).update(value=float("nan"), reason=None)


def missing(cells: list[dict[str, Any]], name: str) -> None:
    """Gone from one cell."""
    del (cells[5] if name in BUILT_IN else cells[5]["metrics"])[name]


def swapped(cells: list[dict[str, Any]], name: str) -> None:
    """Two cells have each other's number."""
    one = cells[5]
    other = next((each for each in cells if number(each, name)["value"] != number(one, name)["value"]), None)
    if other is None:
        pytest.skip("all cells have the same value, or none")
    holders = [cell if name in BUILT_IN else cell["metrics"] for cell in (one, other)]
    holders[0][name], holders[1][name] = holders[1][name], holders[0][name]


@pytest.mark.parametrize("forge", [by_a_millionth, out_of_range, not_a_number, missing, swapped])
@pytest.mark.parametrize("name", NAMES)
def test_a_forged_metric_is_refused(
    honest: Path, tmp_path: Path, name: str, forge: Callable[[list[dict[str, Any]], str], None]
) -> None:
    """Whoever made it, and however it was changed."""
    folder = shutil.copytree(honest, tmp_path / honest.name)
    values = json.loads((folder / "result.json").read_text())
    forge(values["scores"]["cells"], name)
    (folder / "result.json").write_text(json.dumps(values))
    (problem,) = check_submission(folder, None).problems
    assert "result.json" in problem


def test_the_registry_has_no_metric_that_is_not_forged_here(others: None) -> None:
    """Every metric but the one that is broken on purpose."""
    assert {*METRICS} - {"broken"} == {*NAMES}


def test_an_honest_submission_passes_and_names_its_plugins(honest: Path) -> None:
    """The result says schema 2 and which distribution defines what; the report has a column for each."""
    assert check_submission(honest, None).ok
    values = json.loads((honest / "result.json").read_text())
    assert values["schema_version"] == 2
    whose = {"distribution": "other-metrics", "version": "1.2"}
    assert values["plugins"] == [{"name": name, **whose} for name in OTHERS]
    table = other_scores_table(read_saved(honest).result)
    assert table.headers[-4:-2] == ("Squared distance, clean", "Squared distance, corrupted")
    assert "Squared distance is not in percent. Squared distance: lower is better." in table.caption


def test_a_board_shows_them(honest: Path, tmp_path: Path) -> None:
    """On the model's page, computed from the predictions, with the direction."""
    report = build_site(SiteConfig(results=honest.parents[3], out=tmp_path / "site", baseline="none"))
    (entry,) = (one for board in report.boards for one in board.entries if one.source == "measured")
    assert entry.facts["Squared distance"].endswith("lower is better")


def test_only_fractions_are_shown_in_percent(honest: Path, tmp_path: Path) -> None:
    """In the report and on the board: nats and squared distances are shown as they are."""
    result = read_saved(honest).result
    table = other_scores_table(result)
    shown = dict(zip(table.headers, (cell.text for cell in table.rows[0]), strict=True))
    report = build_site(SiteConfig(results=honest.parents[3], out=tmp_path / "site", baseline="none"))
    (entry,) = (one for board in report.boards for one in board.entries if one.source == "measured")
    (clean,) = (cell for cell in result.scores.cells if cell.corruption == "clean")
    for name, unit in {"nll": " nats", "brier": "", "distance": "", "aurc": " %"}.items():
        value = clean.metrics[name].value
        assert value is not None
        printed = f"{100 * value:.1f}" if unit == " %" else f"{value:.3f}"
        label = METRICS[name].label
        assert shown[f"{label}, clean"] == printed
        assert entry.facts[label].startswith(f"clean {printed}{unit}, corrupted ")


def test_a_metric_that_is_not_installed_is_refused_by_its_distribution(honest: Path, tmp_path: Path) -> None:
    """A board takes only what it can compute again; the message says what is needed."""
    folder = shutil.copytree(honest, tmp_path / honest.name)
    text = (folder / "result.json").read_text().replace('"distance"', '"distence"')
    (folder / "result.json").write_text(text)
    (problem,) = check_submission(folder, None).problems
    assert "the metric 'distence' comes from other-metrics 1.2 and is unknown here" in problem


def test_a_metric_that_nobody_registered_is_refused(benchmark: Benchmark, tmp_path: Path) -> None:
    """It may stand in a result of one's own, and has no place on a board."""
    mine = Metric(name="mine", label="Mine", function=lambda labels: 0.5, inputs=("labels",))
    saved = evaluated(tmp_path / "run", benchmark, datasets=["rays"], metrics=(mine,))
    assert [plugin.distribution for plugin in saved.result.plugins] == [f"python:{__name__}"]
    folder = place(tmp_path, saved, described(PLAIN, declared=True))
    (problem,) = check_submission(folder, None).problems
    assert "the metric 'mine' comes from python:test_metrics_of_others unknown and is unknown here" in problem
