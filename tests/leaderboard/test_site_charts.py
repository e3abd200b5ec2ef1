"""The charts in a browser: pointed at, walked through with keys, and drawn again as a reader chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_boards import board, entry, only

from medimeta_c.leaderboard.site.drawing.axes import BOTTOM, LEFT, RIGHT, TOP, linear, logarithmic
from medimeta_c.leaderboard.site.drawing.curves import by_model, mean_curve
from medimeta_c.leaderboard.site.drawing.scatter import scatters
from medimeta_c.leaderboard.site.writing import write_site

Open = Callable[..., Any]
OPEN = ".board:not([hidden]) "
DOTS = f"{OPEN}[data-chart=accuracy] circle.m"
LEGEND = f"{OPEN}[data-chart=curves] .legend span"


@given(st.lists(st.floats(-50, 200), min_size=1, max_size=30))
def test_an_axis_holds_every_value_between_round_ticks(values: list[float]) -> None:
    """No point is outside; ticks are few, in order, and at the ends."""
    axis = linear("x", values, LEFT, RIGHT)
    assert all(LEFT <= axis.at(value) <= RIGHT for value in values)
    assert 2 <= len(axis.ticks) <= 10
    assert axis.at(axis.ticks[0][0]) == LEFT
    assert axis.at(axis.ticks[-1][0]) == RIGHT
    assert len({text for _, text in axis.ticks}) == len(axis.ticks), "no two ticks say the same"


@given(st.lists(st.floats(0.5, 1e5), min_size=1, max_size=30))
def test_a_logarithmic_axis_holds_every_value(values: list[float]) -> None:
    """Equal factors are equal distances."""
    axis = logarithmic("x", values, LEFT, RIGHT)
    assert all(LEFT <= axis.at(value) <= RIGHT for value in values)
    middle = (axis.low * axis.high) ** 0.5
    assert axis.at(middle) == pytest.approx((LEFT + RIGHT) / 2, abs=0.2)


def test_points_stand_where_their_numbers_say() -> None:
    """More accurate is further right, more lost further up; a name never covers a point."""
    made = board(12)
    chart, _ = scatters(made)
    assert chart.x is not None
    assert chart.y is not None
    assert [dot.x for dot in chart.dots] == sorted(dot.x for dot in chart.dots)
    best = max(made.entries, key=lambda one: one.overall.clean_accuracy.value)  # type: ignore[union-attr, arg-type, return-value]
    assert chart.dots[-1].key == best.key
    lost = {one.key: one.assessed[""].points_lost.value for one in made.entries}
    highest = min(chart.dots, key=lambda dot: dot.y)
    assert lost[highest.key] == max(lost.values())  # type: ignore[type-var]
    for named in (dot for dot in chart.dots if dot.name):
        width = 5.6 * len(named.name)
        inside = [
            dot
            for dot in chart.dots
            if named.name_x < dot.x < named.name_x + width and named.name_y - 9 < dot.y < named.name_y
        ]
        assert not inside
        assert TOP <= named.y <= BOTTOM


def test_a_curve_is_the_mean_over_datasets_and_corruptions() -> None:
    """At each severity, and on clean images."""
    one = entry(1, np.random.default_rng(1))
    made = board(0, one)
    cells = one.cells.values()
    expected = [np.mean([rows["clean"][0].top1 for rows in cells])]
    for severity in made.severities:
        means = [np.mean([rows[name][severity].top1 for name in made.corruptions]) for rows in cells]
        expected.append(np.mean(means))
    assert mean_curve(one, made) == pytest.approx(expected)
    assert mean_curve(only(one, "pbc"), made) == [], "not of all datasets"


def test_tooltips_links_and_the_keyboard_on_the_scatter(site: Path, visit: Open) -> None:
    """Pointing at a point names it; arrow keys do too, aloud; Enter and a click open the model's page."""
    page = visit(site / "index.html")
    dot = page.locator(DOTS).first
    dot.scroll_into_view_if_needed()
    dot.hover()
    tip = page.locator(f"{OPEN}[data-chart=accuracy] .tip")
    name = page.locator(f"[id={dot.get_attribute('data-key')}] th.model a").inner_text()
    assert name in tip.inner_text()
    assert "Points lost" in tip.inner_text()
    page.locator(f"{OPEN}[data-chart=accuracy] svg.plot").focus()
    said = set()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        said.add(page.text_content("#said"))
    assert len(said) == 4
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/*.html")
    assert page.locator("h1").inner_text() in " ".join(map(str, said))
    page.get_by_role("link", name="MediMeta-C 1.0").click()
    page.wait_for_url("**/index.html#board=medimeta-c-1-0")


_DRAWN = """selector => [...document.querySelectorAll(selector)].flatMap(plot => [...plot.querySelectorAll(
    'text:not(.label), circle, polyline, path.w')].map(one => [
        one.tagName + (one.childElementCount ? '' : one.textContent),
        ['cx', 'cy', 'x', 'y', 'points', 'd'].flatMap(
            name => (one.getAttribute(name) || '').match(/-?[0-9.]+/g) || []).map(Number)]))"""


