"""What the board shows: numbers computed from predictions, ranks that admit ties, the paper's own figures."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_boards import board as made_up_board
from made_up_predictions import evaluated
from medimetac_files import clean_rows, write_medimeta, write_published
from submissions_on_disk import PLAIN, edit_json, place

from medimeta_c.building.medimetac.importing import MedimetacConfig, import_medimetac
from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.benchmark import Benchmark, open_benchmark
from medimeta_c.format.suites import CORE
from medimeta_c.leaderboard.site.board import read_boards
from medimeta_c.leaderboard.site.entries import Board, reported
from medimeta_c.leaderboard.site.grouping import Group
from medimeta_c.leaderboard.site.pages import dataset_page, index_page, model_page
from medimeta_c.leaderboard.site.paper import paper_entries
from medimeta_c.leaderboard.site.writing import SiteConfig, build_site
from medimeta_c.leaderboard.submission import described
from medimeta_c.metrics.ranks.pairwise import ranks
from medimeta_c.results.assessment.confidence import assess_confidence
from medimeta_c.results.comparison import compare
from medimeta_c.results.folder.saved import SavedResult
from tests.results.constructed_models import result_of_model, right_on

Submitted = Callable[..., Path]


def own(boards: tuple[Board, ...]) -> Board:
    """The board of the tiny image folders."""
    return next(board for board in boards if board.title.startswith("Other images"))


def test_numbers_are_computed_from_predictions_not_read(
    submitted: Submitted, saved: SavedResult, weak: SavedResult, tmp_path: Path
) -> None:
    """A result that lies about its numbers shows the true ones, divided by the board's own baseline."""
    folder = submitted()

    def flatter(values: dict) -> None:  # type: ignore[type-arg]
        values["scores"]["overall"]["average_accuracy"].update(value=0.999, low=0.998, high=1.0)

    edit_json(folder / "result.json", flatter)
    board = own(read_boards(tmp_path / "results", baseline=str(weak.path)))
    (shown,) = board.entries
    assert shown.overall is not None
    assert shown.overall.average_accuracy.value == saved.result.scores.overall.average_accuracy.value
    assert board.ranked_by == "mce"
    assert shown.overall.mce.value is not None
    assert shown.overall.mce.value < 1
    cell = shown.cells["rays"]["contrast"][3]
    claimed = next(c for c in saved.result.scores.cells if str(c.key) == "rays/test/contrast/severity-3")
    assert (cell.top1, cell.images) == (claimed.top1.value, 8)


def test_every_entry_has_a_page_of_its_own(submitted: Submitted, weak: SavedResult, tmp_path: Path) -> None:
    """Where an organisation's name ends and the model's begins is part of an entry's key."""
    submitted(organisation="Google", name="Research SigLIP")
    submitted(weak, organisation="Google Research", name="SigLIP")
    site = build_site(SiteConfig(results=tmp_path, out=tmp_path / "site"))
    keys = [entry.key for entry in own(site.boards).entries]
    assert len(set(keys)) == 2
    assert all((tmp_path / f"site/models/{key}.html").is_file() for key in keys)


def test_ranks_agree_with_compare(
    submitted: Submitted, benchmark: Benchmark, saved: SavedResult, weak: SavedResult, tmp_path: Path
) -> None:
    """The board ties exactly the models that `medimeta-c compare` ties."""
    middle = evaluated(tmp_path / "m", benchmark, skill=2.3, seed=9, model={"weights_sha256": "ef" * 32})
    submitted(name="Good")
    submitted(middle, name="Middle")
    submitted(weak, name="Weak")
    board = own(read_boards(tmp_path / "results", baseline="none"))
    assert (board.baseline, board.ranked_by) == (None, "average_accuracy")
    found = {entry.name: entry.ranks for entry in board.entries}
    names = {saved.path: "Good", middle.path: "Middle", weak.path: "Weak"}
    compared = compare([saved, middle, weak])
    # At the same 95 % on 1000 resamples; the entries' own results have 200.
    assert found == {names[one.result.path]: one.ranks for one in compared.models}
    assert found["Weak"] == (3, 3)


