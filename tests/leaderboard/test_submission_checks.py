"""What a maintainer's check believes of a submission: nothing that cannot be computed again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_predictions import answers, evaluated
from submissions_on_disk import PLAIN, edit_json, replace_text, resubmitted
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.leaderboard.accepted import Accepted, accept, label_digest, read_accepted, write_accepted
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.submission import described, read_submission, slug, write_submission
from medimeta_c.leaderboard.tree import submission_folders
from medimeta_c.leaderboard.validation import validate
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.identity import HeadOutput
from medimeta_c.results.predictions import CellPredictions
from medimeta_c.results.scoring import scope_of

Submitted = Callable[..., Path]


def problem(folder: Path, accepted: Accepted | None = None, *, root: Path | None = None) -> str:
    """The only problem of a submission, in a sentence."""
    (found,) = check_submission(folder, accepted, root).problems
    assert "\n" not in found
    return found


def test_a_good_submission_passes(
    submitted: Submitted, accepted: Accepted, benchmark: Benchmark, tmp_path: Path
) -> None:
    """Held against what is accepted, nothing stands against it."""
    folder = submitted()
    (found,) = validate([tmp_path], accepted)
    assert (found.folder, found.problems, found.notes) == (folder, (), ())
    assert found.place == f"results/example-laboratory/tiny-clip/{benchmark.fingerprint[:12]}"


def test_third_parties_and_unknown_overlap_are_noted(submitted: Submitted, accepted: Accepted) -> None:
    """What a maintainer should know is said: who submits, overlap, and what was not checked."""
    folder = submitted(submitted_by="Others", overlap="unknown")
    assert check_submission(folder, accepted).notes == (
        "submitted by a third party: Others",
        "overlap of its training data with the benchmark: unknown",
    )
    assert "not compared with a benchmark" in check_submission(folder, None).notes[-1]


def test_a_classifier_says_what_it_was_trained_on(benchmark: Benchmark, tmp_path: Path) -> None:
    """Its classes were learned: without the data's names it is refused, with them the names are kept."""
    outputs = {
        name: tuple(HeadOutput(index=at, name=each) for at, each in enumerate(benchmark.class_names(name)))
        for name in benchmark.datasets
    }
    cells = answers(benchmark)
    bare = resubmitted(benchmark, tmp_path, cells, prompts=None, outputs=outputs)
    assert "give the names of the data as trained_on" in problem(bare)
    write_submission(bare / "submission.yaml", described({**PLAIN, "trained_on": "PBC, ours"}, declared=True))
    assert check_submission(bare, None).ok
    assert read_submission(bare).trained_on == ("PBC", "ours")


def _flatter(values: Any) -> None:
    values["scores"]["overall"]["average_accuracy"]["value"] += 0.01


def _narrow(values: Any) -> None:
    estimate = values["scores"]["datasets"]["cells"]["average_accuracy"]
    estimate["low"] = estimate["high"] = estimate["value"]


def _rename(values: Any) -> None:
    values["run"]["benchmark"]["datasets"][0]["fingerprint"] = "ab" * 32


def _move(values: Any) -> None:
    values["run"]["benchmark"]["version"] = "9.9"


def _raise_auroc(values: Any) -> None:
    cell = next(one for one in values["scores"]["cells"] if one["macro_auroc"]["value"] not in (None, 1.0))
    cell["macro_auroc"]["value"] = 1.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_flatter, "average_accuracy of all datasets is"),
        (_raise_auroc, "result.json has 1 number that predictions.parquet does not give: macro_auroc of"),
        (_narrow, "the interval of average_accuracy of cells is"),
        (_move, "cells does not have the version, kind, title or modality of its fingerprint"),
        (_rename, "the fingerprint abababababab of cells is not accepted here"),
    ],
    ids=[
        "a better mean",
        "a better AUROC",
        "a narrower interval",
        "a board of its own",
        "another fingerprint",
    ],
)
def test_a_number_that_does_not_follow_is_named(
    submitted: Submitted, accepted: Accepted, change: Callable[[Any], None], sentence: str
) -> None:
    """One number of hundreds changed is found and named, and so is a fingerprint nobody accepted."""
    folder = submitted()
    edit_json(folder / "result.json", change)
    assert sentence in problem(folder, accepted)