def test_charts_drawn_again_are_those_of_the_build(site: Path, visit: Open) -> None:
    """What the script draws of everything is what was drawn when the site was built."""
    page = visit(site / "index.html")
    before = page.evaluate(_DRAWN, f"{OPEN}.plot")
    page.fill("#search", "Model 0003")
    assert page.locator(DOTS).count() == 1
    page.fill("#search", "")
    after = page.evaluate(_DRAWN, f"{OPEN}.plot")
    assert [what for what, _ in after] == [what for what, _ in before]
    for (what, old), (_, new) in zip(before, after, strict=True):
        assert old == pytest.approx(new, abs=0.2), what


def test_curves_follow_the_boxes(site: Path, visit: Open) -> None:
    """Ticking a model draws its curve; the tooltip lists all; choosing parts draws it again."""
    page = visit(site / "index.html")
    assert page.locator(LEGEND).count() == 4
    page.locator(f"{OPEN}.tools input").nth(6).check()
    assert page.locator(LEGEND).count() == 5
    name = page.locator(f"{OPEN}tbody tr").nth(6).locator("th.model a").inner_text()
    assert name in page.locator(LEGEND).all_inner_texts()
    plot = page.locator(f"{OPEN}[data-chart=curves] svg.plot")
    plot.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    before = str(page.text_content("#said"))
    assert before.startswith("Severity 1, ")
    page.get_by_text("Datasets and corruptions", exact=True).click()
    page.get_by_label("Zoom blur", exact=True).uncheck()
    plot.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.text_content("#said") not in ("", before)


def test_a_models_page_has_its_cells(site: Path, visit: Open) -> None:
    """Five heat maps of seven corruptions by five severities, with mean and CE, and curves by dataset."""
    page = visit(site / "models/model-0003.html")
    assert page.locator("table.heat").count() == 5
    assert page.locator("table.heat").first.locator("tbody tr").count() == 7
    assert page.locator("table.heat").first.locator("tbody tr").first.locator("td").count() == 7
    first = page.locator("table.heat td").first
    assert float(first.inner_text()) > 0
    assert "95 % interval" in str(first.get_attribute("title"))
    assert page.locator("svg.plot").count() == 5
    assert page.locator("svg.plot").first.locator("polyline").count() == 7
    page.locator("svg.plot").first.focus()
    page.keyboard.press("ArrowRight")
    assert str(page.text_content("#said")).startswith("Clean, ")
    assert "medimeta-c evaluate --model hf-hub:test/model-3" in page.inner_text("pre")


def test_models_trained_on_test_images_are_told_apart(site: Path, visit: Open) -> None:
    """Their points have a colour and a key of their own, and no curve of theirs is drawn unasked."""
    page = visit(site / "index.html")
    keys = page.locator(f"{OPEN}[data-chart=accuracy] .legend span").all_inner_texts()
    assert keys == ["measured here", "measured here, trained on test images"]
    colour = "one => getComputedStyle(one).fill"
    seen = page.locator(f"{DOTS}.g-seen").first.evaluate(colour)
    assert seen != page.locator(f"{DOTS}.g-measured").first.evaluate(colour)
    assert not page.locator("#hostile input").is_checked()


def test_paper_is_light(site: Path, visit: Open) -> None:
    """On a dark screen too the page prints dark on light, charts included, and is dark again after."""
    page = visit(site / "index.html", color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    colour = f"getComputedStyle(document.querySelector('{DOTS}')).fill"
    dark = page.evaluate(background), page.evaluate(colour)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    assert page.evaluate(colour) != dark[1]
    page.emulate_media(media="screen", color_scheme="dark")
    assert (page.evaluate(background), page.evaluate(colour)) == dark
    page.emulate_media(media="screen", color_scheme="light")
    assert page.evaluate(background) != dark[0]
    assert page.evaluate(colour) != dark[1]


def test_a_board_without_whole_entries_draws_one_dataset(tmp_path: Path, visit: Open) -> None:
    """Where no model has all datasets the charts show the first that some have, and say which."""
    part = only(entry(1, np.random.default_rng(1), key="part"), "oct")
    write_site((replace(board(0, part), phantoms=True),), tmp_path / "site")
    page = visit(tmp_path / "site/index.html")
    assert "Generated images, not medical ones" in page.inner_text(f"{OPEN}.about")
    assert page.inner_text(".lead").startswith("One entry is on MediMeta-C 1.0, without a rank")
    assert (
        "Clean accuracy on oct, %" in page.locator(f"{OPEN}[data-chart=accuracy] .name").all_text_contents()
    )
    assert page.locator(DOTS).count() == 1
    page.fill("#search", "nobody")
    page.fill("#search", "")
    assert (
        "Clean accuracy on oct, %" in page.locator(f"{OPEN}[data-chart=accuracy] .name").all_text_contents()
    )


def test_models_of_one_name_have_a_curve_each() -> None:
    """Of two makers, say: neither curve takes the place of the other."""
    draw = np.random.default_rng(3)
    two = [entry(index, draw, name="CLIP", organisation=maker) for index, maker in enumerate("AB")]
    drawn = by_model(two, board(0, *two))
    assert drawn is not None
    assert [line.name for line in drawn.lines] == ["CLIP (A)", "CLIP (B)"]
    assert drawn.lines[0].points != drawn.lines[1].points
