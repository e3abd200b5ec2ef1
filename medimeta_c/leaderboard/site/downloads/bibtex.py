"""References to a board and to its entries as BibTeX; untrusted text cannot leave its field."""

from __future__ import annotations

import re

from medimeta_c.io.templating import visible
from medimeta_c.leaderboard.site.entries import Board, Edition, Entry
from medimeta_c.leaderboard.site.paper import PAPER

__all__ = ["board_reference", "entry_reference", "escaped"]

_TITLE = "MediMeta-C leaderboard"
_PAPER_TITLE = "On the Robustness of Medical Vision-Language Models: Are they Truly Generalizable?"
_COMMANDS = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "@": r"\char64{}",
    **{char: f"\\{char}" for char in "&%$#_"},
}
_URL = re.compile(r"https://[\w.~:/?#@!$&*+,;=%()-]+", re.ASCII)


def escaped(text: str) -> str:
    r"""Return text for a field of BibTeX: LaTeX shows it literally, and its braces balance.

    Examples
    --------
    >>> print(escaped("50 % of {x}_1"))
    50 \% of \textbraceleft{}x\textbraceright{}\_1
    """
    line = " ".join(str(visible(text)).split())
    return "".join(_COMMANDS.get(char, char) for char in line)


def board_reference(edition: Edition | None, package_version: str) -> str:
    """Return the reference to a board, or to its release."""
    name = "medimeta-c-leaderboard" + (f"-{edition.name}" if edition else "")
    fields = {
        "title": f"{{{escaped(_TITLE)}}}",
        "author": "{The MediMeta-C authors}",
        **_when(edition.date if edition else None),
        "note": f"{f'Release {edition.name}' if edition else 'Not a release'}, computed with medimeta-c "
        f"{escaped(package_version)}",
    }
    return _entry("misc", name, fields)


def entry_reference(entry: Entry, board: Board) -> str:
    """Return the reference to one entry; that of a model as the paper reported it is to the paper."""
    if entry.source == "paper":
        return _entry(
            "inproceedings",
            entry.key,
            {
                "title": f"{{{_PAPER_TITLE}}}",
                "author": "Imam, Raza and Marew, Rufael and Yaqub, Mohammad",
                "booktitle": "Medical Image Understanding and Analysis (MIUA)",
                "year": "2025",
                "doi": PAPER.removeprefix("https://doi.org/"),
                "note": f"Reported there of {escaped(entry.name)} on {escaped(board.title)}",
            },
        )
    release = f", release {board.release.name}" if board.release else ""
    makers = f" of {escaped(entry.organisation)}" if entry.third_party else ""
    address = next(
        (url for url in (entry.paper, entry.code, entry.model) if url and _URL.fullmatch(url)), None
    )
    fields = {
        # In two pairs of braces a name is one name, whatever words are in it, and keeps its capitals.
        "title": f"{{{escaped(f'{entry.name} on {board.title}')}}}",
        "author": f"{{{escaped(entry.third_party or entry.organisation)}}}",
        "howpublished": f"Entry of the {escaped(_TITLE)}{release}",
        **_when(entry.date),
        **({"note": f"Model{makers}, submitted by a third party"} if makers else {}),
        **({"url": address} if address else {}),
    }
    return _entry("misc", entry.key, fields)


def _when(day: str | None) -> dict[str, str]:
    if day is None:
        return {}
    year, month, _ = day.split("-")
    return {"year": year, "month": str(int(month))}


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"]) + "\n"