def test_entries_on_some_datasets_are_listed_unranked(
    submitted: Submitted, benchmark: Benchmark, tmp_path: Path
) -> None:
    """A model scored on one dataset has that number, no mean and no rank."""
    part = evaluated(tmp_path / "part", benchmark, datasets=["rays"], model={"weights_sha256": "ef" * 32})
    submitted(name="Whole")
    submitted(part, name="Part")
    whole, rest = own(read_boards(tmp_path / "results", baseline="none")).entries
    assert (whole.name, whole.ranks, rest.name, rest.ranks, rest.overall) == (
        "Whole",
        (1, 1),
        "Part",
        None,
        None,
    )
    assert set(rest.datasets) == {"rays"}


def test_a_model_that_saw_the_test_images_is_not_ranked(
    submitted: Submitted, saved: SavedResult, weak: SavedResult, tmp_path: Path
) -> None:
    """It stands at its number, without a rank; the others are ranked as if it were not there."""
    submitted(name="Seen", overlap="test")
    submitted(weak, name="Weak")
    seen, other = own(read_boards(tmp_path / "results", baseline="none")).entries
    assert (seen.name, seen.ranks, other.name, other.ranks, other.tied) == ("Seen", None, "Weak", (1, 1), ())
    assert seen.overall is not None
    assert seen.overall.average_accuracy.value == saved.result.scores.overall.average_accuracy.value


def test_predictions_made_elsewhere_are_listed_unranked(
    submitted: Submitted, weak: SavedResult, tmp_path: Path
) -> None:
    """The entry says so, and can be filtered for."""

    def mark(values: dict[str, Any]) -> None:
        values.update(marks=["unverified"], schema_version=2)

    edit_json(submitted(name="Elsewhere") / "result.json", mark)
    submitted(weak, name="Weak")
    board = own(read_boards(tmp_path / "results", baseline="none"))
    ranks = {entry.name: entry.ranks for entry in board.entries if entry.source != "paper"}
    assert ranks == {"Elsewhere": None, "Weak": (1, 1)}
    (one,) = (entry for entry in board.entries if entry.source == "unverified")
    assert "no model was run to verify them" in model_page(one, board)
    assert "predictions made elsewhere" in index_page((board,))


def test_a_trial_is_listed_unranked(submitted: Submitted, weak: SavedResult, tmp_path: Path) -> None:
    """Whatever mark a result has, its row and its page show it, and the others are ranked without it."""

    def mark(values: dict[str, Any]) -> None:
        values.update(marks=["limited"], schema_version=2)

    edit_json(submitted(name="Trial") / "result.json", mark)
    submitted(weak, name="Weak")
    board = own(read_boards(tmp_path / "results", baseline="none"))
    assert {entry.name: entry.ranks for entry in board.entries} == {"Trial": None, "Weak": (1, 1)}
    (one,) = (entry for entry in board.entries if entry.marks)
    assert "Not ranked: it is a trial on a part of each split." in model_page(one, board)
    assert "trial</span>" in index_page((board,))
    assert "trial</span>" in dataset_page(board.datasets[0], board)


def test_points_lost_are_those_of_the_predictions(submitted: Submitted, tmp_path: Path) -> None:
    """Clean accuracy minus average accuracy, with an interval of their own; also of each dataset."""
    submitted()
    (shown,) = own(read_boards(tmp_path / "results", baseline="none")).entries
    assert shown.overall is not None
    for name, summary in {"": shown.overall, **shown.datasets}.items():
        lost = shown.assessed[name].points_lost
        clean, average = summary.clean_accuracy.value, summary.average_accuracy.value
        assert clean is not None
        assert average is not None
        assert lost.value == pytest.approx(clean - average)
        assert lost.low is not None
        assert lost.low <= lost.value


