"""Downloads: every number of the site as CSV and JSON, and references that a BibTeX parser reads."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_up_boards import HOSTILE, board, entry

from medimeta_c.io.tables.csv import data_csv
from medimeta_c.leaderboard.site.downloads.bibtex import board_reference, entry_reference, escaped
from medimeta_c.leaderboard.site.downloads.files import download_files, harmless
from medimeta_c.leaderboard.site.downloads.numbers import quantities
from medimeta_c.leaderboard.site.entries import Board, Edition, Entry
from medimeta_c.leaderboard.site.paper import paper_entries
from medimeta_c.leaderboard.site.writing import write_site

FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "  =1", "\N{FULLWIDTH EQUALS SIGN}1"]
SCRIPT = '=HYPERLINK("https://evil.example","x"), {evil} \\ % & # _ ^ ~ $ @ "'


def hostile_board() -> Board:
    """Ordinary entries, one with hostile texts, one on a part, and the paper's."""
    draw = np.random.default_rng(5)
    bad = entry(
        900,
        draw,
        key="hostile",
        name=SCRIPT,
        organisation=HOSTILE,
        backbone="=1+1",
        third_party="{@misc{x,}}",
        ranks=None,
        date="2026-03-04",
    )
    part = entry(901, draw, key="part", name="PBC only", overall=None, ranks=None)
    part = replace(part, datasets={"pbc": part.datasets["pbc"]}, cells={"pbc": part.cells["pbc"]})
    return board(2, bad, part, *paper_entries("MediMeta-C"))


BOARD = hostile_board()
FILES = dict(download_files((BOARD,)))


def rows(name: str) -> list[dict[str, str]]:
    """A CSV's rows by their heads."""
    return list(csv.DictReader(io.StringIO(FILES[f"downloads/{name}"])))


def test_the_table_has_every_entry_and_its_numbers() -> None:
    """Unrounded, with intervals; what an entry lacks is an empty field."""
    found = rows("medimeta-c-1-0.csv")
    assert [row["entry"] for row in found] == [one.key for one in BOARD.entries]
    for row, one in zip(found, BOARD.entries, strict=True):
        if one.overall is None:
            assert row["mce"] == ""
        else:
            assert float(row["mce"]) == one.overall.mce.value
        for dataset, summary in one.datasets.items():
            if summary.average_accuracy.value is not None:
                assert float(row[f"{dataset}_average_accuracy"]) == summary.average_accuracy.value
        assert row["rank_best"] == (str(one.ranks[0]) if one.ranks else "")
    assert [row["marks"] for row in found[-2:]] == ["reported", "reported"]
    assert found[2]["date"] == "2026-03-04"


def test_the_table_as_json_has_the_same_values() -> None:
    """Numbers are numbers, what is missing is null, and names are as they were given."""
    said = json.loads(FILES["downloads/medimeta-c-1-0.json"])
    assert said["title"] == BOARD.title
    assert set(said["versions"]) == {"Board", "Package", "Benchmark"}
    for row, values in zip(rows("medimeta-c-1-0.csv"), said["entries"], strict=True):
        assert list(row) == list(values)
        for name, field in row.items():
            assert field in {"" if values[name] is None else str(values[name]), f"'{values[name]}"}
    assert SCRIPT in {one["name"] for one in said["entries"]}


def test_the_whole_has_every_number_of_every_entry() -> None:
    """Means, numbers by dataset and corruption, and every cell, one a row."""
    found = rows("board.csv")
    assert len(found) == sum(len(list(quantities(one))) for one in BOARD.entries)
    one = BOARD.entries[0]
    cells = {
        (row["dataset"], row["corruption"], int(row["severity"])): float(row["value"])
        for row in found
        if row["entry"] == one.key and row["severity"]
    }
    assert cells == {
        (dataset, corruption, severity): cell.top1
        for dataset, by_corruption in one.cells.items()
        for corruption, row in by_corruption.items()
        for severity, cell in row.items()
    }
    missing = [row for row in found if row["value"] == ""]
    assert missing
    assert all(row["reason"] for row in missing)
    (whole,) = json.loads(FILES["downloads/board.json"])["boards"]
    assert [each["key"] for each in whole["entries"]] == [each.key for each in BOARD.entries]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula_in_a_spreadsheet(text: str) -> None:
    """An apostrophe stands before it; a negative number stays one."""
    assert harmless(text) == f"'{text}"
    assert harmless(-1.5) == -1.5


def test_no_field_of_any_csv_begins_a_formula() -> None:
    """In no column of any file, whatever the entries are called."""
    for name, text in FILES.items():
        if name.endswith(".csv"):
            for row in csv.reader(io.StringIO(text)):
                for field in row:
                    assert not field.lstrip().startswith(("=", "+", "@"))
                    assert not field.startswith("-") or float(field) < 0


