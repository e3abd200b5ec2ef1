"""What schema 2 adds to results, predictions and submissions: written only where it says something."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_up_predictions import answers, identity, result_of

from medimeta_c.errors import ResultError
from medimeta_c.format.benchmark import Benchmark
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import FileRecord, PluginRecord, SuiteRecord
from medimeta_c.io.records import dump
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.submission import described, read_submission, submission_path, write_submission
from medimeta_c.metrics.values import Number
from medimeta_c.reports import write_reports
from medimeta_c.results.assessment.loss import assess
from medimeta_c.results.folder.adding import open_result_folder
from medimeta_c.results.folder.saved import SavedResult, read_saved
from medimeta_c.results.identity import (
    FitRecord,
    HeadRecord,
    QuestionRecord,
    RunIdentity,
    benchmark_record,
    first_difference,
    merged,
    restricted,
)
from medimeta_c.results.predictions import NO_ANSWER, NO_PREDICTION, CellPredictions
from medimeta_c.results.result import Result, read_result, write_result
from medimeta_c.results.words.summary import StatedConfidence

Json = dict[str, Any]
PLAIN = {
    "name": "Tiny",
    "organisation": "Example",
    "contact": "a@example.org",
    "backbone": "ViT",
    "adaptation": "base",
    "kind": "medical",
    "description": "made-up images",
    "overlap": "none",
    "statement": "Nothing was trained, so that nothing can overlap.",
    "code": "https://example.org/code",
}
IN_RESULT: Json = {
    "marks": ("limited", "unverified"),
    "plugins": (PluginRecord(name="brier", distribution="other", version="1.2"),),
    "blind": {"cells": Number(value=0.25)},
    "blind_grey": {"cells": Number(value=0.5)},
    "stated": {
        "cells": StatedConfidence(
            clean=Number(value=0.1),
            corrupted=Number(value=0.3),
            shift=Number(value=0.2),
            read=Number(value=0.9),
        )
    },
    "answers_sha256": "ab" * 32,
}
IN_RUN: Json = {
    "head": HeadRecord(name="linear", shots=4, seed=1),
    "decoding": {"temperature": 0.0, "max_tokens": 8},
    "option_orders": {"cells": ((0, 1, 2), (2, 1, 0))},
    "questions": {"cells": QuestionRecord(text="What is it?\n{options}", joined=("class1",))},
    "preprocessing_variant": "antialias",
    "activation": "quick_gelu",
    "prompts": None,
}
IN_BENCHMARK: Json = {
    "suite": SuiteRecord(name="clinical", version="1.0", digest="ab" * 32),
    "groups_sha256": "cd" * 32,
}


def changed(result: Result, part: str, name: str, value: Any) -> Result:
    """A result with one newer field, which is checked."""
    if part == "result":
        return Result(**{**dict(result), name: value, "schema_version": 2})
    run = result.run
    if part == "benchmark":
        benchmark = run.benchmark.model_copy(update={name: value})
        run = run.model_copy(update={"benchmark": benchmark})
    else:
        run = type(run)(**{**dict(run), name: value})
    return Result(**{**dict(result), "run": run, "schema_version": 2})


def in_words(cell: CellPredictions, rng: np.random.Generator) -> CellPredictions:
    """The same answers without probabilities, some of which name no class."""
    silent = rng.random(len(cell)) < 0.2
    chosen = np.where(silent, NO_ANSWER, cell.predictions)
    return CellPredictions.of(cell.key, cell.image_ids, cell.labels, None, predictions=chosen)


@pytest.fixture
def spoken(benchmark: Benchmark, tmp_path: Path) -> SavedResult:
    """The result of a model that answers in words and takes no prompts."""
    rng = np.random.default_rng(0)
    cells = {key: in_words(cell, rng) for key, cell in answers(benchmark).items()}
    changes: Json = {"prompts": None, "decoding": {"temperature": 0.0}}
    with open_result_folder(tmp_path / "results", identity(benchmark, **changes)) as folder:
        for cell in cells.values():
            folder.save(cell)
        return folder.finish(result_of(benchmark, cells, **changes), cells)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        (part, name, value)
        for part, fields in (("result", IN_RESULT), ("run", IN_RUN), ("benchmark", IN_BENCHMARK))
        for name, value in fields.items()
    ],
)
def test_a_newer_field_says_schema_2_and_reads_back(
    saved: SavedResult, tmp_path: Path, part: str, name: str, value: Any
) -> None:
    """Everything else stays; without it the file is of schema 1 and does not name it."""
    result = changed(saved.result, part, name, value)
    write_result(tmp_path, result)
    values = json.loads((tmp_path / "result.json").read_text())
    assert values["schema_version"] == 2
    assert read_result(tmp_path) == result
    older = json.loads((saved.path / "result.json").read_text())
    assert older["schema_version"] == 1
    place = {"result": older, "run": older["run"], "benchmark": older["run"]["benchmark"]}[part]
    assert name not in place or name == "prompts"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "run.option_orders",
            {"cells": ((0, 1, 1),)},
            "orders of options of cells are not of its classes",
        ),
        ("run.head", HeadRecord.model_construct(name="linear", shots=0, seed=0), "head"),
        ("marks", ("pretty",), "marks"),
        ("blind", {"pbc": Number(value=0.1)}, "blind control of a dataset"),
    ],
)
def test_newer_fields_are_checked(
    saved: SavedResult, tmp_path: Path, field: str, value: Any, message: str
) -> None:
    """As strictly as the older ones."""
    values = json.loads((saved.path / "result.json").read_text())
    plain = json.loads(json.dumps(value, default=lambda one: one.model_dump()))
    part, _, name = field.rpartition(".")
    (values[part] if part else values)[name] = plain
    (tmp_path / "result.json").write_text(json.dumps({**values, "schema_version": 2}))
    with pytest.raises(ResultError, match=message):
        read_result(tmp_path)


@pytest.mark.parametrize("name", [name for name in IN_RUN if name != "prompts"])
def test_what_predictions_depend_on_sets_runs_apart(benchmark: Benchmark, name: str) -> None:
    """Cells of another head, decoding, order, transform or activation never share a result."""
    held, wanted = identity(benchmark), identity(benchmark, **{name: IN_RUN[name]})
    found = first_difference(held, wanted)
    assert found is not None
    assert found[0] == name.replace("_", " ")
    assert first_difference(wanted, wanted) is None


FIT = FitRecord(images=6, images_sha256="a" * 64, settings={"C": 1.0})


def test_a_head_goes_on_with_more_datasets(benchmark: Benchmark) -> None:
    """Each dataset brings its fit; another fit of the same dataset is another run, named in few words."""

    def fitted(dataset: str, fit: FitRecord = FIT) -> RunIdentity:
        head = HeadRecord(name="linear", shots=4, seed=1, fits={dataset: fit})
        return identity(benchmark, head=head, datasets=[dataset])

    whole = merged(fitted("rays"), fitted("cells"))
    assert whole.head is not None
    assert list(whole.head.fits) == ["cells", "rays"]
    assert restricted(whole, {"rays"}).head == fitted("rays").head
    assert first_difference(whole, fitted("rays")) is None
    other = first_difference(whole, fitted("rays", FIT.model_copy(update={"images": 7})))
    assert other is not None
    assert other[0] == "fits of the head"
    with pytest.raises(ValueError, match="the head was fitted to cells, which was not scored"):
        identity(benchmark, head=whole.head, datasets=["rays"])


def test_a_head_names_its_folder_and_itself(benchmark: Benchmark) -> None:
    """Shots of val are said; of train, which is usual, they are not in the folder's name."""
    every = HeadRecord(name="tip_f", shots=None, seed=0)
    of_val = HeadRecord(name="knn", shots=1, seed=2, draw_from="val")
    assert (every.slug, every.words) == ("tip_f-all-shots-seed-0", "tip_f head, all images of train, seed 0")
    assert (of_val.slug, of_val.words) == ("knn-1-shots-of-val-seed-2", "knn head, 1 shot of val, seed 2")
    run = identity(benchmark, head=of_val)
    assert run.who == f"{run.model.spec} (knn head, 1 shot of val, seed 2)"
    assert run.slug == f"{run.model.slug}-{of_val.slug}"
    assert dump(run)["head"] == {"name": "knn", "shots": 1, "seed": 2, "draw_from": "val"}


