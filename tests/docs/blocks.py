"""Code blocks of Markdown pages, and what a page says of them.

A fenced block of ``bash`` or ``python`` is run, in the order of the page; the Python blocks of a page share
one namespace. The line before a block may say otherwise:

``<!-- skip: why -->``
    It is not run. The reason is reported as that of a skipped test.
``<!-- file: name.py -->``
    It is written to that file before anything of the page is run.
``<!-- output: of what -->``
    The blocks before it print it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).parents[2]
TOP = ("README.md", "CONTRIBUTING.md", "corruptions/README.md")
PAGES = (*(REPO / name for name in TOP), *sorted((REPO / "docs").rglob("*.md")))
RUN = ("bash", "python")
SHOWN = ("json", "text", "toml", "yaml")

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\s*$")
_NOTE = re.compile(r"^<!-- (?P<kind>skip|file|output): (?P<words>.+) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block, its line in the page, and its note."""

    page: Path
    line: int
    language: str
    code: str
    skip: str = ""
    file: str = ""
    output: str = ""

    @property
    def place(self) -> str:
        """Page and line, as editors open them."""
        return f"{self.page.relative_to(REPO)}:{self.line}"


@dataclass(frozen=True)
class Reader:
    """Where a page's code runs: a fresh folder, and the environment."""

    folder: Path
    environment: dict[str, str]


def blocks_of(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found = []
    index = 0
    while index < len(lines):
        opened = _FENCE.match(lines[index])
        if opened is None:
            index += 1
            continue
        end = next(i for i in range(index + 1, len(lines)) if lines[i].strip() == "```")
        note = _NOTE.match(lines[index - 1].strip()) if index else None
        indent = len(opened["indent"])
        code = "\n".join(line[indent:] for line in lines[index + 1 : end]) + "\n"
        notes = {note["kind"]: note["words"]} if note else {}
        found.append(Block(page, index + 1, opened["language"], code, **notes))
        index = end + 1
    return found


def indented_code(page: Path) -> list[int]:
    """Lines that Markdown reads as code without a fence, where no test would find it."""
    found, fenced, blank = [], False, True
    in_list = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            if re.match(r"\s*([-*]|\d+\.) ", line):
                in_list = True
            elif line and not line.startswith(" "):
                in_list = False
            if blank and line.startswith("    ") and not in_list:
                found.append(number)
            blank = not line.strip()
    return found
