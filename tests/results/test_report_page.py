"""The page in a browser: it fits a phone, can be used by all, and prints whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.reports.html import render_html
from medimeta_c.results.assessment.confidence_numbers import Confidence
from medimeta_c.results.assessment.loss import Assessment

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def page_file(
    found: Assessment,
    confidence: Confidence,
    benchmark: Benchmark,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The whole page of a result, on the disk."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_html(found, confidence, benchmark), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (1280, "dark"), (1920, "light")])
def test_accessibility(page_file: Path, visit: Open, axe: str, width: int, scheme: str) -> None:
    """axe-core finds nothing against WCAG 2.2 A and AA, nor its best practices."""
    screen = {"width": width, "height": 900}
    page = visit(page_file, color_scheme=scheme, viewport=screen, bypass_csp=True)
    page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run({runOnly: tags, preload: false})", tags)
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []


@pytest.mark.parametrize("width", [375, 768, 1920])
def test_nothing_is_wider_than_the_page(page_file: Path, visit: Open, width: int) -> None:
    """Wide tables scroll in a box of their own, which the keyboard reaches; the page itself does not."""
    page = visit(page_file, viewport={"width": width, "height": 900})
    page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    outside = """width => [...document.querySelectorAll('main *')].filter(one =>
        !one.closest('.scroll, svg, .out') && one.getBoundingClientRect().right > width + 0.5
    ).map(one => one.outerHTML.slice(0, 80))"""
    assert page.evaluate(outside, width) == []
    assert page.evaluate("() => [...document.querySelectorAll('.scroll')].every(one => one.tabIndex === 0)")


def test_one_screen_tells_it(page_file: Path, visit: Open) -> None:
    """At 1280 by 800: the verdict, every sentence, the headlines, and the heat maps of the datasets."""
    page = visit(page_file, viewport={"width": 1280, "height": 800})
    for part in (".lead", ".parts", ".headlines", ".maps"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 800, part


def test_every_shade_lets_its_number_be_read(page_file: Path, visit: Open) -> None:
    """The contrast of a heat map's numbers with the strongest shade is at least 4.5 in light and in dark."""
    contrast = """() => {
        const cell = document.querySelector('.lost td');
        cell.className = 'h20';
        const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
        const light = colour => {
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(one => one / 255)
                .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] + 0.05;
        };
        const style = getComputedStyle(cell);
        const [one, other] = [light(style.color), light(style.backgroundColor)];
        return Math.max(one, other) / Math.min(one, other);
    }"""
    for scheme in ("light", "dark"):
        assert visit(page_file, color_scheme=scheme).evaluate(contrast) >= 4.5


def test_details_are_printed(page_file: Path, visit: Open) -> None:
    """What is folded on the screen is on paper."""
    page = visit(page_file)
    page.emulate_media(media="print")
    folded = page.locator("details:not([open])").first
    assert folded.locator("table").first.bounding_box()["height"] > 0
