"""What the command line prints on terminals of any width."""

from __future__ import annotations

import csv
import io

import pytest
from typer.testing import CliRunner

from medimeta_c.cli import app, console
from medimeta_c.cli.common import loudness
from medimeta_c.io import progress
from medimeta_c.io.tables.table import Cell, Column, Table, texts


@pytest.mark.parametrize("columns", ["0", "20", "40", "60"])
def test_a_narrow_terminal_loses_no_cell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    """A number without its last digits is another number: lines are longer than the terminal instead."""
    monkeypatch.setenv("COLUMNS", columns)
    rows = (texts("organs_sagittal", "73421/13103/25596", "Histopathology: class", "yes"),)
    heads = (Column("dataset", "label"), Column("images"), Column("modality", "text"), Column("here", "text"))
    console.show(Table(name="Data", columns=heads, rows=rows))
    assert {"organs_sagittal", "73421/13103/25596", "Histopathology:", "yes"} <= set(
        capsys.readouterr().out.split()
    )


def test_tables_for_other_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tab-separated: numbers unrounded, one line a row, an empty line between tables, all else on stderr."""
    monkeypatch.setattr(loudness, "tsv", True)
    heads = (Column("model", "label"), Column("mCE"))
    one = Table(name="One", columns=heads, rows=((Cell("a\tb\nc"), Cell("33.3", 100 / 3, below="[1, 2]")),))
    other = Table(name="Two", columns=heads, rows=(texts("d", "\N{EN DASH}"),))
    console.show(one, "a sentence", other)
    console.say("another")
    said = capsys.readouterr()
    assert said.out == f"model\tmCE\na b c\t{100 / 3}\n\nmodel\tmCE\nd\t\n"
    assert said.err == "a sentence\nanother\n"


def test_format_of_a_command() -> None:
    """Standard output is the table and nothing else; a form that there is not is one sentence."""
    found = CliRunner().invoke(app, ["datasets", "--format", "tsv"])
    rows = list(csv.reader(io.StringIO(found.stdout), delimiter="\t"))
    assert found.exit_code == 0
    assert rows[0][0] == "dataset"
    assert {len(row) for row in rows} == {5}
    assert "medimeta-c download" in found.stderr
    for arguments, sentence in (
        (["--format", "xml"], "unknown format 'xml': use table or tsv"),
        (["--format", "tsv", "--json"], "--json and --format tsv are both given: choose one"),
    ):
        wrong = CliRunner().invoke(app, ["datasets", *arguments])
        assert wrong.exit_code == 2
        assert sentence in wrong.stderr
        assert len(wrong.stderr.splitlines()) == 1


@pytest.mark.parametrize("quiet", [True, False])
def test_quiet_shows_no_progress(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    """Also of long work, of which a log has a line from time to time."""
    monkeypatch.setattr(loudness, "quiet", quiet)
    monkeypatch.setattr(progress, "_LINES_S", 0.0)
    with console.counting("images") as show:
        show("building", 1, 2)
    assert bool(capsys.readouterr().err) is not quiet
