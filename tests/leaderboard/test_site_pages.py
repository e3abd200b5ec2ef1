"""The pages in a browser: what a reader clicks, types and tabs through; and what a hostile name cannot do."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_up_boards import HOSTILE, board

from medimeta_c._version import __version__
from medimeta_c.leaderboard.site.paper import paper_entries
from medimeta_c.leaderboard.site.writing import write_site

DASH = "\N{EN DASH}"
Open = Callable[..., Any]


def names(page: Any) -> list[str]:
    """The models that the visible table shows, top down."""
    return page.eval_on_selector_all(  # type: ignore[no-any-return]
        ".board:not([hidden]) tbody tr[id]:not([hidden]) th.model a",
        "links => links.map(one => one.textContent)",
    )


def column(page: Any, sort: str) -> list[float]:
    """The numbers of a column, top down, without dashes."""
    texts = page.evaluate(
        """sort => {
        const table = document.querySelector('.board:not([hidden]) table');
        const at = [...table.tHead.rows[0].cells].findIndex(one => one.dataset.sort === sort);
        const rows = [...table.tBodies[0].rows].filter(row => !row.hidden);
        return rows.map(row => row.cells[at].textContent);
    }""",
        sort,
    )
    return [float(text.split()[-1]) for text in texts if text.strip() not in (DASH, "")]


def head(page: Any, sort: str) -> Any:
    return page.locator(f'.board:not([hidden]) th[data-sort="{sort}"]')


def test_sorting_by_every_column(site: Path, visit: Open) -> None:
    """A head sorts by its column, again in the other direction; dashes come last in both."""
    page = visit(site / "index.html")
    assert head(page, "mce").get_attribute("aria-sort") == "ascending"
    for sort in ("mce", "loss", "kept", "average", "clean", "worst", "gap"):
        head(page, sort).get_by_role("button").click()
        down = head(page, sort).get_attribute("aria-sort") == "descending"
        numbers = column(page, sort)
        assert numbers == sorted(numbers, reverse=down)
        assert down == (sort in ("mce", "kept", "average", "clean", "gap")), (
            "the first click shows the best first"
        )
        head(page, sort).get_by_role("button").click()
        assert column(page, sort) == sorted(numbers, reverse=not down)
        assert names(page)[-1] == "PBC only"
    head(page, "name").get_by_role("button").click()
    assert names(page) == sorted(names(page), key=str.lower)
    head(page, "date").get_by_role("button").click()
    dates = page.locator(".board:not([hidden]) td.c-date").all_inner_texts()
    assert dates == sorted(dates, reverse=True)
    page = visit(site / "index.html", "#board=medimeta-c&sort=name")
    shares = [name for name in names(page) if name.startswith("RobustMedCLIP ViT")]
    assert shares == [f"RobustMedCLIP ViT, {share}\N{NO-BREAK SPACE}%" for share in (1, 3, 7, 10)]


def test_ties_are_shown_as_ties(site: Path, visit: Open) -> None:
    """Tied models share a range of ranks, drawn from best to worst place; reported ones have a dash."""
    page = visit(site / "index.html")
    head(page, "rank").get_by_role("button").click()
    ranks = page.eval_on_selector_all(
        ".board:not([hidden]) td.rank", "all => all.map(one => one.textContent)"
    )
    assert ranks[:3] == [f"1{DASH}2", f"1{DASH}2", "3"]
    assert ranks[-1] == DASH
    drawn = page.locator(".board:not([hidden]) .span path")
    assert [drawn.nth(place).get_attribute("d") for place in (0, 2)] == ["M0.0 2H16.7", "M16.7 2H25.0"]
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
    page.get_by_text("Filters", exact=True).click()
    page.select_option("#filter-backbone", "ViT-B/16")
    backbone = set(names(page))
    page.select_option("#filter-training", "medical")
    both = set(names(page))
    page.select_option("#filter-type", "adapted")
    assert both < backbone < everything
    assert names(page) == []
    assert page.locator(".board:not([hidden]) .nothing").is_visible()
    assert page.locator(".board:not([hidden]) .chart:visible").count() == 1, "the curves chosen stay"
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
    for control, value in (("#filter-weights", "yes"), ("#filter-size", "336"), ("#filter-overlap", "test")):
        page.select_option(control, value)
        assert 0 < len(names(page)) < 14
        page.select_option(control, "")
    page.locator(".segments").get_by_text("probe", exact=True).click()
    assert set(names(page)) == {f"Model {number:04d}" for number in (1, 5, 9)} | {"PBC only"}
    page.locator(".segments").get_by_text("all", exact=True).click()
    page.locator(".segments").get_by_text("MedMNIST-C", exact=True).click()
    assert set(names(page)) == {"CLIP", "MedCLIP", "BioMedCLIP", "UniMedCLIP", "RobustMedCLIP"}
    page.select_option("#filter-source", "measured")
    assert names(page) == []
    page.get_by_role("button", name="Clear filters").click()
    assert len(names(page)) == 5
    assert not page.locator("#clear").is_visible()
    assert page.evaluate("document.activeElement.value") == "medmnist-c", "the focus is not lost"


def test_the_whole_view_is_in_the_address(site: Path, visit: Open) -> None:
    """What is sorted, filtered, chosen and ticked comes back by link, reload and the back button."""
    page = visit(site / "index.html")
    head(page, "clean").get_by_role("button").click()
    page.get_by_text("Filters", exact=True).click()
    page.select_option("#filter-type", "adapted")
    page.get_by_text("Datasets and corruptions", exact=True).click()
    page.get_by_label("fundus", exact=True).uncheck()
    page.get_by_label("Contrast", exact=True).uncheck()
    page.locator(".board:not([hidden]) tr:not([hidden]) .tools input:not(:checked)").first.check()
    look = """() => [location.hash, ...[...document.querySelectorAll(
        '#controls select, #choices input, .board:not([hidden]) .tools input')].map(
        one => one.type === 'checkbox' ? one.checked : one.value),
        document.querySelector('.board:not([hidden]) .again').textContent,
        document.querySelectorAll('.board:not([hidden]) [data-chart=curves] .legend span').length]"""
    before, order = page.evaluate(look), names(page)
    assert before[-1] == 5
    page.locator("th.model a").get_by_text(order[0], exact=True).click()
    page.wait_for_url("**/models/*.html")
    page.go_back()
    assert (page.evaluate(look), names(page)) == (before, order)
    page.evaluate("location.hash = 'main'")
    page.wait_for_function("() => !location.hash.includes('main')")
    assert page.evaluate(look) == before, "a link to a place on the page keeps the view"
    page.evaluate("location.hash = '#board=medmnist-c'")
    page.wait_for_function("() => document.querySelector('#count').textContent === '5 of 5 entries'")
    assert page.input_value("#filter-type") == "", "a link to another view, opened here, is followed"
    page.evaluate("hash => { location.hash = hash; }", before[0])
    page.wait_for_function("() => document.querySelector('#filter-type').value === 'adapted'")
    assert (page.evaluate(look), names(page)) == (before, order)


@pytest.mark.parametrize("width", [375, 1400])
def test_heads_stay_in_sight(site: Path, visit: Open, width: int) -> None:
    """The table's head stays at the top of any screen while its rows scroll."""
    page = visit(site / "index.html", viewport={"width": width, "height": 500})
    page.locator("[id=part]").scroll_into_view_if_needed()
    top = page.evaluate(
        "() => document.querySelector('.board:not([hidden]) thead th.model').getBoundingClientRect().top"
    )
    assert top == 0


