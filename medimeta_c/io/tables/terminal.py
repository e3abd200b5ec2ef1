"""Tables for a terminal: most fit 80 columns; long names may be broken, numbers never."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from medimeta_c.errors import printable
from medimeta_c.io.tables.table import Cell, Column, Table
from medimeta_c.io.wrapping import by_letters

__all__ = ["print_table"]

_NAME_LETTERS = 24  # longer names are broken, as in LaTeX
_STYLES = ("", "bold", "underline")


def print_table(table: Table, console: Console) -> None:
    """Print a table: labels, words, numbers and intervals are broken only if they are long names.

    A terminal too narrow gets lines longer than itself, since a number that lost its last digits is another
    number.
    """
    grid = Grid(
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for place, column in enumerate(table.columns):
        label = column.kind == "label"
        shown = [_lines(column, row[place]) for row in table.rows]
        whole = [
            *column.header.split(),
            *(one for text in shown for one in text.split(None if column.kind == "text" else "\n")),
        ]
        grid.add_column(
            _line(column.header),
            justify=column.align,
            style="bold" if column.strong else "",
            no_wrap=label,
            # Without it, rich makes columns narrower than their longest word.
            min_width=max(map(cell_len, whole), default=0),
        )
    for row in table.rows:
        cells = (
            Text(_lines(column, cell), _STYLES[cell.place])
            for column, cell in zip(table.columns, row, strict=True)
        )
        grid.add_row(*cells, style="bold" if row[0].strong else "")
    own = console.width
    needed = console.measure(grid, options=console.options.update(max_width=10_000)).minimum
    console.width = max(own, needed)
    # Not the grid's own title and caption, which would be no wider than a narrow table.
    if table.name:
        console.print(_line(table.name, "table.title"))
    console.print(grid, crop=False)
    if table.caption:
        console.print(_line(table.caption, "table.caption"))
    console.print()
    console.width = own


def _line(said: str, style: str = "") -> Text:
    """Return one printable line of untrusted text."""
    return Text(printable(said), style)


def _lines(column: Column, cell: Cell) -> str:
    """Return what a cell shows, long names on several lines."""
    said = printable(cell.text)
    if column.kind == "label":
        said = _broken(said)
    elif column.kind == "text":
        said = " ".join(map(_broken, said.split()))
    return f"{said}\n{cell.below}" if cell.below else said


def _broken(name: str) -> str:
    return "\n".join(by_letters(name, _NAME_LETTERS))
