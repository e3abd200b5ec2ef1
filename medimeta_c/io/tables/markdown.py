"""Tables as GitHub Markdown: best bold, second best underlined; untrusted text is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from medimeta_c.io.markdown import plain
from medimeta_c.io.tables.table import Cell, Table

__all__ = ["markdown"]

_RULES = {"left": "---", "right": "---:"}
_MARKS = ("{}", "**{}**", "<u>{}</u>")


def markdown(table: Table) -> Markup:
    """Return the table without name and caption, to stand in a page; its last line has no end."""
    lines = [
        map(plain, table.headers),
        (_RULES[column.align] for column in table.columns),
        *(map(_cell, row) for row in table.rows),
    ]
    return Markup("\n".join(map(_line, lines)))  # each cell is escaped


def _line(cells: Iterable[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)


def _cell(cell: Cell) -> str:
    return _MARKS[1 if cell.strong else cell.place].format(plain(cell.line))
