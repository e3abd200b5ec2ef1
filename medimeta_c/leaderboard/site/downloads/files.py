"""The files to download: tables as CSV and JSON, everything as CSV and JSON, references as BibTeX.

Numbers are fractions, unrounded: 1.0 is 100 %.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from medimeta_c.io.tables.csv import data_csv
from medimeta_c.io.tables.table import Scalar
from medimeta_c.leaderboard.releases.plain import to_plain
from medimeta_c.leaderboard.site.downloads.bibtex import board_reference, entry_reference
from medimeta_c.leaderboard.site.downloads.numbers import Quantity, quantities
from medimeta_c.leaderboard.site.entries import Board, Entry
from medimeta_c.leaderboard.site.versions import package_version, versions_of
from medimeta_c.results.assessment.standing import PHANTOMS, UNVERIFIED

__all__ = ["FOLDER", "WHOLE", "bibtex_name", "download_files", "harmless", "table_names"]

FOLDER = "downloads"
WHOLE = ("board.json", "board.csv", "board.bib")
"""Files of the whole site."""

_NOT_NUMBERS = ("pictures", "examples", "right", "divisor", "release")
"""Fields that a download of numbers leaves out."""

_WIDE = (
    "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
_FORMULA = tuple(f"=+-@\t\r\n{_WIDE}")
_ABOUT = ("collection", "entry", "name", "organisation")
_MORE = (
    "source",
    "backbone",
    "trained_on",
    "overlap",
    "adaptation",
    "parameters",
    "date",
    "marks",
    "rank_best",
    "rank_worst",
)


def download_files(boards: Sequence[Board]) -> Iterator[tuple[str, str]]:
    """Yield the path below the site's folder, and the text, of every file to download."""
    said = {"schema_version": 1, "versions": versions_of(boards)}
    for board in boards:
        as_csv, as_json = table_names(board)
        header, rows = _table(board)
        yield f"{FOLDER}/{as_csv}", data_csv(header, [[harmless(one) for one in row] for row in rows])
        entries = [dict(zip(header, row, strict=True)) for row in rows]
        yield f"{FOLDER}/{as_json}", _json({**said, "title": board.title, "entries": entries})
        for entry in board.entries:
            yield f"{FOLDER}/{bibtex_name(entry)}", entry_reference(entry, board)
    whole = [to_plain(board, without=_NOT_NUMBERS) for board in boards]
    yield f"{FOLDER}/{WHOLE[0]}", _json({**said, "boards": whole})
    yield f"{FOLDER}/{WHOLE[1]}", data_csv(*_whole(boards))
    references = [board_reference(boards[0].release if boards else None, package_version(boards))]
    references += [entry_reference(entry, board) for board in boards for entry in board.entries]
    yield f"{FOLDER}/{WHOLE[2]}", "\n".join(references)


def table_names(board: Board) -> tuple[str, str]:
    """Return the names of a table's CSV and JSON."""
    return f"{board.key}.csv", f"{board.key}.json"


def bibtex_name(entry: Entry) -> str:
    """Return the name of an entry's reference."""
    return f"bibtex/{entry.key}.bib"


def harmless(value: Scalar) -> Scalar:
    """Return a text that no spreadsheet takes for a formula: an apostrophe stands before one that begins so.

    Examples
    --------
    >>> harmless("=cmd|' /C calc'!A0"), harmless("ViT-B/16"), harmless(-1)
    ("'=cmd|' /C calc'!A0", 'ViT-B/16', -1)
    """
    risky = isinstance(value, str) and (value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA))
    return f"'{value}" if risky else value


def _table(board: Board) -> tuple[list[str], list[list[Scalar]]]:
    """Return the ranking: an entry a row, its numbers with intervals, over all datasets and by dataset."""
    names: dict[tuple[str, str], None] = {}
    found: list[dict[tuple[str, str], Quantity]] = []
    for entry in board.entries:
        own = {(one.dataset, one.name): one for one in quantities(entry) if not one.corruption}
        names |= dict.fromkeys(own)
        found.append(own)
    order = ["", *(one.dataset for one in board.datasets)]
    columns = sorted(names, key=lambda one: order.index(one[0]))
    header = [*_ABOUT, *_MORE]
    for dataset, name in columns:
        whole = f"{dataset}_{name}" if dataset else name
        header += [whole, f"{whole}_low", f"{whole}_high"]
    rows = []
    for entry, own in zip(board.entries, found, strict=True):
        row = [*_about(board, entry), *_more(board, entry)]
        for column in columns:
            one = own.get(column)
            row += [None, None, None] if one is None else [one.value, one.low, one.high]
        rows.append(row)
    return header, rows


def _about(board: Board, entry: Entry) -> list[Scalar]:
    return [board.title, entry.key, entry.name, entry.organisation]


def _more(board: Board, entry: Entry) -> list[Scalar]:
    best, worst = entry.ranks or (None, None)
    training = entry.training
    return [
        entry.source,
        entry.backbone,
        training.kind,
        training.overlap,
        entry.adaptation,
        entry.parameters,
        entry.date,
        ", ".join(_marks(board, entry)),
        best,
        worst,
    ]


def _marks(board: Board, entry: Entry) -> Iterator[str]:
    """Yield in a word each why an entry has no rank."""
    if board.phantoms:
        yield PHANTOMS.label
    if entry.source == "unverified":
        yield UNVERIFIED.label
    if entry.source == "paper":
        yield "reported"
    if entry.training.overlap == "test":
        yield "trained on test images"


def _whole(boards: Sequence[Board]) -> tuple[tuple[str, ...], Iterator[list[Scalar]]]:
    """Return every number of every board, a number a row."""
    header = (*_ABOUT, "dataset", "quantity", "corruption", "severity", "value", "low", "high", "reason")
    return header, (
        [harmless(field) for field in (*_about(board, entry), *_row(one))]
        for board in boards
        for entry in board.entries
        for one in quantities(entry)
    )


def _row(one: Quantity) -> tuple[Scalar, ...]:
    return one.dataset, one.name, one.corruption, one.severity, one.value, one.low, one.high, one.reason


def _json(values: Any) -> str:
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
