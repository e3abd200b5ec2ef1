"""The page that compares two models: its numbers are those of `compare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compared_models import CELL, MODELS, PRINTS, ROWS, SCOPE, Open, answered, made_up, shown, tables
from made_up_boards import entry
from made_up_predictions import evaluated

from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.leaderboard.site.pairs.bits import image_set, packed
from medimeta_c.leaderboard.site.writing import SiteConfig, build_site, write_site
from medimeta_c.metrics.baselines import published_baseline
from medimeta_c.metrics.correctness import CorrectnessTable
from medimeta_c.metrics.grid import Scope
from medimeta_c.metrics.intervals import bootstrap, difference
from medimeta_c.metrics.loss import loss_difference
from medimeta_c.metrics.measures.cell_values import accuracies
from medimeta_c.metrics.resampling import Resampling, resampled_units
from medimeta_c.metrics.values import Difference
from medimeta_c.results.cells import percent
from medimeta_c.results.comparison import compare
from medimeta_c.results.folder.saved import SavedResult


def expected(
    a: dict[str, CorrectnessTable], b: dict[str, CorrectnessTable], divisor: Any, scope: Scope
) -> dict[str, dict[str, Difference]]:
    """What `compare` computes, by dataset ("" for all) and number."""
    found = difference(bootstrap(a, divisor, scope), bootstrap(b, divisor, scope))
    return {
        name: {number: getattr(one, number) for number in ROWS if hasattr(one, number)}
        for name, one in {"": found.overall, **found.datasets}.items()
    }


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