def test_coverage_gaps_are_those_of_the_predictions(
    submitted: Submitted, saved: SavedResult, tmp_path: Path
) -> None:
    """Coverage under corruption minus the level, or why it cannot be known of so few images."""
    submitted()
    (shown,) = own(read_boards(tmp_path / "results", baseline="none")).entries
    expected = assess_confidence(saved)
    for name, numbers in {"": expected.overall, **expected.datasets}.items():
        gap, wanted = shown.assessed[name].coverage_gap, numbers.corrupted.gap
        assert (gap.value, gap.reason) == (wanted.value, wanted.reason)


def test_addresses_stay_when_entries_are_added(
    submitted: Submitted, benchmark: Benchmark, weak: SavedResult, tmp_path: Path
) -> None:
    """The page of an entry, and that of a dataset, has the name that it had before others came."""
    part = evaluated(tmp_path / "part", benchmark, datasets=["rays"], model={"weights_sha256": "ef" * 32})
    submitted(part, name="Part")
    before = own(read_boards(tmp_path / "results", baseline="none"))
    submitted(name="Whole")
    submitted(weak, name="Another")
    after = own(read_boards(tmp_path / "results", baseline="none"))
    assert {entry.key for entry in before.entries} < {entry.key for entry in after.entries}
    assert {one.page for one in before.datasets} < {one.page for one in after.datasets}


def test_a_datasets_page_has_examples_from_the_boards_own_copy(
    submitted: Submitted, benchmark: Benchmark, tmp_path: Path
) -> None:
    """An image of each of two classes, clean and under each corruption; none without a copy."""
    submitted()
    board = own(read_boards(tmp_path / "results", baseline="none", benchmark=benchmark))
    page = dataset_page(board.datasets[0], board)
    images = [one for example in board.datasets[0].examples for one in example.images.values()]
    assert len(images) == 2 * (1 + len(board.corruptions))
    assert all(one.startswith("data:image/jpeg") and one in page for one in images)
    bare = own(read_boards(tmp_path / "results", baseline="none"))
    assert "data:image/" not in dataset_page(bare.datasets[0], bare)


def test_a_dataset_page_is_in_the_order_of_the_ranking_number() -> None:
    """A model at chance has nothing to lose, and does not come first for that."""
    made = made_up_board(2)
    dataset = made.datasets[0]
    name = dataset.dataset
    low, high = sorted(made.entries, key=lambda entry: entry.datasets[name].mce.value or 0.0)
    entries = tuple(
        replace(entry, assessed={name: replace(entry.assessed[name], points_lost=reported(lost))})
        for entry, lost in ((low, 0.4), (high, 0.0))
    )
    page = dataset_page(dataset, replace(made, entries=entries))
    first, second = (f"models/{entry.key}.html" for entry in entries)
    assert page.index(first) < page.index(second)


def test_a_model_page_has_the_line_that_repeats_it(submitted: Submitted, tmp_path: Path) -> None:
    """The command that evaluates it, with what the run was given; quoted, so that a shell reads one word."""
    folder = submitted()

    def rename(values: dict[str, Any]) -> None:
        values["run"]["model"]["spec"] = "local-dir:my models; rm"
        values["run"]["precision"] = "bf16"

    edit_json(folder / "result.json", rename)
    board = own(read_boards(tmp_path / "results", baseline="none"))
    page = model_page(board.entries[0], board)
    line = html.unescape(page.split("medimeta-c evaluate")[1].split("</pre>")[0])
    assert line.startswith(" --model 'local-dir:my models; rm' --benchmark ")
    assert line.endswith(" --dataset cells,rays --prompts paper --precision bf16")


