"""The table type: columns, and rows of cells that hold a value and its printed form."""

from __future__ import annotations

import statistics
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, zip_longest
from typing import Literal

__all__ = [
    "UNDEFINED",
    "Best",
    "Cell",
    "Column",
    "Row",
    "Scalar",
    "Table",
    "marked",
    "mean_cell",
    "number",
    "printed",
    "texts",
]

UNDEFINED = "\N{EN DASH}"
"""What stands for a number that there is not."""

Scalar = str | int | float | None
Best = Literal["high", "low", ""]

_NOISE_DIGITS = 9  # of percents: sums of floating-point numbers are not exact beyond
_MOST_REASONS = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, or a number with its printed form.

    Parameters
    ----------
    text : str
        As printed; `UNDEFINED` where there is no number.
    value : float, int, str or None
        The number unrounded; None for a text.
    below : str
        What belongs to it in smaller type, e.g. its interval.
    note : str
        What to say on demand: the interval, or why there is no number.
    shade : float or None
        0 to 1, where the table shades its cells.
    strong : bool
        In a row's first cell: the row carries the message.
    place : int
        1 for the best of its column, 2 for the second best, else 0.
    """

    text: str
    value: Scalar = None
    below: str = ""
    note: str = ""
    shade: float | None = None
    strong: bool = False
    place: int = 0

    @property
    def line(self) -> str:
        """The text with what belongs to it, where a cell has one line and one size of type."""
        return f"{self.text} ({self.below})" if self.below else self.text


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading and kind.

    Parameters
    ----------
    header : str
        Its heading.
    kind : {"number", "label", "text"}
        Numbers stand right; labels, which name a row and lead it, and texts stand left.
    strong : bool
        It carries the message.
    best : {"high", "low", ""}
        What `Table.ranked` marks; empty: nothing.
    """

    header: str
    kind: Literal["number", "label", "text"] = "number"
    strong: bool = False
    best: Best = ""

    @property
    def align(self) -> Literal["left", "right"]:
        """Where its cells stand."""
        return "right" if self.kind == "number" else "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Parameters
    ----------
    name : str
        Its heading, or the name of its file without ending.
    caption : str
        How to read it.
    columns : tuple of Column
        Labels first.
    rows : tuple of tuple of Cell
        A cell a column.
    grouped : int
        How many leading labels rows share that are compared with each other.
    """

    name: str = ""
    caption: str = ""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    grouped: int = 0

    @property
    def headers(self) -> tuple[str, ...]:
        """Headings."""
        return tuple(column.header for column in self.columns)

    @property
    def labels(self) -> int:
        """How many leading columns name a row."""
        return sum(column.kind == "label" for column in self.columns)

    @property
    def blocks(self) -> list[list[Row]]:
        """Rows that are compared with each other."""
        together = groupby(self.rows, key=lambda row: [cell.text for cell in row[: self.grouped]])
        return [list(rows) for _, rows in together]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why numbers are missing, each reason once; those that only point at another are left out."""
        cells = (cell for row in self.rows for cell in row)
        found = list(dict.fromkeys(cell.note for cell in cells if cell.text == UNDEFINED and cell.note))
        direct = [reason for reason in found if not reason.startswith("undefined for")] or found
        more = len(direct) - _MOST_REASONS
        return (*direct[:_MOST_REASONS], *([f"and {more} more reasons of this kind"] if more > 0 else []))

    def only(self, *headers: str) -> Table:
        """Return the table with some of its columns."""
        chosen = [self.headers.index(header) for header in headers]
        rows = tuple(tuple(row[place] for place in chosen) for row in self.rows)
        return replace(self, columns=tuple(self.columns[place] for place in chosen), rows=rows)

    def turned(self) -> Table:
        """Return the table with its rows as columns, for one label a row; small type is left out."""
        first, *others = self.columns
        return replace(
            self,
            columns=(first, *(Column(row[0].text, strong=row[0].strong) for row in self.rows)),
            rows=tuple(
                (
                    Cell(column.header, strong=column.strong),
                    *(replace(row[place], below="") for row in self.rows),
                )
                for place, column in enumerate(others, start=1)
            ),
        )

    def ranked(self, apart: Container[int] = ()) -> Table:
        """Return the table with best and second best of each block marked, where a column says which is.

        Parameters
        ----------
        apart : container of int, optional
            Places of rows that are compared with no other.
        """
        rows: list[Row] = []
        for block in self.blocks:
            left_out = [place in apart for place in range(len(rows), len(rows) + len(block))]
            by_column = zip(self.columns, zip(*block, strict=True), strict=True)
            rows += zip(*(marked(cells, column.best, left_out) for column, cells in by_column), strict=True)
        return replace(self, rows=tuple(rows))


def printed(value: float, digits: int) -> str:
    """Return a number as it is printed, without the noise of sums that could part equal ones at a half."""
    return f"{round(value, _NOISE_DIGITS):.{digits}f}"


def number(value: float | None, digits: int, note: str = "") -> Cell:
    """Return the cell of a number with so many digits after the point; the note says why there is none."""
    return Cell(UNDEFINED, note=note) if value is None else Cell(printed(value, digits), value)


def mean_cell(values: Sequence[float | None], digits: int = 1) -> Cell:
    """Return a mean over seeds, and the sample standard deviation of several; a dash if one is undefined.

    Examples
    --------
    >>> mean_cell([1.0, 3.0]).text
    '2.0 ± 1.4'
    """
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return number(None, digits)
    mean = number(statistics.fmean(known), digits)
    return (
        mean if len(known) == 1 else replace(mean, text=f"{mean.text} ± {statistics.stdev(known):.{digits}f}")
    )


def texts(*words: str) -> Row:
    """Return cells of text."""
    return tuple(map(Cell, words))


def marked(cells: Sequence[Cell], best: Best, left_out: Sequence[bool] = ()) -> Sequence[Cell]:
    """Return the cells of a column with the best and the second best marked.

    Numbers are compared as they are printed, so that equal prints share a place. Nothing is marked where all
    are equal. Cells that are left out have no place, and take none from others.

    Examples
    --------
    >>> [cell.place for cell in marked(texts("70.1", UNDEFINED, "70.1", "69.0", "80.0"), "high")]
    [2, 0, 2, 0, 1]
    """
    if not best:
        return cells
    compared = [cell.text != UNDEFINED and not out for cell, out in zip_longest(cells, left_out)]
    numbers = [float(cell.text) if known else None for cell, known in zip(cells, compared, strict=True)]
    known = sorted({one for one in numbers if one is not None}, reverse=best == "high")
    places: dict[float | None, int] = {known[0]: 1, known[1]: 2} if len(known) > 1 else {}
    return [replace(cell, place=places.get(one, 0)) for cell, one in zip(cells, numbers, strict=True)]