def test_the_first_table_is_that_of_the_first_sentence(site: Path, visit: Open) -> None:
    """The collection it names is shown first, with a script and without, wherever it stands among others."""
    for script in (True, False):
        page = visit(site / "index.html", java_script_enabled=script)
        shown = page.locator(".board h2:visible").first.inner_text()
        assert f"On {shown}, " in page.inner_text(".lead")


def test_chosen_averages_are_computed_again(site: Path, visit: Open) -> None:
    """Means over one dataset are that dataset's numbers, and all of them bring the first numbers back."""
    page = visit(site / "index.html")
    frozen = {sort: column(page, sort) for sort in ("mce", "loss", "average", "clean", "gap")}
    page.get_by_text("Datasets and corruptions", exact=True).click()
    for name in ("mammo_calc", "pneumonia", "fundus", "oct"):
        page.get_by_label(name, exact=True).uncheck()
    assert page.inner_text(".board:not([hidden]) .again").startswith("Means over 1 of 5 datasets and 7 of 7")
    row = page.locator("#model-0003")
    found = [row.locator(f".c-{sort}").inner_text() for sort in ("loss", "mce", "average", "clean", "gap")]
    other = visit(next((site / "datasets").glob("medimeta-c-1-0--pbc*")))
    line = other.locator("tr", has=other.get_by_role("link", name="Model 0003"))
    own = [
        line.locator(f".c-{sort}").inner_text().split("\n")[0] for sort in ("loss", "mce", "average", "clean")
    ]
    assert found == [*own, DASH], "a gap of chosen parts is not known here"
    assert row.locator(".rank").inner_text() == DASH
    assert page.locator("#part .c-clean").inner_text() != DASH, "it has that dataset"
    page.get_by_label("pbc", exact=True).click()
    assert page.get_by_label("pbc", exact=True).is_checked(), "a mean needs at least one"
    for name in ("mammo_calc", "pneumonia", "fundus", "oct"):
        page.get_by_label(name, exact=True).check()
    assert {sort: column(page, sort) for sort in frozen} == frozen
    assert not page.locator(".board:not([hidden]) .again").is_visible()


