"""Results and comparisons in a notebook, as plain values and as DataFrames."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

import medimeta_c
from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.results.comparison import Comparison, compare
from medimeta_c.results.comparison.views import comparison_tables
from medimeta_c.results.folder.saved import SavedResult, read_saved


@pytest.fixture(scope="module")
def comparison(base: SavedResult, saved: SavedResult) -> Comparison:
    return compare([base, saved])


def test_a_result_says_in_a_line_what_it_is(saved: SavedResult) -> None:
    """Model, benchmark, cells and the two numbers; not the numbers of every cell."""
    shown = repr(saved.result)
    assert shown.startswith(f"Result('{saved.result.run.model.spec}' on ")
    assert "72 of 72 cells, mCE " in shown
    assert len(repr(saved)) < 400
    assert len(str(saved.result.run)) < 400
    assert len(repr(next(iter(saved.predictions.values())))) < 400


def test_a_result_is_a_table_with_intervals(saved: SavedResult) -> None:
    """A row for each dataset, and one for all."""
    page = saved._repr_html_()
    assert page == saved.result._repr_html_()
    assert page.count("<tr") == 4
    assert "<small>" in page


def test_the_plain_values_are_the_file(saved: SavedResult) -> None:
    assert saved.to_dict() == json.loads((saved.path / "result.json").read_text(encoding="utf-8"))


def test_a_data_frame_has_a_row_for_each_cell(saved: SavedResult) -> None:
    """Fractions, as in the file; what is undefined is NaN."""
    frame = saved.to_pandas()
    cells = saved.result.scores.cells
    assert len(frame) == len(cells) == 72
    assert frame.top1.tolist() == pytest.approx([cell.top1.value for cell in cells])
    lows = [math.nan if cell.top1.low is None else cell.top1.low for cell in cells]
    assert frame.top1_low.tolist() == pytest.approx(lows, nan_ok=True)
    undefined = cells[0].model_copy(update={"macro_auroc": cells[0].macro_auroc.undefined("no second class")})
    scores = saved.result.scores.model_copy(update={"cells": (undefined, *cells[1:])})
    again = saved.result.model_copy(update={"scores": scores}).to_pandas()
    assert math.isnan(again.macro_auroc[0])
    assert again.macro_auroc.dtype == float


def test_a_comparison_in_short_and_as_tables(comparison: Comparison) -> None:
    assert len(repr(comparison)) < 400
    page = comparison._repr_html_()
    assert page.count("<table") == len(comparison_tables(comparison)) == 6
    assert page.count("<svg") == 1
    assert "CE divides by" in page
    assert "Intervals take images as independent." in page


def test_a_comparison_as_data(comparison: Comparison) -> None:
    """A row for each model over all and on each dataset; ranks stand with the former."""
    frame = comparison.to_pandas()
    assert len(frame) == 2 * 3
    overall = frame[frame.dataset == "all"]
    assert overall.best_rank.tolist() == [model.ranks[0] for model in comparison.models if model.ranks]
    assert frame[frame.dataset != "all"].best_rank.isna().all()
    values = comparison.to_dict()
    assert json.loads(json.dumps(values))["ranked_by"] == comparison.ranked_by
    mces = [model["numbers"]["overall"]["mce"]["value"] for model in values["models"]]
    assert overall.mce.tolist() == pytest.approx(mces)


def test_names_of_models_do_nothing_in_html(comparison: Comparison) -> None:
    evil = replace(comparison.models[0], name="<img src=x onerror=alert(1)>")
    pair, (test,) = (evil.name, comparison.models[1].name), comparison.tests
    page = replace(
        comparison,
        models=(evil, comparison.models[1]),
        differences={pair: next(iter(comparison.differences.values()))},
        losses={pair: next(iter(comparison.losses.values()))},
        tests=(replace(test, first=evil.name),),
    )._repr_html_()
    assert "<img" not in page
    assert page.count("&lt;img") == 3  # in the table, in the figure, and in its tooltip


class TestPaths:
    """Results are given as results or as paths."""

    def test_compare_takes_paths(self, base: SavedResult, saved: SavedResult, comparison: Comparison) -> None:
        """Of the folder, of ``result.json``, or of the model's folder where it has one result."""
        given = [str(base.path), saved.path / "result.json"]
        assert medimeta_c.compare(given).to_dict()["models"] == comparison.to_dict()["models"]
        assert medimeta_c.read_result(base.path.parent).name == base.name

    def test_a_baseline_by_name_or_path(self, base: SavedResult, saved: SavedResult) -> None:
        assert compare([base, saved], baseline=base.path).baseline == compare([base, saved]).baseline
        with pytest.raises(ConfigError, match="a comparison needs a baseline"):
            compare([base, saved], baseline="none")

    @pytest.mark.parametrize("given", ["one", "path"])
    def test_one_result_is_too_few(self, given: str, saved: SavedResult) -> None:
        with pytest.raises(ConfigError, match="one result cannot be compared"):
            compare(saved if given == "one" else str(saved.path))  # type: ignore[arg-type]

    def test_a_folder_that_is_not_there_is_said_not_to_exist(self, tmp_path: Path) -> None:
        with pytest.raises(ResultError, match="nowhere does not exist: give the folder"):
            read_saved(tmp_path / "nowhere")

    def test_a_folder_of_several_results_names_them(self, saved: SavedResult, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "result.json").write_bytes((saved.path / "result.json").read_bytes())
        with pytest.raises(ResultError, match=r"names 2 results \(.*/a, .*/b\): give one$"):
            read_saved(tmp_path)