def test_a_run_without_prompts_goes_on(benchmark: Benchmark) -> None:
    """With more datasets, as one with prompts does; it is another run than one with prompts."""
    one, other = (identity(benchmark, prompts=None, datasets=[name]) for name in ("cells", "rays"))
    assert merged(one, other).scored == {"cells", "rays"}
    assert first_difference(one, identity(benchmark, datasets=["cells"])) == ("prompts", None, "paper")


def test_a_benchmark_brings_its_suite_and_groups(benchmark: Benchmark) -> None:
    """They are taken from the manifest; the core suite's has neither."""
    plain = benchmark_record("b", benchmark.manifest)
    assert (plain.suite, plain.groups_sha256) == (None, None)
    file = FileRecord(path="stats/groups.parquet", bytes=1, sha256="cd" * 32)
    suite: SuiteRecord = IN_BENCHMARK["suite"]
    manifest = benchmark.manifest.model_copy(
        update={"suite": suite, "files": (*benchmark.manifest.files, file)}
    )
    found = benchmark_record("b", manifest)
    assert (found.suite, found.groups_sha256) == (suite, "cd" * 32)


def test_answers_in_words_are_kept_and_scored(spoken: SavedResult, benchmark: Benchmark) -> None:
    """Null instead of probabilities; no answer is wrong; every cell is valid and has its accuracy."""
    column = pq.read_table(spoken.path / "predictions.parquet")["probabilities"]
    assert column.null_count == len(column)
    back = read_saved(spoken.path)
    assert back.result == spoken.result
    assert back.result.invalid == ()
    for key, cell in back.predictions.items():
        assert cell.probabilities is None
        assert cell.digest == spoken.predictions[key].digest
        score = back.result.cell(key)
        assert score is not None
        assert score.top1.value == np.mean(cell.predictions == cell.labels)
        assert "answered in words" in str(score.ece.reason)
    assert back.result.scores.overall.average_accuracy.low is not None
    write_reports(assess(spoken), benchmark)
    assert "answered in words" in (spoken.path / "report.md").read_text()