def test_details_of_a_row(site: Path, visit: Open) -> None:
    """A row is one line; its details have intervals and datasets, and go with it when it is sorted."""
    page = visit(site / "index.html")
    assert page.locator("#model-0003").bounding_box()["height"] < 40
    page.get_by_label("Details of Model 0003", exact=True).click()
    detail = page.locator("tr.detail")
    assert "Laboratory 3" in detail.inner_text()
    assert DASH in detail.locator("dd").first.inner_text(), "an interval"
    assert detail.locator("tbody tr").count() == 5
    head(page, "name").get_by_role("button").click()
    assert page.evaluate("document.querySelector('tr.detail').previousElementSibling.id") == "model-0003"
    page.set_viewport_size({"width": 375, "height": 800})
    page.wait_for_function("() => document.querySelector('tr.detail > td').colSpan === 5")
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.get_by_label("Details of Model 0003", exact=True).click()
    assert page.locator("tr.detail").count() == 0


def test_an_entry_has_an_address_on_the_ranking(site: Path, visit: Open) -> None:
    """A link to its row opens its collection and its details, also of a row that is folded."""
    page = visit(site / "index.html", "#paper-medmnist-c-clip")
    assert page.locator(".board:not([hidden]) h2").inner_text() == "MedMNIST-C"
    assert "OpenAI" in page.locator("tr.detail").inner_text()


