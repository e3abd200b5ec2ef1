"""Comparing two models on the site, in a browser: the numbers of `compare`, and what is said of them."""

from __future__ import annotations

import gzip
import json
import shutil
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
from medimeta_c.leaderboard.site.entries import Board, Training
from medimeta_c.leaderboard.site.pairs.bits import image_set, packed
from medimeta_c.leaderboard.site.pairs.files import pair_files
from medimeta_c.leaderboard.site.writing import SiteConfig, build_site, write_site
from medimeta_c.metrics.baselines import published_baseline
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.intervals import Difference, bootstrap, difference
from medimeta_c.metrics.loss import loss, loss_difference
from medimeta_c.metrics.measures.cell_values import accuracies
from medimeta_c.metrics.resampling import Resampling, resampled_units
from medimeta_c.results.assessment.standing import PHANTOMS, UNVERIFIED
from medimeta_c.results.baseline_choice import ChosenBaseline
from medimeta_c.results.cells import percent
from medimeta_c.results.comparison import compare
from medimeta_c.results.folder import SavedResult

Open = Callable[..., Any]
CELL = """one => ({...one.dataset, text: one.firstChild.textContent,
    interval: one.querySelector("small")?.textContent})"""
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


# ---- boards with predictions, without results on disk

SCOPE = Scope(
    corruptions={"pbc": ("motion_blur", "contrast"), "oct": ("contrast", "pixelate")},
    severities=(1, 2, 3, 4, 5),
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
        cost = np.array([0.2 * key.severity for key in keys])
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
    found: list[dict[str, str]] = page.eval_on_selector_all(selector, f"all => all.map({CELL})")
    return found


def assert_same(cell: dict[str, str], wanted: Difference) -> None:
    """Value and interval to 1e-6, the tie, and the text that a reader sees."""
    if wanted.value is None:
        assert cell["text"] == "\N{EN DASH}"
        return
    assert abs(float(cell["value"]) - wanted.value) < 1e-6
    assert cell["tie"] == str(wanted.tie).lower().replace("none", "null")
    text = cell["text"].replace("\N{MINUS SIGN}", "-")
    assert text.removeprefix("+") == percent(wanted.value).replace("-0.0", "0.0")
    assert text.startswith("+") == (float(text) > 0)
    if wanted.low is not None and wanted.high is not None:
        assert abs(float(cell["low"]) - wanted.low) < 1e-6
        assert abs(float(cell["high"]) - wanted.high) < 1e-6
        ends = [percent(end) for end in (wanted.low, wanted.high)]
        assert cell["interval"].replace("\N{MINUS SIGN}", "-") == " to ".join(ends).replace("-0.0", "0.0")
    else:
        assert "low" not in cell
        assert cell["interval"] == "no interval"


def cells_of(page: Any, dataset: str) -> dict[tuple[str, int], dict[str, str]]:
    """The cells of a dataset's table by corruption and severity; 0 is the mean of a row."""
    page.locator("#result").wait_for(state="visible")
    rows = page.evaluate(
        f"""name => [...document.querySelectorAll(`[aria-label^="${{name}}, "] tbody tr`)].map(
        row => [row.cells[0].textContent, ...[...row.cells].slice(1).map({CELL})])""",
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
    wanted = expected(MODELS[a], MODELS[b], divisor, SCOPE)
    assert wanted[""]["mce"].value is not None
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


def test_points_lost_are_those_of_an_assessment(compared: Path, browse: Open) -> None:
    """Overall and by dataset, the paired difference in what corruption costs is that of `metrics.loss`."""
    page = browse(compared, "?a=model-0001&b=model-0002")
    values = [
        accuracies(bootstrap(MODELS[name], {}, SCOPE), dict.fromkeys(SCOPE.datasets, 0.3))
        for name in ("model-0001", "model-0002")
    ]
    wanted = loss_difference(*values)
    assert_same(shown(page, ".whole td:nth-of-type(3)")[2], wanted.overall.lost.points)
    by_dataset = shown(page, ".pairs:not(.whole):not(.cells) tbody td")
    for place, dataset in enumerate(SCOPE.datasets):
        assert_same(by_dataset[4 * place + 2], wanted.datasets[dataset].lost.points)


def test_a_board_of_submissions_compares_as_the_command_does(  # noqa: PLR0917  (fixtures)
    submitted: Callable[..., Path],
    benchmark: Benchmark,
    saved: SavedResult,
    weak: SavedResult,
    tmp_path: Path,
    browse: Open,
) -> None:
    """From results on disk, with a measured baseline whose images are resampled along."""
    middle = evaluated(tmp_path / "m", benchmark, skill=2.0, seed=9, model={"weights_sha256": "ef" * 32})
    submitted(name="Good")
    submitted(middle, name="Middle")
    build_site(SiteConfig(results=tmp_path / "results", out=tmp_path / "site", baseline=str(weak.path)))
    page = browse(tmp_path / "site")
    found = compare([saved, middle], baseline=str(weak.path))
    (differences,) = found.differences.values()
    for side, model in zip("ab", found.models, strict=True):
        name = "Good" if model.result is saved else "Middle"
        page.select_option(f"#{side}", label=f"{name} · Example Laboratory")
    whole = shown(page, ".whole td:nth-of-type(3)")
    by_dataset = shown(page, ".pairs:not(.whole):not(.cells) tbody td")
    for place, number in enumerate(ROWS):
        if number == "lost":
            continue
        assert_same(whole[place], getattr(differences.overall, number))
        for row, dataset in enumerate(found.scope.datasets):
            assert_same(by_dataset[4 * row + place], getattr(differences.datasets[dataset], number))
    assert "mCE divides by" in page.inner_text(".notes")


def test_patients_are_drawn_whole(tmp_path: Path, browse: Open) -> None:
    """Where the board's benchmark knows groups, intervals are over groups, and the page says so."""
    held, groups = [tables(1, 1.2), tables(2, 0.6)], {"pbc": {f"{i:04d}": i // 4 for i in range(131)}}
    plan = Resampling(grouped=("pbc",))
    made = []
    for index, each in enumerate(held):
        right = tuple(
            packed(one, image_set(one, PRINTS[name], resampled_units(one, plan, groups)), SCOPE, 0.3)
            for name, one in each.items()
        )
        made.append(entry(index, np.random.default_rng(index), right=right))
    write_site((made_up(*made),), tmp_path / "site")
    page = browse(tmp_path / "site", "?a=model-0000&b=model-0001")
    wanted = difference(*(bootstrap(each, {}, SCOPE, plan, groups) for each in held))
    over_images = difference(*(bootstrap(each, {}, SCOPE) for each in held))
    cell = shown(page, ".whole td:nth-of-type(3)")[1]
    assert_same(cell, wanted.overall.average_accuracy)
    assert wanted.overall.average_accuracy.low != over_images.overall.average_accuracy.low
    assert "such as those of one patient, as independent in pbc, and single images" in page.inner_text(
        ".notes"
    )


def test_counts_of_255_and_more(compared: Path, browse: Open) -> None:
    """A byte cannot hold them, so the file's line does; the accuracy divides by all that were drawn."""
    page = browse(compared)
    counts = np.array([[300, 0, 1], [255, 2, 0], [1, 1, 1], [0, 254, 7]])
    correct = np.array([[1, 0, 1], [0, 1, 1]])
    found = page.evaluate(
        """async ([drawn, above, columns]) => {
        const { accuracies } = await import('./assets/compare/numbers.js');
        const counts = { images: 3, resamples: 4, drawn: new Uint8Array(drawn), above: new Map(above) };
        return accuracies(counts, columns.map(one => new Uint8Array([one]))).map(one => [...one]); }""",
        [np.minimum(counts, 255).ravel().tolist(), [[0, 300], [3, 255]], [0b101, 0b110]],
    )
    wanted = [[2 / 3, *row] for row in (correct @ counts.T / counts.sum(axis=1)).tolist()]
    assert np.allclose(found, wanted, rtol=0, atol=1e-15)


def test_only_what_is_ticked_counts(compared: Path, browse: Open) -> None:
    """Fewer datasets and corruptions make other means, the address keeps them, and one stays ticked."""
    page = browse(compared, "?a=model-0001&b=model-0002")
    page.locator("#result").wait_for(state="visible")
    page.get_by_label("oct", exact=True).uncheck()
    page.get_by_label("Motion blur").uncheck()
    one = Scope(corruptions={"pbc": ("contrast",)}, severities=SCOPE.severities)
    wanted = expected(MODELS["model-0001"], MODELS["model-0002"], dict(published_baseline().grids), one)
    page.wait_for_function("() => document.querySelectorAll('.cells').length === 1")
    cells = shown(page, ".whole td:nth-of-type(3)")
    for number, cell in zip(ROWS, cells, strict=True):
        if number != "lost":
            assert_same(cell, wanted[""][number])
    page.get_by_label("pbc", exact=True).click()
    assert page.get_by_label("pbc", exact=True).is_checked(), "the last one cannot be taken away"
    assert "datasets=pbc" in page.url
    page.reload()
    assert shown(page, ".whole td:nth-of-type(3)") == cells


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


def test_a_missing_cell_leaves_its_numbers_undefined(tmp_path: Path, browse: Open) -> None:
    """As in `compare`: its cell, its row's mean and the means over it are dashes, all else is there."""
    whole, part = tables(1, 1.2), tables(2, 0.6)
    lost = SetKey("oct", "test", "pixelate", 2)
    kept = [key != lost for key in part["oct"].keys]
    part["oct"] = replace(
        part["oct"],
        keys=tuple(key for key in part["oct"].keys if key != lost),
        correct=part["oct"].correct[:, kept],
    )
    write_site((made_up(answered(1, whole), answered(2, part)),), tmp_path / "site")
    page = browse(tmp_path / "site", "?a=model-0001&b=model-0002")
    wanted = expected(whole, part, {}, SCOPE)
    for number, cell in zip(ROWS, shown(page, ".whole td:nth-of-type(3)"), strict=True):
        assert_same(cell, wanted[""].get(number, wanted[""]["average_accuracy"]))
    assert wanted[""]["average_accuracy"].value is None
    dashes = {where for where, cell in cells_of(page, "oct").items() if cell["text"] == "\N{EN DASH}"}
    assert dashes == {("pixelate", 2), ("pixelate", 0)}
    assert all("value" in cell for cell in cells_of(page, "pbc").values())


def test_only_the_same_images_are_compared(tmp_path: Path, browse: Open) -> None:
    """A dataset of another fingerprint, or that one model lacks, is named; a stranger is not offered."""
    alone = Scope(corruptions={"fundus": ("contrast",)}, severities=SCOPE.severities)
    first = answered(1, {**tables(1, 1.0), **tables(1, 1.0, alone)}, replace_scope(alone))
    entries = [
        first,
        answered(2, tables(2, 0.5), prints={"oct": "d" * 64}),
        answered(3, tables(3, 0.5, alone), alone, prints={"fundus": "e" * 64}),
    ]
    write_site((made_up(*entries),), tmp_path / "site")
    page = browse(tmp_path / "site", "?a=model-0001&b=model-0002")
    page.locator("#result").wait_for(state="visible")
    notes = page.inner_text(".notes")
    assert "oct is left out: the fingerprints differ, so the two answered different images of it." in notes
    assert "fundus is left out: only A was scored on it." in notes
    assert page.locator(".cells").count() == 1
    assert page.locator("#b option").all_inner_texts()[1:] == ["Model 0002 · Laboratory 2"]
    assert page.inner_text("#unlisted").startswith("1 other entry is not listed for model B")


def replace_scope(more: Scope) -> Scope:
    """The usual scope with the datasets of another."""
    return SCOPE.model_copy(update={"corruptions": {**SCOPE.corruptions, **more.corruptions}})


def test_reported_rows_cannot_be_chosen(compared: Path, browse: Open) -> None:
    """They have no predictions, and the page says so."""
    page = browse(compared)
    assert "Model 0008" not in page.inner_text("#a")
    assert "1 row of the ranking is not listed here" in page.inner_text("#main")


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        ({"marks": (PHANTOMS,)}, "B is on phantoms: generated images, not medical ones"),
        ({"marks": (UNVERIFIED,), "source": "unverified"}, "B is unverified"),
        ({"training": Training(kind="general", description="x", overlap="test")}, "B is trained on images"),
    ],
    ids=["phantoms", "unverified", "seen"],
)
def test_of_marked_entries_only_the_mark_is_said(
    tmp_path: Path, browse: Open, changes: dict[str, Any], phrase: str
) -> None:
    """Their differences are shown, but no sentence prefers them or the other."""
    entries = [answered(1, MODELS["model-0001"]), answered(2, MODELS["model-0002"], **changes)]
    write_site((made_up(*entries),), tmp_path / "site")
    page = browse(tmp_path / "site", "?a=model-0001&b=model-0002")
    page.locator("#result").wait_for(state="visible")
    assert page.inner_text(".verdict").startswith(f"These differences rank nothing: {phrase}")
    assert not {"better", "more accurate", "loses less"} & {
        words for words in ("better", "more accurate", "loses less") if words in page.inner_text("main")
    }
    assert page.locator(".sides .badge").count() == 1
    assert "[" in page.locator("#b option:checked").inner_text()


BOTH = (True, True)
POINTS = "by 3.0 points (95 % interval 2.0 to 4.0)."
SENTENCES = [
    (
        (5, 4, 6),
        (3, 2, 4),
        (0.5, -1, 2),
        BOTH,
        f"Under corruption A is more accurate than B, {POINTS}",
    ),
    (
        (0, -1, 1),
        (-3, -4, -2),
        (3, 2, 4),
        BOTH,
        f"Under corruption B is more accurate than A, {POINTS}",
    ),
    ((0, -1, 1), (3, 2, 4), (-3, -4, -2), BOTH, f"A loses less to corruption than B, {POINTS}"),
    ((-1, -3, 2), (-3, -4, -2), (3, 2, 4), BOTH, f"B loses less to corruption than A, {POINTS}"),
    (
        (5, 4, 6),
        (-3, -4, -2),
        (8, 7, 9),
        BOTH,
        "B loses less to corruption than A, by 8.0 points (95 % interval 7.0 to 9.0), but starts lower: on "
        "clean images it is less accurate, by 5.0 points (95 % interval 4.0 to 6.0).",
    ),
    (
        (5, 4, 6),
        (1, -1, 3),
        (0, 0, 2),
        BOTH,
        "Under corruption the images cannot tell the accuracies of A and B apart: A - B is 1.0 points (95 % "
        "interval -1.0 to 3.0). What they lose to corruption cannot be told apart: A - B is 0.0 points (95 % "
        "interval 0.0 to 2.0).",
    ),
    ((30, 28, 32), (3, 2, 4), (27, 25, 29), (True, False), "B is at chance on clean images, and what knows"),
    ((1, 0.5, 2), (3, 2, 4), (-2, -3, -1), (False, False), "A and B are at chance on clean images, and what"),
]
"""Clean accuracy, average accuracy, points lost: value and interval; who is above chance; what is said."""


def test_each_sentence_has_its_numbers(compared: Path, browse: Open) -> None:
    """A model loses less only if the images show it; who starts lower or knows nothing is said to."""
    page = browse(compared)
    for clean, average, lost, knows, sentence in SENTENCES:
        said = page.evaluate(
            """async ([numbers, knows]) => {
            const { verdict } = await import('./assets/compare/words.js');
            const made = (all) => { const [value, low, high] = all.map((one) => one / 100);
              return { value, low, high, tie: low <= 0 && high >= 0 }; };
            return verdict(new Map(Object.entries(numbers).map(([name, one]) => [name, made(one)])), knows);
            }""",
            [{"clean": clean, "average": average, "lost": lost}, knows],
        )
        assert sentence in said.replace("\N{MINUS SIGN}", "-")
        assert all(knows) or "loses less" not in said


def test_chance_is_judged_as_elsewhere(compared: Path, browse: Open) -> None:
    """Above chance or not, right or wrong on every image included, as `metrics.loss` says."""
    page = browse(compared)
    judged = set()
    for skill, chance in ((1.2, 0.3), (0.2, 0.55), (9.0, 0.97), (9.0, 0.9), (-9.0, 0.0)):
        values = accuracies(bootstrap(tables(4, skill), {}, SCOPE), dict.fromkeys(SCOPE.datasets, chance))
        parts = [
            [values.values[SetKey(name, "test", "clean", 0)].tolist(), chance, IMAGES[name]]
            for name in SCOPE.datasets
        ]
        found = page.evaluate(
            """async parts => (await import('./assets/compare/numbers.js')).knows(parts.map(
            ([values, chance, images]) => ({ values: Float64Array.from(values), chance, images })), 0.95)""",
            parts,
        )
        assert found == (loss(values).overall.beside_chance == 1)
        judged.add(found)
    assert judged == {True, False}


def test_names_are_text_whatever_they_hold(tmp_path: Path, browse: Open) -> None:
    """Mark-up in a name shows as text, in the lists and in the comparison."""
    entries = [
        answered(1, MODELS["model-0001"], name=HOSTILE, organisation=HOSTILE),
        answered(2, MODELS["model-0002"]),
    ]
    write_site((made_up(*entries),), tmp_path / "site")
    page = browse(tmp_path / "site", "?a=model-0001&b=model-0002")
    page.locator("#result").wait_for(state="visible")
    assert page.locator(".sides a").first.inner_text() == HOSTILE
    assert page.locator("#a option:checked").inner_text() == f"{HOSTILE} · {HOSTILE}"
    assert page.locator("main img").count() == 0


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _shorten(path: Path) -> None:
    """A whole file in which bytes are missing."""
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-1]))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