@example([["", "\r"]])
@given(st.lists(st.lists(st.text(max_size=9), min_size=2, max_size=2), max_size=4))
def test_a_csv_reads_back(texts: list[list[str]]) -> None:
    """Quotes, commas and line breaks stay within their field."""
    written = [[harmless(one) for one in row] for row in texts]
    text = data_csv(("a", "b"), written)
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == written


def test_references_are_files_and_one_list() -> None:
    """Each entry has its own; the list has the board first."""
    assert {f"downloads/bibtex/{one.key}.bib" for one in BOARD.entries} <= FILES.keys()
    whole = FILES["downloads/board.bib"]
    assert whole.startswith("@misc{medimeta-c-leaderboard,")
    for one in BOARD.entries:
        assert FILES[f"downloads/bibtex/{one.key}.bib"] in whole


def parsed(text: str) -> Any:
    """What a BibTeX parser reads."""
    parser = pytest.importorskip("bibtexparser", reason="reads the references back")
    library = parser.parse_string(text)
    assert not library.failed_blocks
    return library


def test_a_parser_reads_every_reference() -> None:
    """Nothing of a hostile name ends a field or begins an entry."""
    library = parsed(FILES["downloads/board.bib"])
    assert [one.key for one in library.entries] == [
        "medimeta-c-leaderboard",
        *(one.key for one in BOARD.entries),
    ]
    assert not library.comments
    assert not library.preambles
    fields = {each.key: each.value for each in library.entries_dict["hostile"].fields}
    assert fields["title"] == f"{{{escaped(f'{SCRIPT} on {BOARD.title}')}}}"
    assert fields["author"] == f"{{{escaped('{@misc{x,}}')}}}"
    assert (fields["year"], fields["month"]) == ("2026", "3")
    paper = next(one for one in library.entries if one.key.startswith("paper-"))
    assert paper.entry_type == "inproceedings"
    assert paper.fields_dict["doi"].value == "10.1007/978-3-031-98688-8_17"


@given(st.text(max_size=60))
def test_any_text_stays_in_its_field(text: str) -> None:
    """Braces balance, no active character is left, and it is one line."""
    shown = escaped(text)
    depth = 0
    for char in shown:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    assert "\n" not in shown
    assert not set(shown) & set('@"~^<>|')
    one = replace(BOARD.entries[0], name=text, organisation=text, notes=text, code=None)
    lines = entry_reference(one, BOARD).splitlines()
    assert lines[0] == f"@misc{{{one.key},"
    assert lines[-1] == "}"
    assert all(line.startswith("  ") and line.endswith("},") for line in lines[1:-1])


@pytest.mark.parametrize("address", ["javascript:x", "https://x.org/}\n@misc{y,", "https://x.org/\\input"])
def test_an_address_that_is_none_is_left_out(address: str) -> None:
    """It was checked when it was read, and is checked again where it could end a field."""
    one = replace(BOARD.entries[0], code=address)
    assert "url" not in entry_reference(one, BOARD)


def test_a_release_is_cited_by_its_name() -> None:
    """With its year, which the current board has not."""
    edition = Edition(name="2026-11", date="2026-11-28", package_version="0.0.7")
    text = board_reference(edition, "0.0.7")
    assert text.startswith("@misc{medimeta-c-leaderboard-2026-11,")
    assert "year = {2026}" in text
    assert "Release 2026-11, computed with medimeta-c 0.0.7" in text
    assert "year" not in board_reference(None, "0.0.7")
    frozen = replace(BOARD, release=edition)
    assert "leaderboard, release 2026-11" in entry_reference(BOARD.entries[0], frozen)


def pages(site: Path) -> Iterator[tuple[Path, str]]:
    """Every page of a site."""
    for page in site.rglob("*.html"):
        yield page, page.read_text(encoding="utf-8")


def test_every_page_leads_to_the_downloads_and_they_are_there(tmp_path: Path) -> None:
    """The links of the page of downloads are files of the site; hostile names are text there."""
    site = tmp_path / "site"
    write_site((BOARD,), site)
    for page, text in pages(site):
        assert 'downloads.html">' in text
        assert "<img src=x" not in text, page
    text = (site / "downloads.html").read_text(encoding="utf-8")
    links = [part.partition('"')[0] for part in text.split('<a href="downloads/')[1:]]
    assert len(links) == 3 + 2 + len(BOARD.entries)
    assert all((site / "downloads" / link).is_file() for link in links)
    for path, content in FILES.items():
        assert (site / path).read_text(encoding="utf-8") == content


def test_an_entry_without_numbers_has_none() -> None:
    """Nothing is made up for what was not measured."""
    bare: Entry = replace(BOARD.entries[0], overall=None, datasets={}, cells={}, assessed={})
    assert list(quantities(bare)) == []