def test_versions_are_on_every_page(site: Path) -> None:
    """Board, package and benchmark, so that a printed page says what it is of."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "Board: current, not a release. " in text, path.name
        assert f"Package: medimeta-c {__version__}. " in text, path.name
        assert "Benchmark: " in text, path.name
    assert "MediMeta-C 1.0 (fingerprint 5f5f5f5f5f5f)" in (site / "models/part.html").read_text("utf-8")


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
    assert board.locator(".tools input").count() == 0
    assert not {"intervals", "tie"} & set(" ".join(board.locator(".about").all_inner_texts()).split())
    assert "OpenAI CLIP ViT-B/16: 100 is the baseline" in board.locator(".about").first.inner_text()


def test_a_datasets_page_has_every_entry(site: Path, visit: Open) -> None:
    """Its table sorts by any column; entries without the dataset are not on it."""
    page = visit(next((site / "datasets").glob("medimeta-c-1-0--pbc*")))
    rows = page.locator("tbody tr")
    assert rows.count() == 14
    page.get_by_role("button", name="Clean accuracy").click()
    texts = [text.split("\n")[0] for text in page.locator("td.c-clean").all_inner_texts()]
    assert [float(text) for text in texts] == sorted(map(float, texts), reverse=True)
    assert visit(next((site / "datasets").glob("medimeta-c-1-0--oct*"))).locator("tbody tr").count() == 13


def test_every_link_leads_somewhere(site: Path, visit: Open) -> None:
    """No link of any page points at a file that is not there, or at a script."""
    pages = [
        site / "index.html",
        site / "scoring.html",
        *sorted((site / "models").iterdir()),
        *sorted((site / "datasets").iterdir()),
    ]
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
    assert page.locator("tbody tr[id]").count() == 14 + 13 + 5
    assert all(one.is_visible() for one in page.locator("tbody tr").all())
    assert not page.locator("#controls").is_visible()
    assert "need JavaScript" in page.locator("noscript").inner_text()
    assert page.locator("[data-chart=accuracy] circle.m").count() == 13 + 5 + 5, "charts need none"
    page.get_by_role("link", name="Model 0003").click()
    assert page.locator("table.heat").count() == 5


@pytest.mark.parametrize("width", [375, 768, 1280, 1920])
def test_nothing_is_cut(site: Path, visit: Open, width: int) -> None:
    """No page is wider than the screen, and no number of the ranking's columns runs over its cell."""
    pages = ["index.html", "scoring.html", "models/model-0003.html", "models/hostile.html"]
    for name in [*pages, *(f"datasets/{path.name}" for path in (site / "datasets").glob("*--pbc*"))]:
        page = visit(site / name, viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page = visit(site / "index.html", viewport={"width": width, "height": 800})
    cut = """() => [...document.querySelectorAll('.board:not([hidden]) tr[id] > td')].filter(
        one => one.scrollWidth > one.clientWidth + 1).map(one => one.className + one.textContent)"""
    assert page.evaluate(cut) == []
    page.get_by_text("Filters", exact=True).click()
    page.get_by_text("Datasets and corruptions", exact=True).click()
    page.get_by_label("oct", exact=True).uncheck()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "with all that opens"


def test_a_narrow_screen_shows_the_column_sorted_by(site: Path, visit: Open) -> None:
    """Where not all columns fit, any can be chosen to order by, and is then shown."""
    page = visit(site / "index.html", viewport={"width": 375, "height": 800})
    assert not head(page, "gap").is_visible()
    page.select_option("#order", "gap")
    assert head(page, "gap").is_visible()
    assert column(page, "gap") == sorted(column(page, "gap"), reverse=True)


def test_reported_numbers_are_not_taken_for_measured_ones(site: Path, visit: Open) -> None:
    """The paper's rows say what they are, and their numbers stand back behind measured ones."""
    page = visit(site / "index.html")
    page.locator(".segments").get_by_text("MediMeta-C", exact=True).click()
    rows = page.locator(".board:not([hidden]) tbody tr[id]")
    assert rows.count() == rows.get_by_title("reported in the paper, not re-run").count() == 13
    colour = "one => getComputedStyle(one.querySelector('td.c-mce')).color"
    assert rows.first.evaluate(colour) != page.locator("#model-0003").evaluate(colour)


def test_the_papers_rows_are_folded_under_measured_ones(tmp_path: Path, visit: Open) -> None:
    """They come last, under a head that opens them; a search finds them too."""
    reported = paper_entries("MediMeta-C")
    write_site((replace(board(3), entries=(*board(3).entries, *reported)),), tmp_path / "site")
    page = visit(tmp_path / "site/index.html")
    rows = page.locator("tbody.paper tr[id]")
    assert (rows.count(), rows.first.is_visible()) == (13, False)
    page.get_by_role("button", name="13 models reported in the paper, not re-run").click()
    assert rows.first.is_visible()
    page.reload()
    page.fill("#search", "MedCLIP")
    assert page.locator("tbody.paper").get_by_role("link", name="BioMedCLIP").is_visible()


def test_a_board_of_five_hundred_entries_is_light(tmp_path: Path, visit: Open) -> None:
    """It sorts and filters; what is sent stays small. scripts/bench/board.py measures how long it takes."""
    write_site((board(500),), tmp_path / "site")
    page = visit(tmp_path / "site/index.html")
    assert len(names(page)) == 500

    acts: tuple[Callable[[], Any], ...] = (
        head(page, "average").get_by_role("button").click,
        head(page, "loss").get_by_role("button").click,
        lambda: page.fill("#search", "12"),
        page.locator(".segments").get_by_text("probe", exact=True).click,
    )
    for act in acts:
        before = names(page)
        act()
        assert names(page) != before
    assert 0 < len(names(page)) < 500
    index = (tmp_path / "site/index.html").read_bytes()
    assert len(gzip.compress(index)) < 600_000
    pages = (path.read_bytes() for path in (tmp_path / "site/models").iterdir())
    assert max(len(re.sub(rb"data:image/[^\"]*", b"", page)) for page in pages) < 200_000


@pytest.mark.parametrize(
    "look", [("light", 1400), ("dark", 1400), ("light", 375)], ids=["light", "dark", "narrow"]
)
@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "scoring.html",
        "models/model-0003.html",
        "models/paper-medimeta-c-clip.html",
        "datasets/medimeta-c-1-0--pbc--5f5f5f5f.html",
    ],
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