def _of_another(path: Path) -> None:
    """A whole file, of other images."""
    head, _, body = gzip.decompress(path.read_bytes()).partition(b"\n")
    path.write_bytes(gzip.compress(head.replace(b"a" * 64, b"f" * 64) + b"\n" + body))


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (Path.unlink, "could not be loaded: the server answered 404"),
    "truncated": (_truncate, "is damaged"),
    "flipped": (_flip, "is damaged"),
    "shorter": (_shorten, "is damaged"),
    "no data": (lambda path: path.write_bytes(b"<html>Not found</html>"), "is damaged"),
    "another": (_of_another, "does not belong to this page"),
}


@pytest.mark.parametrize(
    ("fault", "pattern"),
    [
        *((fault, "model-0002.bits") for fault in FAULTS),
        ("shorter", "pbc-*.counts"),
        ("another", "pbc-*.counts"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(
    compared: Path, tmp_path: Path, browse: Open, fault: str, pattern: str
) -> None:
    """No table is shown in part; once the file is whole again, so is the comparison."""
    shutil.copytree(compared, tmp_path / "site")
    (path,) = (tmp_path / "site/compare").glob(pattern)
    whole = path.read_bytes()
    spoil, words = FAULTS[fault]
    spoil(path)
    page = browse(tmp_path / "site", "?a=model-0001&b=model-0002", foreseen="404")
    page.wait_for_function(
        "() => document.querySelector('#state').textContent.includes('cannot be compared')"
    )
    said = page.inner_text("#state")
    assert f"compare/{path.name} {words}" in said
    assert said.count(".") - path.name.count(".") == 1
    assert not page.locator("#result").is_visible()
    assert page.locator("#result *").count() == 0
    path.write_bytes(whole)
    page.locator("#swap").click()
    page.locator("#result").wait_for(state="visible")


def test_a_server_may_unpack_the_files(compared: Path, tmp_path: Path, browse: Open) -> None:
    """Where it serves them without gzip, as some do with compressed files, they are read all the same."""
    site = tmp_path / "site"
    shutil.copytree(compared, site)
    for path in (site / "compare").iterdir():
        path.write_bytes(gzip.decompress(path.read_bytes()))
    query = "?a=model-0001&b=model-0002"
    first, second = browse(compared, query), browse(site, query)
    assert shown(first, "tbody td") == shown(second, "tbody td")


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
