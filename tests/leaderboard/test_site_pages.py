"""The pages in a browser: what a reader clicks, types and tabs through; and what a hostile name cannot do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_up_boards import HOSTILE, board

from medimeta_c.leaderboard.site.writing import write_site

DASH = "\N{EN DASH}"
Open = Callable[..., Any]


def names(page: Any) -> list[str]:
    """The models that the visible table shows, top down."""
    return page.eval_on_selector_all(  # type: ignore[no-any-return]
        ".board:not([hidden]) tbody tr:not([hidden]) th.model a", "links => links.map(one => one.textContent)"
    )


def column(page: Any, sort: str) -> list[float]:
    """The numbers of a column, top down, without dashes."""
    texts = page.evaluate(
        """sort => {
        const table = document.querySelector('.board:not([hidden]) table');
        const at = [...table.tHead.rows[0].cells].findIndex(one => one.dataset.sort === sort);
        const rows = [...table.tBodies[0].rows].filter(row => !row.hidden);
        return rows.map(row => row.cells[at].firstChild.textContent);
    }""",
        sort,
    )
    return [float(text) for text in texts if text.strip() not in (DASH, "")]


def head(page: Any, sort: str) -> Any:
    return page.locator(f'.board:not([hidden]) th[data-sort="{sort}"]')


def test_sorting_by_every_column(site: Path, visit: Open) -> None:
    """A head sorts by its column, again in the other direction; dashes come last in both."""
    page = visit(site / "index.html")
    assert head(page, "mce").get_attribute("aria-sort") == "ascending"
    for sort in ("mce", "error", "average", "clean", "dataset:pbc", "dataset:oct"):
        head(page, sort).get_by_role("button").click()
        down = head(page, sort).get_attribute("aria-sort") == "descending"
        numbers = column(page, sort)
        assert numbers == sorted(numbers, reverse=down)
        assert down == (sort in ("mce", "average", "clean")), "the first click shows the best first"
        head(page, sort).get_by_role("button").click()
        assert column(page, sort) == sorted(numbers, reverse=not down)
        if not sort.startswith("dataset:pbc"):
            assert names(page)[-1] == "PBC only" or sort.startswith("dataset")
    head(page, "name").get_by_role("button").click()
    assert names(page) == sorted(names(page), key=str.lower)
    page = visit(site / "index.html", "#board=medimeta-c&sort=name")
    shares = [name for name in names(page) if name.startswith("RobustMedCLIP ViT")]
    assert shares == [f"RobustMedCLIP ViT, {share}\N{NO-BREAK SPACE}%" for share in (1, 3, 7, 10)]


def test_ties_are_shown_as_ties(site: Path, visit: Open) -> None:
    """Tied models share a range of ranks and say so; reported ones have a dash."""
    page = visit(site / "index.html")
    head(page, "rank").get_by_role("button").click()
    ranks = page.eval_on_selector_all(
        ".board:not([hidden]) td.rank", "all => all.map(one => one.textContent)"
    )
    assert ranks[:3] == [f"1{DASH}2tied", f"1{DASH}2tied", "3"]
    assert ranks[-1] == DASH
    page = visit(site / "index.html", "#board=medmnist-c")
    assert page.locator(".board:not([hidden]) .badge.reported").count() == 5
    assert set(
        page.eval_on_selector_all(".board:not([hidden]) td.rank", "all => all.map(one => one.textContent)")
    ) == {DASH}


def test_filters_narrow_and_combine(site: Path, visit: Open) -> None:
    """Backbone, training data, base or adapted, source and name: each narrows, together they intersect."""
    page = visit(site / "index.html")
    everything = set(names(page))
    assert len(everything) == 14
    page.select_option("#filter-backbone", "ViT-B/16")
    backbone = set(names(page))
    page.select_option("#filter-training", "medical")
    both = set(names(page))
    page.select_option("#filter-type", "adapted")
    assert both < backbone < everything
    assert names(page) == []
    assert page.locator(".board:not([hidden]) .nothing").is_visible()
    assert page.inner_text("#scatter-about") == "No entry matches the filters."
    assert page.inner_text("#count") == "0 of 14 entries"
    page.reload()
    assert names(page) == [], "the view is in the address"
    page.select_option("#filter-backbone", "")
    assert 0 < len(names(page)) < 14
    for control in ("#filter-training", "#filter-type"):
        page.select_option(control, "")
    page.fill("#search", "laboratory 3")
    assert {name for name in names(page) if name.startswith("Model")} == {"Model 0003", "Model 0010"}
    page.fill("#search", "")
    page.locator(".segments").get_by_text("MedMNIST-C", exact=True).click()
    assert set(names(page)) == {"CLIP", "MedCLIP", "BioMedCLIP", "UniMedCLIP", "RobustMedCLIP"}
    page.select_option("#filter-source", "measured")
    assert names(page) == []
    page.get_by_role("button", name="Clear filters").click()
    assert len(names(page)) == 5
    assert not page.locator("#clear").is_visible()
    assert page.evaluate("document.activeElement.value") == "medmnist-c", "the focus is not lost"


def test_the_whole_view_is_in_the_address(site: Path, visit: Open) -> None:
    """What is sorted, filtered, drawn and ticked comes back by link, reload and the back button."""
    page = visit(site / "index.html")
    head(page, "dataset:oct").get_by_role("button").click()
    page.select_option("#filter-type", "adapted")
    page.select_option("#chart-dataset", "fundus")
    page.select_option("#chart-corruption", "contrast")
    page.locator(".board:not([hidden]) tr:not([hidden]) .pick input:not(:checked)").first.check()
    look = """() => [location.hash, ...[...document.querySelectorAll(
        '#controls select, .controls.small select, .board:not([hidden]) .pick input')].map(
        one => one.type === 'checkbox' ? one.checked : one.value),
        document.querySelector('#curves-about').textContent,
        document.querySelectorAll('#curves-legend span').length]"""
    before, order = page.evaluate(look), names(page)
    assert before[-1] == 5
    page.locator("th.model a").get_by_text(order[0], exact=True).click()
    page.wait_for_url("**/models/*.html")
    page.go_back()
    assert (page.evaluate(look), names(page)) == (before, order)
    page.get_by_role("link", name="Charts").click()
    page.wait_for_function("() => !location.hash.includes('charts')")
    assert page.evaluate(look) == before, "a link to a place on the page keeps the view"
    page.evaluate("location.hash = '#board=medmnist-c'")
    page.wait_for_function("() => document.querySelector('#count').textContent === '5 of 5 entries'")
    assert page.input_value("#filter-type") == "", "a link to another view, opened here, is followed"
    page.evaluate("hash => { location.hash = hash; }", before[0])
    page.wait_for_function("() => document.querySelector('#filter-type').value === 'adapted'")
    assert (page.evaluate(look), names(page)) == (before, order)


def test_heads_stay_in_sight(site: Path, visit: Open) -> None:
    """Where the table fits the screen its head stays; where it scrolls sideways a key can scroll it."""
    page = visit(site / "index.html", viewport={"width": 1400, "height": 500})
    page.locator("tr[data-key=part]").scroll_into_view_if_needed()
    top = page.evaluate(
        "() => document.querySelector('.board:not([hidden]) thead th.model').getBoundingClientRect().top"
    )
    assert top == 0
    frame = page.locator(".board:not([hidden]) .scroll")
    assert frame.get_attribute("tabindex") == "-1"
    page.set_viewport_size({"width": 700, "height": 500})
    page.wait_for_function("() => document.querySelector('.board:not([hidden]) .scroll').tabIndex === 0")


def test_entries_without_a_rank_say_why(site: Path, visit: Open) -> None:
    """Scored on part, trained on test images, or reported: the page opens with it."""
    page = visit(site / "models/part.html")
    assert page.inner_text(".lead") == "Not ranked: scored on 1 of the 5 datasets of MediMeta-C 1.0."
    page = visit(site / "models/hostile.html")
    assert "trained on images of the benchmark's test splits" in page.inner_text(".lead")
    page = visit(site / "models/paper-medimeta-c-clip.html")
    assert page.inner_text(".lead").startswith("Not ranked: measured by the paper")


def test_a_board_without_measured_entries_promises_none(site: Path, visit: Open) -> None:
    """No column of boxes, no word of intervals or ties, where only the paper's figures are."""
    page = visit(site / "index.html", "#board=medmnist-c")
    board = page.locator(".board:not([hidden])")
    assert board.locator(".pick").count() == 0
    assert not {"intervals", "tie"} & set(" ".join(board.locator(".about").all_inner_texts()).split())
    assert "OpenAI CLIP ViT-B/16: 100 is the baseline" in board.locator(".about").last.inner_text()