def test_phantoms_are_listed_unranked(submitted: Submitted, weak: SavedResult, tmp_path: Path) -> None:
    """A number of generated images says nothing of a model, so none is first."""

    def mark(values: dict[str, Any]) -> None:
        for entry in values["run"]["benchmark"]["datasets"]:
            entry["kind"] = "phantoms"

    for folder in (submitted(), submitted(weak, name="Weak")):
        edit_json(folder / "result.json", mark)
    reasons = {
        "none": "no baseline was given to divide by",
        "published": "OpenAI CLIP ViT-B/16 was measured on real images, and these are phantoms",
    }
    for baseline, reason in reasons.items():
        (board,) = (one for one in read_boards(tmp_path / "results", baseline=baseline) if one.phantoms)
        assert [entry.ranks for entry in board.entries] == [None, None]
        assert "the images are generated, not medical" in model_page(board.entries[0], board)
        assert {one.mce.reason for entry in board.entries for one in entry.datasets.values()} == {reason}


@pytest.mark.parametrize("kind", ["phantoms", "medimeta"])
def test_phantoms_are_not_divided_by_figures_of_real_images(kind: str) -> None:
    """The published baseline has none for them, so their board has no mCE."""
    (entry,) = result_of_model(right_on(0.8, 0.7), kind=kind).result.run.benchmark.datasets
    board = Group(collection="a board", version="1.0", entries={"pbc": entry})
    assert (board.baseline("published") is None) is (kind == "phantoms")


def test_ranks_of_samples() -> None:
    """Models far apart have ranks of their own; models the resamples cannot tell apart share a range."""
    draw = np.random.default_rng(1)
    noise = draw.normal(size=1000)
    samples = {
        "best": 0.2 + 0.001 * noise,
        "a": 0.5 + 0.02 * draw.normal(size=1000),
        "b": 0.501 + 0.02 * draw.normal(size=1000),
        "worst": 0.9 + 0.05 * noise,
    }
    found = ranks(samples, lower_is_better=True)
    assert [(found[name].best, found[name].worst) for name in samples] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert found["a"].tied == ("b",)
    mirrored = ranks(samples, lower_is_better=False)
    assert [(mirrored[name].best, mirrored[name].worst) for name in samples] == [
        (4, 4),
        (2, 3),
        (2, 3),
        (1, 1),
    ]
    assert ranks({}, lower_is_better=True) == {}


def test_pairing_tells_apart_what_intervals_overlap() -> None:
    """Two models hit by the same hard images differ surely, though their own intervals overlap."""
    shared, own = np.random.default_rng(2).normal(size=(2, 1000))
    found = ranks({"a": 0.5 + 0.1 * shared, "b": 0.51 + 0.1 * shared + 0.001 * own}, lower_is_better=True)
    assert (found["a"].worst, found["b"].best) == (1, 2)


def test_the_same_difference_on_every_resample_is_no_evidence() -> None:
    """It is not one that images were asked about, so the two are tied, as in a comparison."""
    shared = np.random.default_rng(2).normal(size=1000)
    found = ranks({"a": shared, "b": shared + 0.1}, lower_is_better=True)
    assert {(each.best, each.worst) for each in found.values()} == {(1, 2)}


@pytest.mark.parametrize("collection", ["MediMeta-C", "MedMNIST-C"])
def test_the_papers_figures_are_there_to_the_digit(collection: str, tmp_path: Path) -> None:
    """Each cell of Tables 2 and 3 is on the board as printed, without interval or rank."""
    board = next(one for one in read_boards(tmp_path) if one.title == collection)
    entries = {entry.name: entry for entry in board.entries}
    folder = resources.files("medimeta_c.paper")
    seen = 0
    for file, field in (("table2_ce_mce.csv", "mce"), ("table3_accuracy.csv", "average_accuracy")):
        for row in csv.DictReader(folder.joinpath(file).read_text(encoding="utf-8").splitlines()):
            if row["collection"] == collection:
                entry = entries[row["model"]]
                one = getattr(entry.datasets[row["dataset"]], field)
                assert f"{100 * one.value:.2f}" == f"{float(row[field]):.2f}"
                assert (one.low, entry.ranks, entry.source) == (None, None, "paper")
                seen += 1
    assert seen == 50


