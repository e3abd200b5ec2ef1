r"""Tables in LaTeX, for ``\usepackage{booktabs}``: best bold, second best underlined, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from medimeta_c.errors import printable
from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Row, Table
from medimeta_c.io.wrapping import by_letters

__all__ = ["latex"]

_ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        UNDEFINED: "--",
        **{char: f"\\{char}" for char in "&%$#_{}"},
    }
)
_MARKS = ("%s", r"\textbf{%s}", r"\underline{%s}")
_TEXT = r"p{.4\textwidth}"
_NAME_LETTERS = 24  # longer names are broken, so that the table is no wider than a page
_PAGE_LINES = 70  # of rows, and two a block: its rule, and perhaps a heading


def latex(table: Table) -> str:
    """Return the table under its caption as a comment: a ``tabular`` for each page it takes.

    Narrow, to fit a page: small type, headings of two words one above the other, of three label columns and
    more those that a block shares as a heading over its rows, long names on several lines, and a label only
    where it changes. Blocks are not parted.
    """
    pages = "\n\\par\\medskip\\noindent\n".join(_tabular(table, blocks) for blocks in _pages(table))
    return (
        f"% {' '.join(table.caption.split())}\n"
        f"\\begingroup\\footnotesize\\setlength{{\\tabcolsep}}{{2.5pt}}%\n{pages}\n\\endgroup\n"
    )


def _pages(table: Table) -> list[list[list[Row]]]:
    """Return the blocks of each page."""
    pages: list[list[list[Row]]] = []
    free = 0
    for block in table.blocks:
        lines = 2 + sum(max(map(len, _broken(table, row)), default=1) for row in block)
        if not pages or lines > free:
            pages.append([])
            free = _PAGE_LINES
        pages[-1].append(block)
        free -= lines
    return pages


def _tabular(table: Table, blocks: Sequence[Sequence[Row]]) -> str:
    """Return some of a table's blocks under its head."""
    headed, labels = _headed(table), table.labels
    columns = table.columns[headed:]
    lines = [
        rf"\begin{{tabular}}{{@{{}}{''.join(map(_align, columns))}@{{}}}}",
        r"\toprule",
        _line(_stacked(one.header) if one.kind == "number" else _tex(one.header) for one in columns),
    ]
    above = [""] * labels
    for block in blocks:
        lines.append(r"\midrule")
        for place, row in enumerate(block):
            names = [cell.text for cell in row[:labels]]
            if headed and names[:headed] != above[:headed]:
                heading = _tex(", ".join(filter(None, names[:headed])))
                lines.append(rf"\multicolumn{{{len(columns)}}}{{@{{}}l}}{{\textit{{{heading}}}}} \\")
            changed = [mine != other for mine, other in zip(names, above, strict=True)]
            same = changed.index(True) if place and True in changed else 0
            broken = map(_one_above_the_other, _broken(table, row))
            shown = ["" if index < same else name for index, name in enumerate(broken, headed)]
            lines.append(_line([*shown, *map(_cell, row[labels:])]))
            above = names
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}%"])


def _align(column: Column) -> str:
    """Return how a column's cells stand; texts are broken into lines."""
    return _TEXT if column.kind == "text" else column.align[0]


def _headed(table: Table) -> int:
    """Return how many labels are a heading over their rows: those that a block shares, of three or more."""
    return table.grouped if table.labels > 2 else 0


def _broken(table: Table, row: Row) -> list[list[str]]:
    """Return the lines of a row's labels that stand in columns."""
    headed = _headed(table)
    names = [printable(cell.text) for cell in row[headed : table.labels]]
    return [by_letters(name, _NAME_LETTERS) for name in names]


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _stacked(heading: str) -> str:
    """Return a heading with its first word above the others."""
    first, _, rest = heading.partition(" ")
    return rf"\shortstack[r]{{{_tex(first)}\\{_tex(rest)}}}" if rest else _tex(heading)


def _one_above_the_other(lines: Sequence[str]) -> str:
    words = r"\\".join(map(_tex, lines))
    return rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{words}\end{{tabular}}" if len(lines) > 1 else words


def _cell(cell: Cell) -> str:
    return _MARKS[cell.place] % _tex(cell.line)


def _tex(text: str) -> str:
    return printable(text).translate(_ESCAPED)