def test_datasets_show_the_metric_chosen(site: Path, visit: Open) -> None:
    """The datasets' columns turn to accuracy and back; sorting follows."""
    page = visit(site / "index.html")
    before = column(page, "dataset:pbc")
    page.select_option("#metric", "clean")
    after = column(page, "dataset:pbc")
    assert before != after
    assert "clean accuracy" in head(page, "dataset:pbc").inner_text()
    head(page, "dataset:pbc").get_by_role("button").click()
    assert column(page, "dataset:pbc") == sorted(after, reverse=True)
    page.select_option("#metric", "mce")
    assert sorted(column(page, "dataset:pbc")) == sorted(before)


def test_every_link_leads_somewhere(site: Path, visit: Open) -> None:
    """No link of any page points at a file that is not there, or at a script."""
    pages = [site / "index.html", site / "scoring.html", *sorted((site / "models").iterdir())]
    page = visit(pages[0])
    for path in pages:
        page.goto(path.as_uri())
        for link in page.eval_on_selector_all(
            "a, link, script[src]", "all => all.map(one => one.href || one.src)"
        ):
            address = link.split("#")[0]
            if address.startswith("file:"):
                assert Path(address.removeprefix("file://")).is_file(), f"{path.name}: {link}"
            else:
                assert address.startswith(("https://", "data:,")), f"{path.name}: {link}"