def test_other_labels_are_refused_though_all_numbers_follow(
    benchmark: Benchmark, accepted: Accepted, tmp_path: Path
) -> None:
    """Predictions over labels of one's own agree with themselves, and not with the benchmark."""
    cells = {
        key: CellPredictions.of(
            key, cell.image_ids, np.roll(cell.labels, 1), cell.probabilities, predictions=cell.predictions
        )
        for key, cell in answers(benchmark).items()
    }
    folder = resubmitted(benchmark, tmp_path, cells)
    assert problem(folder, accepted).endswith(
        "other image ids or labels than the accepted benchmark: evaluate the model on that benchmark"
    )
    assert check_submission(folder, None).ok


def test_labels_that_change_between_cells_need_no_benchmark(benchmark: Benchmark, tmp_path: Path) -> None:
    """All sets of a dataset are renderings of the same images: their labels are one another's."""
    cells = answers(benchmark)
    key = max(cells)
    one = cells[key]
    labels = np.roll(one.labels, 1)
    cells[key] = CellPredictions.of(
        key, one.image_ids, labels, one.probabilities, predictions=one.predictions
    )
    folder = resubmitted(benchmark, tmp_path, cells)
    assert "renderings of the same images" in problem(folder)


def test_part_of_a_grid_is_refused(benchmark: Benchmark, accepted: Accepted, tmp_path: Path) -> None:
    """A model scored without the hardest corruption has a complete result, and no place on the board."""

    def cut(values: Any) -> None:
        values["scope"]["corruptions"]["rays"].remove("zoom_blur")
        for part in ("ce", "relative_ce", "accuracy"):
            values["scores"]["datasets"]["rays"][part].pop("zoom_blur")
        values["scores"]["cells"] = [
            cell
            for cell in values["scores"]["cells"]
            if (cell["dataset"], cell["corruption"]) != ("rays", "zoom_blur")
        ]

    cells = {
        k: c for k, c in answers(benchmark).items() if (k.dataset, k.corruption) != ("rays", "zoom_blur")
    }
    folder = resubmitted(benchmark, tmp_path, cells)
    assert "it lacks 5 cells" in problem(folder, accepted)
    edit_json(folder / "result.json", cut)
    edit_json(folder / "result.json", lambda values: values.update(complete=True))
    assert "missing corruptions: zoom_blur" in problem(folder, accepted)


def test_nan_is_refused(benchmark: Benchmark, accepted: Accepted, tmp_path: Path) -> None:
    """A model that answers NaN to one image has no place either."""
    cells = answers(benchmark)
    key = max(cells)
    probabilities = cells[key].probabilities.copy()
    probabilities[0] = np.nan
    cells[key] = CellPredictions.of(key, cells[key].image_ids, cells[key].labels, probabilities)
    folder = resubmitted(benchmark, tmp_path, cells)
    assert f"it lacks 1 cell, missing or with NaN or infinity (first {key})" in problem(folder)


def test_a_false_published_baseline_is_refused(submitted: Submitted, saved: SavedResult) -> None:
    """Figures that call themselves published are compared with those that are."""
    folder = submitted()
    grids = {
        name: {
            "split": "test",
            "clean": 0.9,
            "corrupted": {
                c: {"total": 5.0, "severities": [1, 2, 3, 4, 5], "errors": None} for c in corruptions
            },
        }
        for name, corruptions in saved.result.scope.corruptions.items()
    }
    baseline = {
        "name": "published",
        "model": "OpenAI CLIP ViT-B/16",
        "source": "nowhere",
        "measured_on_these_shards": False,
        "note": "as published",
        "paired": False,
        "left_out": {},
        "grids": grids,
    }
    edit_json(folder / "result.json", lambda values: values.update(baseline=baseline))
    problems = check_submission(folder, None).problems
    assert "its published baseline differs from the published figures" in problems[0]


