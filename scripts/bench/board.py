"""Measure a board of 500 made-up entries in Chromium: sizes of its pages, first paint, sorting, and its width.

Entries are those of tests/leaderboard/made_up_boards.py, beside the paper's rows. Times are medians of five, each in a
fresh page; sizes are as a web server sends them, compressed by gzip.

    python scripts/bench/board.py                 500 entries
    python scripts/bench/board.py --entries 50
"""

from __future__ import annotations

import argparse
import gzip
import re
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.append(str(Path(__file__).parents[2] / "tests/leaderboard"))
from made_up_boards import board

from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.site.writing import write_site

WIDTHS = (375, 768, 1280, 1920)
TURNS = 5
_DATA_URI = re.compile(rb"data:image/[^\"']*")
_PAINT = """() => new Promise(done => {
    const seen = () => performance.getEntriesByName('first-contentful-paint')[0];
    const wait = () => seen() ? done(seen().startTime) : requestAnimationFrame(wait);
    wait();
})"""
_READY = """() => new Promise(done => {
    const wait = () => document.querySelector('thead button') ? done(performance.now()) : requestAnimationFrame(wait);
    wait();
})"""
_TIMED = """() => new Promise(done => {
    const start = performance.now();
    ACTION;
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""
_HEAD = "document.querySelector('.board:not([hidden]) th[data-sort=%s] button').click()"
ACTIONS = {
    "sort by accuracy": _HEAD % "average",
    "sort by name": _HEAD % "name",
    "search": "const box = document.querySelector('#search'); box.value = '12'; box.dispatchEvent(new Event('input'))",
    "leave out a dataset": "document.querySelector('#choices input').click()",
}


def sizes(site: Path) -> None:
    """Print what the pages weigh."""
    index = (site / "index.html").read_bytes()
    scripts = b"".join(path.read_bytes() for path in sorted((site / "assets").glob("*.*")))
    print(
        f"index                 {len(gzip.compress(index)) / 1e3:8.0f} kB compressed, {len(index) / 1e3:.0f} kB"
    )
    print(f"scripts and styles    {len(gzip.compress(scripts)) / 1e3:8.0f} kB compressed")
    for folder in ("models", "datasets"):
        pages = [_DATA_URI.sub(b"", path.read_bytes()) for path in (site / folder).iterdir()]
        largest = max(pages, key=len)
        print(f"largest of {folder:10} {len(largest) / 1e3:8.0f} kB without data URIs, "
              f"{len(gzip.compress(largest)) / 1e3:.0f} kB compressed")  # fmt: skip


def times(browser: Any, site: Path) -> None:
    """Print how long a reader waits, and how long the page's main thread computed."""
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(TURNS):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto((site / "index.html").as_uri())
        found.setdefault("first paint", []).append((page.evaluate(_PAINT), 0))
        found.setdefault("ready to sort", []).append((page.evaluate(_READY), computed(session)))
        for name, action in ACTIONS.items():
            before = computed(session)
            waited = page.evaluate(_TIMED.replace("ACTION", action))
            found.setdefault(name, []).append((waited, computed(session) - before))
        page.close()
    for name, values in found.items():
        waited, busy = (statistics.median(column) for column in zip(*values, strict=True))
        print(f"{name:21} {waited:8.0f} ms" + (f", {busy:.0f} ms of computing" if busy else ""))


def computed(session: Any) -> float:
    """Return how long a page's main thread has computed, in ms: free of other processes' share of the machine."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1e3 * float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def widths(browser: Any, site: Path) -> None:
    """Print whether any page is wider than the screen."""
    pages = [site / "index.html", site / "scoring.html"]
    pages += [
        max((site / folder).iterdir(), key=lambda path: path.stat().st_size)
        for folder in ("models", "datasets")
    ]
    for width in WIDTHS:
        page = browser.new_page(viewport={"width": width, "height": 900})
        wide = []
        for path in pages:
            page.goto(path.as_uri())
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(path.name)
        print(f"{width:5} px              {', '.join(wide) + ' too wide' if wide else 'every page fits'}")
        page.close()


def main() -> None:
    """Build the board, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=500)
    count = parser.parse_args().entries
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        parser.error("needs Chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        site, nothing = Path(folder) / "site", Path(folder) / "results"
        nothing.mkdir()
        start = time.perf_counter()
        write_site((board(count), *read_boards(nothing)), site)
        print(f"{count} entries, written in {time.perf_counter() - start:.1f} s")
        sizes(site)
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        times(browser, site)
        widths(browser, site)
        browser.close()


if __name__ == "__main__":
    main()
