"""Exported answers: invalid files are refused in one sentence, hostile names are shown safely."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simulated import answers, study
from typer.testing import CliRunner

from medimeta_c.cli import app
from medimeta_c.errors import ResultError
from medimeta_c.io.records import dump, write_record
from medimeta_c.readers.answers import read_answers
from medimeta_c.readers.scoring import score_answers
from medimeta_c.readers.tables import markdown_report, sentences

ASKED = study(2, catch=4)
TRUE = {"compare": 2.3, "read": 3.6}
Change = Callable[[dict[str, Any]], Any]


def written(path: Path, number: int = 0, change: Change | None = None) -> Path:
    values = dump(answers(ASKED, TRUE, number))
    if change is not None:
        change(values)
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


REFUSED: dict[str, tuple[Change, str]] = {
    "another study": (lambda v: v.update(study="0" * 64), "has answers to another study (000000000000, not "),
    "an unknown trial": (lambda v: v["answers"][0].update(trial="t9999"), "an answer to t9999, which the"),
    "a trial's name": (lambda v: v["answers"][0].update(trial="<b>"), "answers.0.trial"),
    "a word of the other question": (
        lambda v: v["answers"][0].update(answer="left"),
        "answers t0001 with 'left', which asks for yes or no",
    ),
    "a word": (lambda v: v["answers"][0].update(answer="maybe"), "answers.0.answer"),
    "twice": (lambda v: v["answers"].append(v["answers"][0]), "trial t0001 is answered twice"),
    "none": (lambda v: v.update(answers=[]), "at answers: Tuple should have at least 1 item"),
    "a time": (lambda v: v["answers"][0].update(seconds=-1), "answers.0.seconds"),
    "a text for a number": (lambda v: v["answers"][0].update(seconds="1"), "answers.0.seconds"),
    "a scale": (lambda v: v["answers"][0].update(scale=0), "answers.0.scale"),
    "a blank name": (lambda v: v.update(reader=" \u200b"), "the reader's name is blank"),
    "a long name": (lambda v: v.update(reader="a" * 41), "at reader: String should have at most 40"),
    "a key": (lambda v: v.update(extra=1), "at extra: Extra inputs are not permitted"),
    "something else": (
        lambda v: v.update(kind="results"),
        "at kind: Input should be 'medimeta-c reader answers'",
    ),
    "a later schema": (lambda v: v.update(schema_version=9), "schema version 9"),
    "half a letter": (lambda v: v.update(reader="\ud800"), "not valid at the top: Invalid JSON"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    """The sentence names the file and what is wrong in it; the command ends with 1."""
    change, words = REFUSED[case]
    path = written(tmp_path / "answers.json", change=change)
    with pytest.raises(ResultError) as caught:
        read_answers([path], ASKED)
    assert words in str(caught.value)
    assert "answers.json" in str(caught.value)
    write_record(tmp_path / "a.study.json", ASKED)
    result = CliRunner().invoke(
        app, ["readers", "score", str(path), "--study", str(tmp_path / "a.study.json")]
    )
    assert result.exit_code == 1
    assert result.stderr.startswith("medimeta-c: ")
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"),
        ('{"study": 1, "study": 2}', "duplicate key 'study'"),
        ("[" * 5000, "nested too deeply"),
        ('{"schema_version": 1, "seconds": NaN}', "NaN is not allowed"),
        (" " * (1 << 20) + " ", "is larger than 1 MB"),
        ("[]", "schema version"),
    ],
    ids=["half", "twice", "deep", "nan", "large", "list"],
)
def test_a_file_that_is_no_json_of_ours(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ResultError) as caught:
        read_answers([tmp_path / "x.json"], ASKED)
    assert words in str(caught.value)


def test_one_file_a_reader(tmp_path: Path) -> None:
    """A file given twice, or a name that differs in case or width only, is one reader twice."""
    one = written(tmp_path / "a.json")
    with pytest.raises(ResultError, match="are both by the reader simulated 0: give one of them"):
        read_answers([one, one], ASKED)
    other = written(tmp_path / "b.json", 1, lambda v: v.update(reader="SIMULATED\u3000\uff10"))
    with pytest.raises(ResultError, match="are both by the reader"):
        read_answers([one, other], ASKED)
    assert len(read_answers([one, written(tmp_path / "c.json", 1)], ASKED)) == 2
    with pytest.raises(ResultError, match="201 files are more than 200"):
        read_answers([one] * 201, ASKED)


def test_a_hostile_name_is_shown_and_has_no_effect(tmp_path: Path) -> None:
    """Escape sequences, markup and direction marks of a name do not reach a terminal or a page."""
    name = "<b>x</b>[red]|\x1b[2J\u202e*y*"
    path = written(tmp_path / "a.json", change=lambda v: v.update(reader=name))
    scores = score_answers(ASKED, read_answers([path], ASKED))
    text = markdown_report(scores)
    assert "<b>" not in text
    assert not any(char in text + "".join(sentences(scores)) for char in "\x1b\u202e")
    write_record(tmp_path / "a.study.json", ASKED)
    result = CliRunner().invoke(
        app, ["readers", "score", str(path), "--study", str(tmp_path / "a.study.json")]
    )
    assert result.exit_code == 0, result.stderr
    assert "\x1b[2J" not in result.stdout
    assert "[red]" in result.stdout


def test_the_report_has_numbers_or_reasons(tmp_path: Path) -> None:
    """JSON, Markdown and tables say the same; generated images are called that."""
    write_record(tmp_path / "a.study.json", ASKED)
    files = [str(written(tmp_path / f"{n}.json", n)) for n in range(3)]
    command = ["readers", "score", *files, "--study", str(tmp_path / "a.study.json"), "--resamples", "200"]
    values = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    found = values["corruptions"][0]["noticeable"]
    assert (found["value"] is None) == (found["reason"] is not None)
    assert [row["reader"] for row in values["readers"]] == ["simulated 0", "simulated 1", "simulated 2"]
    text = CliRunner().invoke(app, [*command, "--markdown"]).stdout
    assert "| Corruption | Just noticeable | Limit of reading |" in text
    assert "Generated images, not medical ones: rays" in text
    shown = CliRunner().invoke(app, command).stdout
    assert "Krippendorff" in shown
    tsv = CliRunner().invoke(app, [*command, "--format", "tsv"])
    assert tsv.stdout.startswith("Corruption\t")
    assert "False alarms" in tsv.stderr
    both = CliRunner().invoke(app, [*command, "--json", "--markdown"])
    assert both.exit_code == 2
