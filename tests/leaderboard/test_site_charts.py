"""The charts in a browser: pointed at, walked through with keys, and what the page says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from made_up_boards import board, entry

from medimeta_c.leaderboard.site.writing import write_site

Open = Callable[..., Any]


def test_tooltips_links_and_the_keyboard_on_the_scatter(site: Path, visit: Open) -> None:
    """Pointing at a point names it; arrow keys do too, aloud; Enter and a click open the model's page."""
    page = visit(site / "index.html")
    page.locator("#scatter").scroll_into_view_if_needed()
    spot = page.evaluate(
        """() => { const chart = Charts.made[0], dot = chart.getDatasetMeta(0).data[0];
        const box = chart.canvas.getBoundingClientRect();
        return {x: box.x + dot.x, y: box.y + dot.y, name: chart.data.datasets[0].data[0].entry.name}; }"""
    )
    page.mouse.move(spot["x"], spot["y"])
    tip = page.locator("#scatter + .tip")
    assert spot["name"] in tip.inner_text()
    assert "mCE" in tip.inner_text()
    page.locator("#scatter").focus()
    said = set()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        said.add(page.inner_text("#said"))
    assert len(said) == 4
    page.keyboard.press("Enter")
    page.wait_for_url("**/models/*.html")
    assert page.locator("h1").inner_text() in " ".join(said)
    page.get_by_role("link", name="MediMeta-C 1.0").click()
    page.wait_for_url("**/index.html#board=medimeta-c-1-0")


def test_curves_follow_the_boxes(site: Path, visit: Open) -> None:
    """Ticking a model draws its curve; the tooltip lists all; dataset and corruption choose what is drawn."""
    page = visit(site / "index.html")
    legend = page.locator("#curves-legend span")
    assert legend.count() == 4
    page.locator(".board:not([hidden]) .pick input").nth(6).check()
    assert legend.count() == 5
    name = page.locator(".board:not([hidden]) tbody tr").nth(6).locator("th.model a").inner_text()
    assert legend.last.inner_text() == name or name in page.locator("#curves-legend").inner_text()
    page.locator("#curves").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#said").startswith("Severity 1, ")
    before = page.inner_text("#said")
    page.select_option("#chart-corruption", "zoom_blur")
    page.select_option("#chart-dataset", "oct")
    page.locator("#curves").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#said") != before
    assert "under Zoom blur" in page.inner_text("#curves-about")


def test_a_models_page_has_its_cells(site: Path, visit: Open) -> None:
    """Five heat maps of seven corruptions by five severities, with mean and CE, and curves by dataset."""
    page = visit(site / "models/model-0003.html")
    assert page.locator("table.heat").count() == 5
    assert page.locator("table.heat").first.locator("tbody tr").count() == 7
    assert page.locator("table.heat").first.locator("tbody tr").first.locator("td").count() == 7
    first = page.locator("table.heat td").first
    assert float(first.inner_text()) > 0
    assert "95 % interval" in str(first.get_attribute("title"))
    datasets = page.locator("#chart-dataset option").all_inner_texts()
    assert datasets == ["pbc", "mammo_calc", "pneumonia", "fundus", "oct"]
    page.select_option("#chart-dataset", "fundus")
    assert page.locator("#curves-legend span").count() == 7


def test_models_trained_on_test_images_are_told_apart(site: Path, visit: Open) -> None:
    """Their points have a colour and a key of their own, and no curve of theirs is drawn unasked."""
    page = visit(site / "index.html")
    keys = page.locator("#scatter-legend span").all_inner_texts()
    assert keys == ["measured here", "measured here, trained on test images"]
    colours = page.evaluate("Charts.made[0].data.datasets.map(one => one.borderColor)")
    assert len(set(colours)) == 2
    assert not page.locator("tr[data-key=hostile] input").is_checked()


def test_paper_is_light(site: Path, visit: Open) -> None:
    """On a dark screen too the page prints dark on light, charts included, and is dark again after."""
    page = visit(site / "index.html", color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    colour = "Charts.made[0].data.datasets[0].borderColor"
    dark = page.evaluate(background), page.evaluate(colour)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    page.emulate_media(media="screen", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    light = page.evaluate(colour)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert light != dark[1]
    assert (page.evaluate(background), page.evaluate(colour)) == dark


def test_a_board_without_whole_entries_draws_one_dataset(tmp_path: Path, visit: Open) -> None:
    """Where no model has all datasets the charts show one that some have, and say so where they show none."""
    part = entry(1, np.random.default_rng(1), key="part", overall=None, ranks=None)
    part = replace(part, datasets={"oct": part.datasets["oct"]}, cells={"oct": part.cells["oct"]})
    write_site((replace(board(0, part), phantoms=True),), tmp_path / "site")
    page = visit(tmp_path / "site/index.html")
    assert "Generated images, not medical ones" in page.inner_text(".board:not([hidden]) .about")
    assert page.inner_text(".lead").startswith("One entry is on MediMeta-C 1.0, without a rank")
    assert page.input_value("#chart-dataset") == "oct"
    assert page.locator("#scatter").is_visible()
    assert page.inner_text("#scatter-legend").strip() == "measured here"
    page.select_option("#chart-dataset", "")
    assert not page.locator("#scatter").is_visible()
    assert page.inner_text("#scatter-about") == "No entry shown has all of these datasets: choose one."


def test_dark_and_light_differ(site: Path, visit: Open) -> None:
    """The page follows the system's scheme, and so do the charts' colours, also when it changes."""
    page = visit(site / "index.html", color_scheme="light")
    colour = "Charts.made[0].data.datasets[0].borderColor"
    light = page.evaluate("getComputedStyle(document.body).backgroundColor"), page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => {colour} !== light", arg=light[1])
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor"), page.evaluate(colour)
    assert light[0] != dark[0]
    assert light[1] != dark[1]
