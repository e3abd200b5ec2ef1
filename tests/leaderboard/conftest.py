"""A tiny benchmark, results on it, the submissions they make; and a site."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "results"))

from compared_models import MODELS, Open, answered, made_up
from made_up_boards import HOSTILE, board, entry, only
from made_up_predictions import evaluated
from PIL import Image
from submissions_on_disk import PLAIN, place

from medimeta_c.building.build import BuildConfig, build
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.leaderboard.accepted import Accepted, accept
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.site.entries import Training
from medimeta_c.leaderboard.site.writing import write_site
from medimeta_c.leaderboard.submission import described
from medimeta_c.metrics.baselines import published_baseline
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.folder.saved import SavedResult

pytest.importorskip("sklearn.metrics", reason="needs the 'leaderboard' extra")


@pytest.fixture(scope="session")
def benchmark(built: Path) -> Benchmark:
    """The tiny image folders, built: `cells` (12 images, 3 classes) and `rays` (8 images, 2 classes)."""
    return open_benchmark(built)


@pytest.fixture(scope="session")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """A benchmark of three sets: two classes, of each three patients with four images."""
    root = tmp_path_factory.mktemp("slides")
    for patient in range(6):
        for image in range(4):
            path = root / f"data/slides/test/{'ab'[patient % 2]}/{patient}/{image}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng((patient, image)).integers(256, size=(8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
    config = {"datasets": ("slides",), "source": "imagefolder", "data_dir": root / "data", "jobs": 1}
    build(BuildConfig(**config, out=root / "built", corruptions=("contrast",), severities=(1, 3)))
    return open_benchmark(root / "built")


@pytest.fixture(scope="session")
def accepted(benchmark: Benchmark) -> Accepted:
    """What a board on that benchmark accepts."""
    return accept(benchmark)


@pytest.fixture(scope="session")
def weak(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A mostly wrong model's result, to divide by. Read only."""
    out = tmp_path_factory.mktemp("weak")
    return evaluated(
        out, benchmark, skill=-1.5, seed=2, spec="ViT-B-16/openai", model={"weights_sha256": "cd" * 32}
    )


@pytest.fixture(scope="session")
def saved(benchmark: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> SavedResult:
    """A good model's result, scored without a baseline. Read only."""
    return evaluated(tmp_path_factory.mktemp("saved"), benchmark, skill=2.5)


@pytest.fixture
def submitted(saved: SavedResult, tmp_path: Path) -> Callable[..., Path]:
    """Put a copy of a result, the good model's by default, at its place in a board's tree."""

    def make(result: SavedResult = saved, root: Path = tmp_path, **fields: Any) -> Path:
        return place(root, result, described({**PLAIN, **fields}, declared=True))

    return make


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve made-up models, two of them tied, a hostile one, one on PBC alone; and the paper's own."""
    draw = np.random.default_rng(1)
    hostile = entry(
        900,
        draw,
        key="hostile",
        name=HOSTILE,
        organisation=HOSTILE,
        backbone=HOSTILE,
        training=Training(kind="medical", description=HOSTILE, overlap="test", statement=HOSTILE),
        code="javascript:window.pwned=1",
        third_party=HOSTILE,
        notes=HOSTILE,
        facts={"Specification": HOSTILE},
        ranks=None,
    )
    part = entry(901, draw, key="part", name="PBC only", overall=None, ranks=None)
    part = only(part, "pbc")
    made = board(12, hostile, part)
    best, second, *rest = made.entries
    best = replace(best, ranks=(1, 2), tied=(second.key,))
    second = replace(second, ranks=(1, 2), tied=(best.key,))
    empty = tmp_path_factory.mktemp("empty")
    out = tmp_path_factory.mktemp("site") / "site"
    write_site((replace(made, entries=(best, second, *rest)), *read_boards(empty)), out)
    return out


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
        page.set_default_timeout(30_000)
        page.asked = []
        page.on("console", lambda one: wrong.extend([one.text] * (not foreseen or foreseen not in one.text)))
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


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three models with predictions and one without, that divides by the published baseline."""
    entries = [answered(i, held) for i, held in enumerate(MODELS.values(), 1)]
    reported = entry(8, np.random.default_rng(8), source="paper", ranks=None)
    out = tmp_path_factory.mktemp("compared") / "site"
    write_site((made_up(*entries, reported, baseline=ChosenBaseline(published_baseline())),), out)
    return out