def test_the_published_files_have_a_board_of_their_own(tmp_path: Path) -> None:
    """Results on them stand beside the paper's figures, which were reported on these files."""
    folder = write_medimeta(tmp_path / "clean", "fundus")
    write_published(tmp_path / "c/fundus/test", clean_rows(folder), ["contrast"])
    config = MedimetacConfig(folder=tmp_path / "c", out=tmp_path / "built", jobs=1)
    benchmark = open_benchmark(import_medimetac(config).build.root)
    result = evaluated(tmp_path / "saved", benchmark, skill=2.5, baseline="published")
    assert result.result.baseline is not None
    assert "reported on these files" in result.result.baseline.note
    place(tmp_path / "results", result, described(PLAIN, declared=True))
    site = build_site(SiteConfig(results=tmp_path / "results", out=tmp_path / "site"))
    titles = [one.title for one in site.boards]
    assert titles == ["MediMeta-C", "MedMNIST-C", "MediMeta-C as published"]
    board = site.boards[-1]
    assert [one.dataset for one in board.datasets] == list(CORE.headline["medimeta"])
    (measured,) = (entry for entry in board.entries if entry.source == "measured")
    assert measured.datasets["fundus"].mce.value is not None
    reported = [entry for entry in board.entries if entry.source == "paper"]
    assert len(reported) == 5
    assert all(entry.notes.endswith("They were reported on these files.") for entry in reported)
    assert {entry.key for entry in reported}.isdisjoint(entry.key for entry in site.boards[0].entries)


def test_table_six_is_there_on_pbc_alone() -> None:
    """The few-shot ablation has eight entries, each with PBC's numbers and no mean over datasets."""
    found = [entry for entry in paper_entries("MediMeta-C") if entry.overall is None]
    assert len(found) == 8
    assert {entry.backbone for entry in found} == {"ViT-B/16", "ResNet-50"}
    ten = next(entry for entry in found if entry.key == "paper-rmc-vit-10-percent")
    assert ten.datasets["pbc"].mce.value == pytest.approx(0.701)
    assert set(ten.datasets) == {"pbc"}


def test_entries_without_a_mean_come_last_in_natural_order(tmp_path: Path) -> None:
    """3 % before 10 %."""
    board = next(one for one in read_boards(tmp_path) if one.title == "MediMeta-C")
    shares = [int(entry.name.split(", ")[1].split()[0]) for entry in board.entries if entry.overall is None]
    assert shares == [1, 3, 7, 10] * 2
    assert all(entry.overall is not None for entry in board.entries[:5])


def test_a_damaged_submission_stops_the_build_by_name(submitted: Submitted, tmp_path: Path) -> None:
    """A site is never built around a submission that cannot be read."""
    folder = submitted()
    (folder / "predictions.parquet").write_bytes(b"no")
    with pytest.raises(ResultError, match="tiny-clip"):
        read_boards(tmp_path / "results")
    with pytest.raises(ResultError, match="is not a folder"):
        read_boards(tmp_path / "nothing")


def test_only_a_site_is_replaced(tmp_path: Path) -> None:
    """A folder with anything else in it is left alone; an earlier site loses its old pages."""
    (tmp_path / "results").mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years")
    with pytest.raises(ConfigError, match="choose another `out`"):
        build_site(SiteConfig(results=tmp_path / "results", out=out))
    (out / "thesis.tex").unlink()
    build_site(SiteConfig(results=tmp_path / "results", out=out))
    (out / "models/stale.html").write_text("old")
    report = build_site(SiteConfig(results=tmp_path / "results", out=out))
    assert not (out / "models/stale.html").exists()
    assert report.index.read_text(encoding="utf-8").count('title="reported in the paper') == 18
    assert "sdk: static" in (out / "README.md").read_text(encoding="utf-8")
