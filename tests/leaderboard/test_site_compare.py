"""Comparing two models on the site, in a browser: the numbers of `compare`, what is said of marked entries, and of faults."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_boards import HOSTILE, board, entry
from made_up_predictions import evaluated

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.leaderboard.site.entries import Board
from medimeta_c.leaderboard.site.pairs.bits import image_set, packed
from medimeta_c.leaderboard.site.pairs.files import pair_files
from medimeta_c.leaderboard.site.writing import SiteConfig, build_site, write_site
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.intervals import Difference, bootstrap, difference
from medimeta_c.metrics.resampling import Resampling, resampled_units
from medimeta_c.results.assessment.standing import PHANTOMS, UNVERIFIED
from medimeta_c.results.baseline_choice import ChosenBaseline, choose_baseline
from medimeta_c.results.comparison import compare
from medimeta_c.results.folder import SavedResult
from medimeta_c.metrics.baselines import published_baseline

Open = Callable[..., Any]
ROWS = ("clean_accuracy", "average_accuracy", "lost", "mce")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve folders from this machine; return the address of each."""
    servers = []

    def start(folder: Path) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def browse(browser: Any, serve: Callable[[Path], str]) -> Iterator[Open]:
    """Open a page of a served site; at the end nothing went wrong that was not foreseen."""
    contexts, wrong = [], []

    def call(site: Path, query: str = "", *, foreseen: str = "", **options: Any) -> Any:
        home = serve(site)
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8000)
        page.asked = []
        page.on("console", lambda one: foreseen and foreseen in one.text or wrong.append(one.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: page.asked.append(one.url.removeprefix(home)))
        page.goto(f"{home}/compare.html{query}")
        return page

    yield call
    pages = [page for context in contexts for page in context.pages]
    pwned = [page.evaluate("window.pwned") for page in pages]
    asked = [one for page in pages for one in page.asked if not one.startswith(("/", "data:"))]
    for context in contexts:
        context.close()
    assert (wrong, asked, set(pwned)) == ([], [], {None})


# ---- boards with predictions, without results on disk

SCOPE = Scope(
    corruptions={"pbc": ("motion_blur", "contrast"), "oct": ("contrast", "pixelate")}, severities=(1, 2, 3)
)
IMAGES = {"pbc": 131, "oct": 64}
PRINTS = {"pbc": "a" * 64, "oct": "b" * 64, "fundus": "c" * 64}


def tables(seed: int, skill: float, scope: Scope = SCOPE) -> dict[str, CorrectnessTable]:
    """Made-up correctness: some images are hard for every model, and severity costs something."""
    found = {}
    for dataset, count in {name: IMAGES.get(name, 40) for name in scope.datasets}.items():
        keys = tuple(sorted(key for key in scope.cells() if key.dataset == dataset))
        hard = np.random.default_rng((7, count)).normal(size=(count, 1))
        draw = np.random.default_rng((seed, count)).normal(size=(count, len(keys)))
        cost = np.array([0.3 * key.severity for key in keys])
        found[dataset] = CorrectnessTable(
            dataset=dataset,
            split="test",
            image_ids=tuple(f"{i:04d}" for i in range(count)),
            keys=keys,
            correct=skill - cost + hard + 0.7 * draw > 0,
        )
    return found


def answered(index: int, held: dict[str, CorrectnessTable], scope: Scope = SCOPE, **changes: Any) -> Any:
    """An entry that has these predictions."""
    prints, chance = {**PRINTS, **changes.pop("prints", {})}, changes.pop("chance", 0.3)
    right = tuple(
        packed(table, image_set(table, prints[name], resampled_units(table, Resampling())), scope, chance)
        for name, table in held.items()
    )
    return entry(index, np.random.default_rng(index), right=right, **changes)


def made_up(*entries: Any, baseline: ChosenBaseline | None = None) -> Board:
    return replace(board(0, *entries), divisor=baseline)


MODELS = {"model-0001": tables(1, 1.2), "model-0002": tables(2, 0.6), "model-0003": tables(3, 1.15)}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three models with predictions and one without, that divides by the published baseline."""
    entries = [answered(i, held) for i, held in enumerate(MODELS.values(), 1)]
    reported = entry(8, np.random.default_rng(8), source="paper", ranks=None)
    out = tmp_path_factory.mktemp("compared") / "site"
    write_site((made_up(*entries, reported, baseline=ChosenBaseline(published_baseline())),), out)
    return out


def expected(
    a: dict[str, CorrectnessTable], b: dict[str, CorrectnessTable], divisor: Any, scope: Scope
) -> dict[str, dict[str, Difference]]:
    """What `compare` computes, by dataset ("" for all) and number."""
    found = difference(bootstrap(a, divisor, scope), bootstrap(b, divisor, scope))
    return {
        name: {number: getattr(one, number) for number in ROWS if hasattr(one, number)}
        for name, one in {"": found.overall, **found.datasets}.items()
    }


def shown(page: Any, selector: str) -> list[dict[str, str]]:
    """The numbers behind the cells of a table, unrounded."""
    page.locator("#result").wait_for(state="visible")
    return page.eval_on_selector_all(selector, "all => all.map(one => ({...one.dataset, text: one.firstChild.textContent}))")  # type: ignore[no-any-return]


def assert_same(cell: dict[str, str], wanted: Difference) -> None:
    """Value and interval to 1e-6, the tie, and the text that a reader sees."""
    if wanted.value is None:
        assert cell["text"] == "\N{EN DASH}"
        return
    assert abs(float(cell["value"]) - wanted.value) < 1e-6
    assert cell["tie"] == str(wanted.tie).lower().replace("none", "null")
    text = f"{100 * wanted.value:+.1f}".replace("-", "\N{MINUS SIGN}")
    assert cell["text"] == (text if text.strip("+\N{MINUS SIGN}") != "0.0" else "0.0")
    if wanted.low is not None and wanted.high is not None:
        assert abs(float(cell["low"]) - wanted.low) < 1e-6
        assert abs(float(cell["high"]) - wanted.high) < 1e-6
    else:
        assert "low" not in cell


def cells_of(page: Any, dataset: str) -> dict[tuple[str, int], dict[str, str]]:
    """The cells of a dataset's table by corruption and severity; 0 is the mean of a row."""
    page.locator("#result").wait_for(state="visible")
    rows = page.evaluate(
        """name => [...document.querySelectorAll(`[aria-label^="${name}, "] tbody tr`)].map(row => [row.cells[0].textContent,
        ...[...row.cells].slice(1).map(one => ({...one.dataset, text: one.firstChild.textContent}))])""",
        dataset,
    )
    names = {"Clean": "clean", "Motion blur": "motion_blur", "Contrast": "contrast", "Pixelate": "pixelate"}
    return {
        (names[name], severity): cell
        for name, *cells in rows
        for severity, cell in zip((*SCOPE.severities, 0) if name != "Clean" else (0,), cells, strict=True)
    }


@pytest.mark.parametrize(("a", "b"), [("model-0001", "model-0002"), ("model-0003", "model-0001")])
def test_every_difference_is_that_of_compare(compared: Path, browse: Open, a: str, b: str) -> None:
    """Overall, by dataset, by corruption and in each cell: value, interval and tie."""
    page = browse(compared, f"?a={a}&b={b}")
    divisor = dict(published_baseline().grids)
    narrow = {"pbc": ("motion_blur", "contrast"), "oct": ("contrast", "pixelate")}
    wanted = expected(MODELS[a], MODELS[b], divisor, Scope(corruptions=narrow, severities=SCOPE.severities))
    whole = shown(page, ".whole td:nth-of-type(3)")
    assert len(whole) == len(ROWS)
    for number, cell in zip(ROWS, whole, strict=True):
        if number in wanted[""]:
            assert_same(cell, wanted[""][number])
    by_dataset = shown(page, ".pairs:not(.whole):not(.cells) tbody td")
    for place, dataset in enumerate(SCOPE.datasets):
        for number, cell in zip(ROWS, by_dataset[4 * place : 4 * place + 4], strict=True):
            if number in wanted[dataset]:
                assert_same(cell, wanted[dataset][number])
        for (corruption, severity), cell in cells_of(page, dataset).items():
            if corruption == "clean":
                assert_same(cell, wanted[dataset]["clean_accuracy"])
                continue
            severities = (severity,) if severity else SCOPE.severities
            one = Scope(corruptions={dataset: (corruption,)}, severities=severities)
            assert_same(cell, expected(MODELS[a], MODELS[b], {}, one)[dataset]["average_accuracy"])