def test_copies_are_found(submitted: Submitted, tmp_path: Path, benchmark: Benchmark) -> None:
    """The same run under another name is a copy, among those checked and among those on the board."""
    first = submitted()
    second = submitted(name="Tiny CLIP, renamed")
    one, other = validate([first, second], None)
    assert one.ok
    assert other.problems == (f"{second} is a copy of {first}: the same run or predictions",)
    assert len(validate([first.parent / "*"], None)) == len({*first.parent.iterdir()})
    (again,) = validate([second], None, among=tmp_path)
    assert not again.ok
    unlike = evaluated(tmp_path / "other", benchmark, skill=1.0, seed=5, model={"weights_sha256": "12" * 32})
    assert validate([submitted(unlike, name="Another")], None, among=tmp_path / "results")[0].ok


def test_a_board_that_grows(
    submitted: Submitted, tmp_path: Path, benchmark: Benchmark, saved: SavedResult
) -> None:
    """What stands on the board is not checked again; an entry in another's place is refused."""
    board, proposed = tmp_path / "board", tmp_path / "proposed"
    kept = submitted(root=board)
    shutil.copytree(board, proposed)
    other = evaluated(tmp_path / "other", benchmark, skill=1.0, seed=5, model={"weights_sha256": "12" * 32})
    new = submitted(other, root=proposed, name="Another")
    fresh, same = validate([proposed], None, among=board)
    assert (fresh.folder, fresh.ok, fresh.unchanged) == (new, True, False)
    assert (same.folder, same.ok, same.unchanged) == (proposed / kept.relative_to(board), True, True)
    command = ["leaderboard", "validate", str(proposed / "results"), "--among", str(board)]
    said = CliRunner().invoke(app, command).stdout.splitlines()
    assert said[0] == f"ok      {new}"
    assert said[-1] == "1 unchanged on the board, not checked again"

    shutil.rmtree(proposed)
    taken = submitted(other, root=proposed)
    (refused,) = validate([proposed / "results"], None, among=board / "results")
    assert refused.problems == (
        f"{taken} has the same place as {kept}: give it another name; to replace an entry, its maintainers "
        "must remove it first",
    )


def test_place_and_strays_in_a_tree(submitted: Submitted, tmp_path: Path) -> None:
    """In a board's tree a submission lies where its name says, and nothing lies beside it."""
    folder = submitted()
    (folder / "report.html").write_text("<script>alert(1)</script>")
    root = tmp_path / "results"
    for wrong in (root / "someone-else" / folder.name, root / "deeper" / folder.relative_to(tmp_path)):
        shutil.copytree(folder, wrong)
        elsewhere, _ = check_submission(wrong, None, root).problems
        assert "is not where it belongs" in elsewhere
    assert "also holds report.html" in problem(folder, root=root)
    assert check_submission(folder, None).ok, "in one's own folder reports may lie about"
    assert len(submission_folders(tmp_path)) == 3
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ResultError, match="holds no submission"):
        submission_folders(empty)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("not_chosen_on_test: true", "not_chosen_on_test: false", "statements.not_chosen_on_test"),
        ("  overlap: none\n", "", "training_data.overlap: Field required"),
        ("third_party: false", "third_party: true", "submitted_by is missing"),
        ("third_party: false", "third_party: false\nsubmitted_by: Us", "third_party is false"),
        ("third_party: false", "third_party: 'no'", "third_party: Input should be a valid boolean"),
        ("code: https://example.org/code\n", "", "neither code nor paper"),
        ("https://example.org/code", "javascript:alert(1)", "not valid at code"),
        ("https://example.org/code", "http://example.org", "not valid at code"),
        ("https://example.org/code", 'https://example.org/"onclick=x', "not valid at code"),
        ("name: Tiny CLIP", "name: <img src=x onerror=alert(1)>", "must not contain '<' or '>'"),
        ("name: Tiny CLIP", 'name: "Tiny \\u202e CLIP"', "control or formatting characters"),
        ("name: Tiny CLIP", 'name: "\\u3164"', "invisible characters"),
        ("name: Tiny CLIP", f"name: Tiny{chr(0x301) * 4}", "more than 3 accents on one letter"),
        ("name: Tiny CLIP", f"name: {'x' * 121}", "at most 120"),
        ("name: Tiny CLIP", "name: 2024-01-01", "not a text, number or yes/no"),
        ("name: Tiny CLIP", "name: !!python/object/apply:os.system [id]", "is not valid YAML"),
        ("name: Tiny CLIP", "name: Tiny CLIP\nname: Other", "duplicate key 'name'"),
        ("name: Tiny CLIP", "name: &a Tiny\nnotes: *a", "an alias"),
        ("name: Tiny CLIP", "name: Tiny CLIP\nrank: 1", "rank: Extra inputs"),
        ("schema_version: 1", "schema_version: 3", "schema version 3"),
        ("someone@example.org", "me", "contact is neither"),
    ],
)
def test_submission_yaml_is_read_strictly(submitted: Submitted, old: str, new: str, sentence: str) -> None:
    """Each line of submission.yaml that is not as it must be is refused in one sentence that names it."""
    folder = submitted()
    replace_text(folder / "submission.yaml", old, new)
    assert sentence in problem(folder)


