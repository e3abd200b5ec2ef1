"""Tables as CSV and TSV: unrounded numbers, no marks, an empty field for a missing number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from medimeta_c.io.tables.table import UNDEFINED, Cell, Scalar, Table

__all__ = ["csv_text", "data_csv", "tsv_text"]


def csv_text(table: Table) -> str:
    """Return the table without its caption."""
    return data_csv(table.headers, (map(_field, row) for row in table.rows))


def tsv_text(table: Table) -> str:
    """Return the table without its caption, its fields separated by tabs and without quotes.

    A tab or a line break within a field becomes a space, since the form has no other way to show it.
    """
    rows = [table.headers, *(map(_field, row) for row in table.rows)]
    lines = ("\t".join("" if one is None else " ".join(str(one).split()) for one in row) for row in rows)
    return "".join(f"{line}\n" for line in lines)


def data_csv(header: Sequence[str], rows: Iterable[Iterable[Scalar]]) -> str:
    r"""Return rows as CSV: numbers in full, None as an empty field.

    Examples
    --------
    >>> data_csv(("a", "b"), [("x, y", 0.5), (None, 2)])
    'a,b\n"x, y",0.5\n,2\n'
    """
    lines = []
    for row in (header, *rows):
        line = io.StringIO()
        csv.writer(line).writerow(row)  # with the end that makes it quote a carriage return too
        lines.append(line.getvalue().removesuffix("\r\n"))
    return "\n".join([*lines, ""])


def _field(cell: Cell) -> Scalar:
    if cell.value is not None:
        return cell.value
    return None if cell.text == UNDEFINED else cell.text
