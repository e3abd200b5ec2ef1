"""Tables as CSV: numbers in full, no marks, an empty field for a missing number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from medimeta_c.io.tables.table import UNDEFINED, Cell, Scalar, Table

__all__ = ["csv_text", "data_csv"]


def csv_text(table: Table) -> str:
    """Return the table without its caption."""
    return data_csv(table.headers, (map(_field, row) for row in table.rows))


def data_csv(header: Sequence[str], rows: Iterable[Iterable[Scalar]]) -> str:
    r"""Return rows as CSV: numbers in full, None as an empty field.

    Examples
    --------
    >>> data_csv(("a", "b"), [("x, y", 0.5), (None, 2)])
    'a,b\n"x, y",0.5\n,2\n'
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def _field(cell: Cell) -> Scalar:
    if cell.value is not None:
        return cell.value
    return None if cell.text == UNDEFINED else cell.text
