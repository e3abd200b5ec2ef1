"""Tables as Markdown, CSV and LaTeX: best bold and second best underlined, in each block and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from medimeta_c.figures.drawing.wrapping import by_letters
from medimeta_c.figures.exhibit import Mark, PrintedTable, Scalar

__all__ = ["csv_text", "latex", "markdown", "ranks", "table_csv"]

_DASH = "\N{EN DASH}"
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}
_NAME_LETTERS = 24  # longer names are broken, so that the table is no wider than a page
_DATASET_LETTERS = 15
_NOISE_DIGITS = 9  # of percents: sums of floating-point numbers are not exact beyond
_PAGE_LINES = 70  # of rows, and two a block: its rule, and perhaps a heading

_Row = tuple[tuple[str, ...], tuple[float | None, ...]]
_Style = Callable[[str, int], str]


def ranks(values: Sequence[float | None], mark: Mark) -> list[int]:
    """Return 1 for the best of a column, 2 for the second best, else 0.

    Numbers are compared as they are printed, so that equal prints share a rank. Nothing is marked where all
    are equal.

    Examples
    --------
    >>> ranks([70.12, None, 70.11, 69.0, 80.0], Mark("high", 1))
    [2, 0, 2, 0, 1]
    """
    printed = [None if one is None else float(_printed(one, mark)) for one in values]
    known = sorted({one for one in printed if one is not None})
    if mark.best == "high":
        known.reverse()
    if not mark.best or len(known) < 2:
        return [0] * len(values)
    places = {known[0]: 1, known[1]: 2}
    return [0 if one is None else places.get(one, 0) for one in printed]


def markdown(table: PrintedTable) -> str:
    """Return the table as GitHub Markdown."""

    def style(text: str, rank: int) -> str:
        return f"**{text}**" if rank == 1 else f"<u>{text}</u>" if rank == 2 else text

    def escape(text: str) -> str:
        shown = "".join(f"\\{char}" if char in r"\`*_{}[]<>|#" else char for char in text)
        return " ".join(shown.split())

    head = [*table.labels, *table.columns]
    rule = ["---"] * len(table.labels) + ["---:"] * len(table.columns)
    lines = [head, rule]
    for block in table.blocks:
        for labels, cells in _styled(table, block, style):
            lines.append([*map(escape, labels), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{table.caption}\n"


def latex(table: PrintedTable) -> str:
    r"""Return the table in LaTeX, for ``\usepackage{booktabs}``: a ``tabular`` for each page it takes.

    Narrow, to fit a page: small type, headings of two words one above the other, of three label columns the
    first as a heading over its rows, long names on several lines, and a label only where it changes. Blocks
    are not parted.
    """
    pages = "\n\\par\\medskip\\noindent\n".join(_tabular(table, blocks) for blocks in _pages(table))
    return (
        f"% {' '.join(table.caption.split())}\n"
        f"\\begingroup\\footnotesize\\setlength{{\\tabcolsep}}{{2.5pt}}%\n{pages}\n\\endgroup\n"
    )


def _pages(table: PrintedTable) -> list[list[Sequence[_Row]]]:
    """Return the blocks of each page."""
    headed = len(table.labels) > 2
    pages: list[list[Sequence[_Row]]] = []
    free = 0
    for block in table.blocks:
        lines = 2 + sum(max(map(len, _broken(labels[headed:], table))) for labels, _ in block)
        if not pages or lines > free:
            pages.append([])
            free = _PAGE_LINES
        pages[-1].append(block)
        free -= lines
    return pages


def _tabular(table: PrintedTable, blocks: Sequence[Sequence[_Row]]) -> str:
    """Return some of a table's blocks under its head."""

    def style(text: str, rank: int) -> str:
        return rf"\textbf{{{text}}}" if rank == 1 else rf"\underline{{{text}}}" if rank == 2 else text

    headed = len(table.labels) > 2
    labels = table.labels[headed:]
    lines = [
        rf"\begin{{tabular}}{{@{{}}{'l' * len(labels)}{'r' * len(table.columns)}@{{}}}}",
        r"\toprule",
        " & ".join([*map(_tex, labels), *map(_stacked, table.columns)]) + r" \\",
    ]
    above = ("",) * len(table.labels)
    for block in blocks:
        lines.append(r"\midrule")
        for row, (texts, cells) in enumerate(_styled(table, block, style)):
            if headed and texts[0] != above[0]:
                span = len(labels) + len(table.columns)
                lines.append(rf"\multicolumn{{{span}}}{{@{{}}l}}{{\textit{{{_tex(texts[0])}}}}} \\")
            changed = [mine != other for mine, other in zip(texts, above, strict=True)]
            same = changed.index(True) if row and True in changed else 0
            broken = map(_cell, _broken(texts[headed:], table))
            shown = ["" if place < same else cell for place, cell in enumerate(broken, headed)]
            shown += [cell.replace(_DASH, "--") for cell in cells]
            lines.append(" & ".join(shown) + r" \\")
            above = texts
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}%"])


def table_csv(table: PrintedTable) -> str:
    """Return the numbers unrounded, without marks."""
    rows = [(*labels, *numbers) for block in table.blocks for labels, numbers in block]
    return csv_text((*table.labels, *table.columns), rows)


def csv_text(header: Sequence[str], rows: Sequence[Sequence[Scalar]]) -> str:
    r"""Return rows as CSV: numbers in full, None as an empty field.

    Examples
    --------
    >>> csv_text(("a", "b"), [("x, y", 0.5), (None, 2)])
    'a,b\n"x, y",0.5\n,2\n'
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def _styled(
    table: PrintedTable, block: Sequence[_Row], style: _Style
) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return a block's rows with every number printed and marked."""
    marks = list(table.columns.values())
    by_column = [ranks([numbers[index] for _, numbers in block], mark) for index, mark in enumerate(marks)]
    rows = []
    for place, (labels, numbers) in enumerate(block):
        cells = [
            style(_DASH if one is None else _printed(one, mark), column[place])
            for one, mark, column in zip(numbers, marks, by_column, strict=True)
        ]
        rows.append((labels, cells))
    return rows


def _printed(value: float, mark: Mark) -> str:
    """Return a number as it is printed, without the noise of sums that could part equal ones at a half."""
    return f"{round(value, _NOISE_DIGITS):.{mark.digits}f}"


def _stacked(heading: str) -> str:
    """Return a heading with its first word above the others."""
    first, _, rest = heading.partition(" ")
    return rf"\shortstack[r]{{{_tex(first)}\\{_tex(rest)}}}" if rest else _tex(heading)


def _broken(labels: Sequence[str], table: PrintedTable) -> list[list[str]]:
    """Return the lines of a row's labels that stand in columns."""
    headed = len(table.labels) > 2
    most = [_DATASET_LETTERS if headed and place == 0 else _NAME_LETTERS for place in range(len(labels))]
    return [by_letters(" ".join(text.split()), letters) for text, letters in zip(labels, most, strict=True)]


def _cell(lines: Sequence[str]) -> str:
    """Return lines one above the other."""
    words = r"\\".join(map(_tex, lines))
    return rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{words}\end{{tabular}}" if len(lines) > 1 else words


def _tex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in " ".join(text.split()))
