"""result.json: strictly what the contract says, or one sentence about the first thing that is not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medimeta_c.errors import IncompleteGridError, ResultError
from medimeta_c.io import reading
from medimeta_c.results.folder.saved import SavedResult
from medimeta_c.results.result import Result, read_result, write_result

Json = dict[str, Any]


@pytest.fixture(scope="module")
def values(saved: SavedResult) -> Json:
    """A valid result as JSON values."""
    found: Json = json.loads((saved.path / "result.json").read_text())
    return found


def refused(path: Path) -> str:
    """The sentence that refuses a file."""
    with pytest.raises(ResultError) as caught:
        read_result(path)
    sentence = str(caught.value)
    assert "result.json" in sentence
    assert "\n" not in sentence
    return sentence


def test_round_trip(tmp_path: Path, saved: SavedResult) -> None:
    """Written and read back, a result is equal, and its bytes are the same again."""
    write_result(tmp_path, saved.result)
    back = read_result(tmp_path)
    assert back == saved.result
    first = (tmp_path / "result.json").read_bytes()
    write_result(tmp_path, back)
    assert (tmp_path / "result.json").read_bytes() == first


def test_it_says_what_a_reader_needs(values: Json) -> None:
    """Identity, prompts word for word, versions, baseline with its note, and how intervals were made."""
    assert values["schema_version"] == 1
    assert values["complete"] is True
    (prompt,) = values["run"]["prompts"]["texts"]["cells"]["class0"]
    assert prompt.startswith("A photo of a")
    assert prompt.endswith("class0")
    assert set(values["run"]["model"]) >= {"spec", "revision", "weights_sha256", "architecture", "parameters"}
    assert {entry["kind"] for entry in values["run"]["benchmark"]["datasets"]} == {"imagefolder"}
    assert values["baseline"]["note"].startswith("measured on these shards (vit-b-16-openai/")
    assert values["baseline"]["paired"] is True
    assert set(values["resampling"]) == {"scheme", "resamples", "level", "seed", "numpy"}
    assert len(values["scores"]["cells"]) == 72


def at(*keys: Any, value: Any) -> Callable[[Json], None]:
    """A change of one value."""

    def change(values: Json) -> None:
        place: Any = values
        for key in keys[:-1]:
            place = place[key]
        if value is KeyError:
            del place[keys[-1]]
        else:
            place[keys[-1]] = value

    return change


CELL = ("scores", "cells", 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (at("schema_version", value=3), "reads 1 to 2: use medimeta-c 0.1.0"),
        (at("schema_version", value="1"), "schema version '1'"),
        (at("schema_version", value=True), "schema version True"),
        (at("surprise", value=1), "surprise"),
        (at("complete", value=False), "complete is False, with 72 of 72 cells"),
        (at("complete", value="yes"), "complete"),
        (at("run", "precision", value="int4"), "run.precision"),
        (at("run", "model", "parameters", value="many"), "run.model.parameters"),
        (at("run", "model", "parameters", value=-1), "run.model.parameters"),
        (at("run", "split", value="val"), "split"),
        (at("run", "prompts", "digest", value="0" * 64), "the digest is not that of the texts"),
        (at("run", "prompts", "texts", "cells", value=KeyError), "not that of the texts"),
        (at("run", "benchmark", "fingerprint", value="abc"), "run.benchmark.fingerprint"),
        (at("run", "benchmark", "datasets", 0, "dataset", value="../../etc"), "datasets.0.dataset"),
        (at("run", "benchmark", "datasets", 0, "images", value=13), "another number of images"),
        (at("environment", "batch_size", value=0), "environment.batch_size"),
        (at("resampling", "resamples", value=10**9), "resampling.resamples"),
        (at("scope", "corruptions", "cells", value=["contrast"]), "was not requested"),
        (at("scope", "severities", value=[2, 1]), "must be ascending"),
        (at("scores", "overall", "mce", "value", value=None), "scores.overall.mce"),
        (at("scores", "overall", "mce", "low", value=9.0), "scores.overall.mce"),
        (at("scores", "datasets", "rays", value=KeyError), "datasets of benchmark, scope and scores"),
        (
            at("scores", "datasets", "rays", "ce", "contrast", value=KeyError),
            "corruptions of scope and scores",
        ),
        (at(*CELL, "top1", "value", value=0.123), "not the share of correct images"),
        (at(*CELL, "correct", value=99), "counts of images do not fit"),
        (at(*CELL, "invalid", value=1), "counts of images do not fit"),
        (at(*CELL, "ece", "value", value=1.5), "a score is not between 0 and 1"),
        (at(*CELL, "severity", value=0), "severity must be 1 to 5, or 0 for clean"),
        (at(*CELL, "severity", value=3), "not in order, or one is a duplicate"),
        (at("baseline", "grids", "cells", "corrupted", "contrast", "total", value=4.9), "do not add up"),
        (at("baseline", "grids", "cells", "clean", value=1.2), "baseline.grids.cells.clean"),
    ],
)
def test_content_that_does_not_fit(
    tmp_path: Path, values: Json, change: Callable[[Json], None], message: str
) -> None:
    """Every part is checked, alone and against the others; the sentence says where."""
    hostile = copy.deepcopy(values)
    change(hostile)
    (tmp_path / "result.json").write_text(json.dumps(hostile))
    assert message in refused(tmp_path / "result.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON"),
        ("[]", "schema version None"),
        ('"x"', "schema version None"),
        ('{"schema_version": 1', "is not valid JSON"),
        ('{"schema_version": 1, "schema_version": 1}', "duplicate key 'schema_version'"),
        ('{"schema_version": 1, "run": {"a": 1, "a": 2}}', "duplicate key 'a'"),
        ('{"schema_version": 1, "complete": NaN}', "NaN is not allowed"),
        ('{"schema_version": 1, "complete": -Infinity}', "-Infinity is not allowed"),
        ('{"schema_version": 1, "complete": 1e999}', "1e999 is too large"),
        ("[" * 100_000, "is not valid JSON"),
        ("9" * 10_000, "is not valid JSON"),
        ('{"schema_version": 1}', "not valid at complete"),
        ("\ud800", "is not valid JSON"),
    ],
)
def test_text_that_is_no_result(tmp_path: Path, text: str, message: str) -> None:
    """Nothing but plain JSON objects with each key once and finite numbers is looked at."""
    path = tmp_path / "result.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert message in refused(path)


def test_a_file_too_large_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is judged first."""
    monkeypatch.setattr(reading, "MAX_BYTES", 1 << 20)
    (tmp_path / "result.json").write_bytes(b" " * ((1 << 20) + 1))
    assert "larger than 1 MB" in refused(tmp_path / "result.json")


def test_a_missing_file(tmp_path: Path) -> None:
    """The sentence says what to do."""
    assert "is missing: evaluate the model again" in refused(tmp_path / "result.json")


def test_an_incomplete_result_refuses_its_mce(saved: SavedResult) -> None:
    """`require_complete` names the cells that are missing or invalid."""
    saved.result.require_complete()
    fewer = saved.result.scores.model_copy(update={"cells": saved.result.scores.cells[:-2]})
    result = Result.model_validate(saved.result.model_copy(update={"scores": fewer, "complete": False}))
    with pytest.raises(IncompleteGridError, match="2 of 72") as caught:
        result.require_complete()
    assert set(caught.value.missing) == {"rays/test/zoom_blur/severity-4", "rays/test/zoom_blur/severity-5"}