def test_names_are_text_whatever_they_hold(site: Path, visit: Open) -> None:
    """Mark-up in any field of a submission shows as text on every page; a script address is no link."""
    page = visit(site / "index.html")
    assert HOSTILE in names(page)
    page.locator("th.model a").get_by_text(HOSTILE).click()
    page.wait_for_url("**/models/hostile.html")
    assert page.locator("h1").inner_text() == HOSTILE
    assert "javascript:" not in page.content()
    assert page.locator("img").count() == 0
    page = visit(site / "index.html", f"#sort={HOSTILE}&search={HOSTILE}&backbone=%3Cimg%3E&board=x")
    assert len(names(page)) <= 1


def test_tables_without_javascript(site: Path, visit: Open) -> None:
    """Without scripts every collection's table is there, whole, and nothing that needs one."""
    page = visit(site / "index.html", java_script_enabled=False)
    assert page.locator("table.ranking").count() == 3
    assert page.locator("tbody tr").count() == 14 + 13 + 5
    assert all(one.is_visible() for one in page.locator("tbody tr").all())
    assert not page.locator("#controls").is_visible()
    assert "The charts need JavaScript" in page.locator("noscript").inner_text()
    page.get_by_role("link", name="Model 0003").click()
    assert page.locator("table.heat").count() == 5


@pytest.mark.parametrize("width", [360, 768])
def test_narrow_screens(site: Path, visit: Open, width: int) -> None:
    """No page is wider than the screen; the model's name stays beside its numbers while they scroll."""
    for name in ("index.html", "scoring.html", "models/model-0003.html", "models/hostile.html"):
        page = visit(site / name, viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page = visit(site / "index.html", viewport={"width": width, "height": 800})
    page.evaluate("document.querySelector('.board:not([hidden]) .scroll').scrollLeft = 300")
    first = page.locator(".board:not([hidden]) tbody th.model").first
    assert 0 <= first.bounding_box()["x"] < 60
    assert first.locator(".narrow").is_visible() == (width < 761), "what the hidden columns said"


def test_filters_fold_on_a_narrow_screen(site: Path, visit: Open) -> None:
    """There the table comes first: filters open at a touch, and are open where the address sets one."""
    narrow = {"width": 375, "height": 800}
    page = visit(site / "index.html", viewport=narrow)
    assert page.locator("#search").is_visible()
    assert not page.locator("#filter-backbone").is_visible()
    page.get_by_text("Filters", exact=True).click()
    page.select_option("#filter-backbone", "ViT-B/16")
    assert page.inner_text("#more summary") == "Filters: 1 set"
    page.reload()
    assert page.locator("#filter-backbone").is_visible()
    page.set_viewport_size({"width": 1400, "height": 900})
    assert not page.locator("#more summary").is_visible()
    assert visit(site / "index.html").locator("#filter-backbone").is_visible()


def test_reported_numbers_are_not_taken_for_measured_ones(site: Path, visit: Open) -> None:
    """The paper's rows say what they are, and their numbers stand back behind measured ones."""
    page = visit(site / "index.html")
    page.locator(".segments").get_by_text("MediMeta-C", exact=True).click()
    rows = page.locator(".board:not([hidden]) tbody tr")
    assert rows.count() == rows.get_by_text("reported in the paper, not re-run").count() == 13
    colour = "one => getComputedStyle(one.querySelector('td.strong')).color"
    assert rows.first.evaluate(colour) != page.locator("tr[data-key=model-0003]").evaluate(colour)


def test_five_hundred_entries_sort_within_a_second(tmp_path: Path, visit: Open) -> None:
    """On a board of 500 a click on a head, a letter typed and a filter each take well under a second."""
    write_site((board(500),), tmp_path / "site")
    page = visit(tmp_path / "site/index.html")
    assert len(names(page)) == 500

    def timed(action: Callable[[int], Any]) -> float:
        """The quickest of some: the browser shares the machine with other tests."""
        taken = []
        for turn in range(4):
            start = time.perf_counter()
            action(turn)
            page.evaluate(
                "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            taken.append(time.perf_counter() - start)
        return min(taken)

    assert timed(lambda turn: head(page, "average").get_by_role("button").click()) < 1
    assert timed(lambda turn: head(page, "dataset:oct").get_by_role("button").click()) < 1
    assert timed(lambda turn: page.fill("#search", "1234"[turn])) < 1
    assert timed(lambda turn: page.select_option("#filter-type", ("adapted", "base")[turn % 2])) < 1
    assert 0 < len(names(page)) < 500


@pytest.mark.parametrize(
    "look", [("light", 1400), ("dark", 1400), ("light", 375)], ids=["light", "dark", "narrow"]
)
@pytest.mark.parametrize(
    "name", ["index.html", "scoring.html", "models/model-0003.html", "models/paper-medimeta-c-clip.html"]
)
def test_accessibility(site: Path, visit: Open, axe: str, name: str, look: tuple[str, int]) -> None:
    """axe-core finds nothing against WCAG 2.2 A and AA, nor its best practices, in either scheme."""
    scheme, width = look
    screen = {"width": width, "height": 900}
    page = visit(site / name, color_scheme=scheme, viewport=screen, bypass_csp=True)
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run({runOnly: tags, preload: false})", tags)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