def test_answers_in_words_are_a_submission(spoken: SavedResult, tmp_path: Path) -> None:
    """Every number is computed again from the answers."""
    write_submission(spoken.path / "submission.yaml", described(PLAIN, declared=True))
    for name in ("report.md", "report.html"):
        (spoken.path / name).unlink(missing_ok=True)
    assert check_submission(spoken.path, None).problems == ()


@pytest.mark.parametrize(
    ("predictions", "message"), [([0, -3], "not a class"), (None, "neither probabilities nor predictions")]
)
def test_words_that_are_no_answer(predictions: Any, message: str) -> None:
    """Only -1 and -2 stand for no class."""
    key = SetKey("cells", "test", "clean", 0)
    with pytest.raises(ResultError, match=message):
        CellPredictions.of(key, ["a", "b"], [0, 1], None, predictions=predictions)


def test_no_answer_has_no_probabilities() -> None:
    """A model that gives probabilities has a most probable class: -2 beside them is refused."""
    key = SetKey("cells", "test", "clean", 0)
    with pytest.raises(ResultError, match="not a class"):
        CellPredictions.of(key, ["a"], [0], [[0.5, 0.5]], predictions=[NO_ANSWER])
    cell = CellPredictions.of(key, ["a", "b"], [0, 1], None, predictions=[NO_PREDICTION, 1])
    assert cell.finite.tolist() == [False, True]


def test_a_submission_says_when_and_on_what(saved: SavedResult, tmp_path: Path) -> None:
    """Date and training data are of schema 2; a day that does not exist is refused; older files stay."""
    path = tmp_path / "submission.yaml"
    write_submission(path, described(PLAIN, declared=True))
    assert "date" not in path.read_text()
    newer = described({**PLAIN, "date": "2026-02-28", "trained_on": "PMC-15M, ROCO"}, declared=True)
    write_submission(path, newer)
    assert read_submission(path) == newer
    assert newer.trained_on == ("PMC-15M", "ROCO")
    assert "schema_version: 2" in path.read_text()
    assert submission_path(newer, saved.result.run).startswith("results/example/tiny/")
    with pytest.raises(ValueError, match="date"):
        described({**PLAIN, "date": "2026-02-30"}, declared=True)
