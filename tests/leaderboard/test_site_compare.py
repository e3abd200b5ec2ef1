"""The page that compares two models, in a browser: what it loads, keeps in its address, lets readers do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from compared_models import MODELS, Open, answered, made_up, shown

from medimeta_c.leaderboard.site.pairs.files import pair_files


def test_nothing_is_loaded_before_two_are_chosen(compared: Path, browse: Open) -> None:
    """Then the two models' bits and the counts of their images are, each once."""
    page = browse(compared, "?a=model-0001")
    assert page.inner_text("#state") == "Choose a model to compare it with."
    assert not [one for one in page.asked if one.startswith("/compare/")]
    page.select_option("#b", "model-0003")
    page.locator("#result").wait_for(state="visible")
    page.locator("#swap").click()
    page.wait_for_function("() => document.querySelector('#a').value === 'model-0003'")
    page.locator("#result").wait_for(state="visible")
    loaded = sorted(one.split("/")[-1] for one in page.asked if one.startswith("/compare/"))
    assert [one for one in loaded if one.endswith(".bits")] == ["model-0001.bits", "model-0003.bits"]
    assert [one.split("-")[0] for one in loaded if one.endswith(".counts")] == ["oct", "pbc"]


def test_the_address_holds_the_pair(compared: Path, browse: Open) -> None:
    """It can be shared, the back button goes through pairs, and an unknown model is said to be one."""
    page = browse(compared, "?a=model-0001&b=model-0002")
    before = shown(page, ".whole td:nth-of-type(3)")
    page.select_option("#b", "model-0003")
    page.wait_for_url("**?a=model-0001&b=model-0003")
    assert shown(page, ".whole td:nth-of-type(3)") != before
    page.go_back()
    page.wait_for_function("() => document.querySelector('#b').value === 'model-0002'")
    assert shown(page, ".whole td:nth-of-type(3)") == before
    page.locator("#swap").click()
    page.wait_for_url("**?a=model-0002&b=model-0001")
    turned = shown(page, ".whole td:nth-of-type(3)")
    assert [float(one["value"]) for one in turned] == [-float(one["value"]) for one in before]
    page = browse(compared, "?a=model-0001&b=gone")
    assert page.inner_text("#state").startswith("The address names a model that cannot be compared here")
    assert not page.locator("#result").is_visible()


def test_the_last_choice_is_the_one_shown(compared: Path, browse: Open) -> None:
    """Files of an earlier choice that come late change nothing, and are not taken for another model's."""
    page = browse(compared, "?a=model-0001&b=model-0003")
    third = shown(page, ".whole td:nth-of-type(3)")
    late: list[Any] = []
    page.route("**/model-0002.bits", lambda route: late.append(route))  # noqa: PLW0108
    page.select_option("#b", "model-0002")
    page.wait_for_function("() => document.querySelector('#state').textContent.startsWith('Loading')")
    assert not page.locator("#result").is_visible()
    page.select_option("#b", "model-0003")
    assert shown(page, ".whole td:nth-of-type(3)") == third
    with page.expect_response("**/model-0002.bits"):
        late[0].continue_()
    assert shown(page, ".whole td:nth-of-type(3)") == third
    page.select_option("#b", "model-0002")
    second = shown(page, ".whole td:nth-of-type(3)")
    assert second != third
    assert second == shown(browse(compared, "?a=model-0001&b=model-0002"), ".whole td:nth-of-type(3)")


def test_reported_rows_cannot_be_chosen(compared: Path, browse: Open) -> None:
    """They have no predictions, and the page says so."""
    page = browse(compared)
    assert "Model 0008" not in page.inner_text("#a")
    assert "1 row of the ranking is not listed here" in page.inner_text("#main")


def test_without_a_script_or_a_server_a_sentence_stands(compared: Path, browse: Open, browser: Any) -> None:
    """It says what comparing needs, and where the numbers are; no control is shown that does nothing."""
    page = browse(compared, java_script_enabled=False)
    context = browser.new_context()
    disk = context.new_page()
    disk.goto((compared / "compare.html").as_uri())
    for one in (page, disk):
        assert one.inner_text("#needs").startswith("Comparing needs JavaScript and a page from a web server")
        assert not one.locator("#choose").is_visible()
    context.close()


def test_the_keyboard_is_enough(compared: Path, browse: Open) -> None:
    """Type a part of a name and press Enter for each model; Space unticks a dataset and keeps the focus."""
    page = browse(compared)
    for name in ("0001", "0002"):
        while "find" not in page.evaluate("document.activeElement.id") or page.input_value(":focus"):
            page.keyboard.press("Tab")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
    page.locator("#result").wait_for(state="visible")
    assert "a=model-0001&b=model-0002" in page.url
    while page.evaluate("document.activeElement.value") != "oct":
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelectorAll('.cells').length === 1")
    page.wait_for_function("() => document.activeElement.value === 'oct'")


@pytest.mark.parametrize("look", [("light", 1400), ("dark", 1400), ("light", 375), ("dark", 375)])
def test_accessibility(compared: Path, browse: Open, axe: str, look: tuple[str, int]) -> None:
    """axe-core finds nothing, and nothing is cut or scrolls sideways on a phone."""
    scheme, width = look
    screen = {"width": width, "height": 900}
    query = "?a=model-0001&b=model-0002"
    page = browse(compared, query, color_scheme=scheme, viewport=screen, bypass_csp=True)
    page.locator("#result").wait_for(state="visible")
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run({runOnly: tags, preload: false})", tags)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    wide = "one => one.scrollWidth > one.clientWidth + 1"
    frames = [page.locator("html"), *page.locator(".scroll").all()]
    assert not any(one.evaluate(wide) for one in frames)


def test_paper_has_the_tables_alone(compared: Path, browse: Open) -> None:
    """The controls are not printed, and the colours are those of a light page."""
    page = browse(compared, "?a=model-0001&b=model-0002", color_scheme="dark")
    page.locator("#result").wait_for(state="visible")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("#choose").is_visible()
    assert not page.locator(".ticks").is_visible()
    assert page.locator(".cells").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_other_pages_lead_here(compared: Path, browse: Open) -> None:
    """The ranking and the pages of models with predictions do; that of a reported row does not."""
    page = browse(compared)
    home = page.url.removesuffix("compare.html")
    page.goto(f"{home}models/model-0001.html")
    page.get_by_role("link", name="Compare with another model").click()
    page.wait_for_url("**/compare.html?a=model-0001")
    assert page.input_value("#a") == "model-0001"
    page.goto(f"{home}models/model-0008.html")
    assert page.get_by_role("link", name="Compare with another model").count() == 0
    page.goto(f"{home}index.html")
    page.get_by_role("link", name="Compare two models").click()
    page.wait_for_url("**/compare.html")


def test_the_same_board_has_the_same_bytes(compared: Path) -> None:
    """Files carry no date, and say how their numbers were drawn."""
    entries = [answered(i, held) for i, held in enumerate(MODELS.values(), 1)]
    for name, content in pair_files((made_up(*entries),)):
        assert (compared / name).read_bytes() == content
        if name.endswith(".counts"):
            head = json.loads(gzip.decompress(content).partition(b"\n")[0])
            assert (head["resamples"], head["level"], head["seed"], head["above"]) == (1000, 0.95, 0, [])
