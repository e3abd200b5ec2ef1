"""`submit --init`: a commented file that reads once its blanks are filled, and says which are not."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from submissions_on_disk import PLAIN, replace_text

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.leaderboard.blank import blank_submission, init_submission
from medimeta_c.leaderboard.checks import check_submission
from medimeta_c.leaderboard.fields import FIELDS
from medimeta_c.leaderboard.submission import Submission, TrainingData, read_submission
from medimeta_c.results.folder.saved import SavedResult

Submitted = Callable[..., Path]
REQUIRED = [field for field in FIELDS if field.required]
TODAY = datetime.now(timezone.utc).date()


def filled(text: str, *, but: str = "") -> str:
    """The text with the example of each field as its value, except for one that stays blank."""
    for field in FIELDS:
        if field.required and field.name != but:
            key = field.name.rpartition(".")[2]
            text, count = re.subn(rf"(?m)^( *){key}:$", rf"\g<0> {field.example}", text)
            assert count <= 1
    return text


def test_every_field_is_asked_for_once() -> None:
    """The list of fields is that of the record, so that none is forgotten when one is added."""
    groups = {"training_data", "statements"}
    top = [name for name in Submission.model_fields if name not in {"schema_version", *groups}]
    parts = [f"training_data.{name}" for name in TrainingData.model_fields]
    asked = [field.name for field in FIELDS]
    assert sorted(asked) == sorted(
        [*top, *parts, "statements.not_chosen_on_test", "statements.may_be_published"]
    )
    assert {field.name for field in FIELDS if field.required} == {
        *(name for name in top if Submission.model_fields[name].is_required()),
        *(name for name in asked if "." in name),
    }


def test_examples_are_valid_values(tmp_path: Path) -> None:
    """Every example, the optional ones too, is accepted where it stands."""
    text = blank_submission({"third_party": True})
    for field in FIELDS:
        key = field.name.rpartition(".")[2]
        text = re.sub(rf"(?m)^( *{key}:)(?: \[\])?$", rf"\g<1> {field.example}", text)
    path = tmp_path / "submission.yaml"
    path.write_text(text)
    made = read_submission(path)
    assert (made.date, made.trained_on, made.notes) == (
        "2026-01-31",
        ("PMC-15M",),
        "Prompts are those of the paper, one for each class.",
    )


def test_a_blank_file_knows_the_result_and_reads_once_filled(saved: SavedResult, tmp_path: Path) -> None:
    """Name, date and address come from the result; every line else is a comment or a blank."""
    day = datetime(2026, 3, 4, 12, tzinfo=timezone.utc).timestamp()
    (tmp_path / "result.json").write_bytes((saved.path / "result.json").read_bytes())
    os.utime(tmp_path / "result.json", (day, day))
    path = init_submission(tmp_path)
    text = path.read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    assert (values["name"], values["date"]) == ("tiny", "2026-03-04")
    assert values["model"] == "https://huggingface.co/test/tiny"
    assert len([line for line in text.splitlines() if "# Example: " in line]) == len(FIELDS)
    assert max(map(len, text.splitlines())) <= 110
    with pytest.raises(ResultError, match=r"organisation, contact, .* are blank: first write who made"):
        read_submission(path)
    path.write_text(filled(text).replace("\ncode:\n", "\ncode: https://example.org/code\n"))
    assert read_submission(path).name == "tiny"


@pytest.mark.parametrize("field", REQUIRED, ids=lambda field: field.name)
def test_a_blank_that_is_left_is_named_with_what_to_write(tmp_path: Path, field: Any) -> None:
    """One sentence: the file, the field, and what belongs there."""
    path = tmp_path / "submission.yaml"
    path.write_text(filled(blank_submission({}), but=field.name))
    with pytest.raises(ResultError) as refused:
        read_submission(path)
    assert str(refused.value) == f"{path}: {field.name} is blank: write {field.asks}"


def test_init_overwrites_nothing(saved: SavedResult, tmp_path: Path) -> None:
    """Neither a file nor what a link, even a broken one, points at."""
    taken, link = tmp_path / "mine.yaml", tmp_path / "link.yaml"
    taken.write_text("mine")
    link.symlink_to(tmp_path / "nowhere")
    for path in (taken, link):
        with pytest.raises(ConfigError, match="exists, and is not overwritten"):
            init_submission(saved.path, path)
    assert taken.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", ["a: b", "# no comment", "- x", "{}", "null", "x\ny: z", '"', "\x1b[2J"])
def test_a_hostile_name_stays_a_name(saved: SavedResult, tmp_path: Path, name: str) -> None:
    """What is filled in cannot become YAML; what no board shows is left blank."""
    path = init_submission(saved.path, tmp_path / "mine.yaml", name=name)
    shown = yaml.safe_load(path.read_text(encoding="utf-8"))["name"]
    assert shown == (None if name in {"x\ny: z", "\x1b[2J", "{}", '"'} else name)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ('"9999-99-99"', "is not valid at date"),
        ('"2026-02-30"', "is not valid at date"),
        ('"20260101"', "is not valid at date"),
        ("2026-01-31", "quote it"),
        ('"2026-01-31T00:00"', "is not valid at date"),
    ],
)
def test_a_date_is_a_day_of_the_calendar(submitted: Submitted, written: str, sentence: str) -> None:
    """Anything else is refused in one sentence."""
    folder = submitted()
    path = folder / "submission.yaml"
    replace_text(path, "schema_version: 1", f"schema_version: 2\ndate: {written}")
    (problem,) = check_submission(folder, None).problems
    assert sentence in problem


@pytest.mark.parametrize(("days", "taken"), [(0, True), (1, True), (2, False), (4000, False)])
def test_a_date_is_not_in_the_future(submitted: Submitted, days: int, taken: bool) -> None:
    """A day ahead may be today elsewhere; further ahead is a mistake."""
    folder = submitted()
    day = (TODAY + timedelta(days=days)).isoformat()
    replace_text(folder / "submission.yaml", "schema_version: 1", f'schema_version: 2\ndate: "{day}"')
    problems = check_submission(folder, None).problems
    assert problems == (
        () if taken else (f"its date, {day}, is in the future: give the day of the evaluation",)
    )


def test_ten_megabytes_of_yaml_are_not_read(submitted: Submitted) -> None:
    """The limit is that of the file, before anything is parsed."""
    folder = submitted()
    (folder / "submission.yaml").write_bytes(b"a: [" + b"[" * (10 << 20))
    (problem,) = check_submission(folder, None).problems
    assert "more than any submission needs" in problem
    with pytest.raises(ResultError, match="is larger than 64 kB"):
        read_submission(folder / "submission.yaml")


def test_submissions_without_a_date_are_read(submitted: Submitted) -> None:
    """Those made before there were dates have version 1, and keep it."""
    folder = submitted()
    assert yaml.safe_load((folder / "submission.yaml").read_text())["schema_version"] == 1
    assert read_submission(folder).date is None
    assert json.loads(read_submission(folder).model_dump_json())["name"] == PLAIN["name"]