def test_accepted_round_trip(accepted: Accepted, tmp_path: Path, benchmark: Benchmark) -> None:
    """The file says what was accepted; accepting the same benchmark again adds nothing."""
    write_accepted(tmp_path / "accepted.yaml", accepted)
    held = read_accepted(tmp_path)
    assert held == accepted
    assert accept(benchmark, held=held) == accepted
    assert [(one.dataset, one.class_counts) for one in held.datasets] == [
        ("cells", (4, 4, 4)),
        ("rays", (4, 4)),
    ]
    replace_text(tmp_path / "accepted.yaml", "datasets:", "datasets: []\nothers:")
    with pytest.raises(ResultError, match="others"):
        read_accepted(tmp_path)


def test_label_digest_knows_order_of_neither_rows_nor_columns() -> None:
    """Rows in any order have one digest; a label moved to another image has another."""
    digest = label_digest(["a", "b"], [0, 1])
    assert label_digest(["b", "a"], [1, 0]) == digest
    assert label_digest(["a", "b"], [1, 0]) != digest


def test_described_names_what_is_missing() -> None:
    """Options that lack something or contradict each other are answered so; none go without --declare."""
    with pytest.raises(ConfigError, match="give `declare=True`"):
        described(PLAIN, declared=False)
    with pytest.raises(ConfigError, match=r"adaptation is few-shot, .* but training_data\.overlap is none"):
        described({**PLAIN, "adaptation": "few-shot"}, declared=True)
    with pytest.raises(ConfigError, match="backbone"):
        described({key: value for key, value in PLAIN.items() if key != "backbone"}, declared=True)


def test_the_example_is_valid(tmp_path: Path) -> None:
    """The submission.yaml that pages and documents show can be sent."""
    from medimeta_c.leaderboard.site.writing import EXAMPLE

    (tmp_path / "submission.yaml").write_text(EXAMPLE, encoding="utf-8")
    assert read_submission(tmp_path).third_party
    documented = Path(__file__).parents[2] / "docs/leaderboard.md"
    assert EXAMPLE in documented.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["..", "../../etc", "/", "con", "名前", "A b/C", "x" * 300])
def test_a_slug_is_one_safe_folder(name: str) -> None:
    """Whatever a name holds, its folder is one short component that leads nowhere."""
    made = slug(name)
    assert made.replace("-", "").isalnum()
    assert made.isascii()
    assert len(made) <= 60


def test_scope_is_the_benchmarks(benchmark: Benchmark, saved: SavedResult) -> None:
    """The fixture is a complete result, so that what the tests refuse is refused for their own reason."""
    assert set(scope_of(benchmark.manifest).cells()) == set(read_saved(saved.path).predictions)
