"""One table in every form: what is marked, what is broken, and untrusted names that do no harm."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from medimeta_c.io.tables.csv import csv_text
from medimeta_c.io.tables.html import html
from medimeta_c.io.tables.latex import latex
from medimeta_c.io.tables.markdown import markdown
from medimeta_c.io.tables.table import UNDEFINED, Best, Cell, Column, Row, Table, marked, number, texts
from medimeta_c.io.tables.terminal import print_table

HOSTILE = "a|b_<script>\\input{x}$&%\u202e\x1b[2J"


def made(labels: Sequence[str], *rows: tuple[Sequence[str], float | None], grouped: int = 0) -> Table:
    """A table of one number, lower is better."""
    return Table(
        name="t",
        caption="A caption.",
        columns=(*(Column(label, "label") for label in labels), Column("mCE", best="low")),
        rows=tuple((*texts(*names), number(value, 1)) for names, value in rows),
        grouped=grouped,
    ).ranked()


def marks(values: Sequence[float | None], best: Best) -> list[int]:
    return [cell.place for cell in marked([number(value, 1) for value in values], best)]


def test_ranks_are_of_printed_numbers() -> None:
    """Numbers that print alike tie; absent ones have no rank; equal columns are not marked."""
    assert marks([1.04, 1.01, 2.0, None], "low") == [1, 1, 2, 0]
    assert marks([5.0, 5.0], "high") == [0, 0]
    # 68.75 twice, by sums in another order
    values = [68.75, 68.74999999999999, 70.0]
    assert marks(values, "low") == [1, 1, 2]
    table = made(["Model"], *zip("abc", values, strict=True))
    assert markdown(table).count("**68.8**") == 2
    assert marks([1.0, 2.0], "") == [0, 0]


def test_numbers_are_compared_within_a_block() -> None:
    """The best of each dataset is marked, where rows share the labels before the last."""
    rows = [
        ((dataset, model), value)
        for dataset, model, value in (("d", "a", 2.0), ("d", "b", 1.0), ("e", "a", 3.0))
    ]
    assert [row[-1].place for row in made(["Dataset", "Model"], *rows, grouped=1).rows] == [2, 1, 0]
    assert [row[-1].place for row in made(["Dataset", "Model"], *rows).rows] == [2, 1, 0]
    assert [row[-1].place for row in made(["Dataset", "Model"], *reversed(rows), grouped=1).rows] == [0, 1, 2]


def test_a_row_apart_has_no_place_and_takes_none() -> None:
    """What may not be ranked is passed over: the others have the places they have without it."""
    rows = [("a", 1.0), ("b", 2.0), ("c", 3.0)]
    table = made(["Model"], *(([name], value) for name, value in rows))
    assert [row[-1].place for row in table.ranked(apart={0}).rows] == [0, 1, 2]
    assert [row[-1].place for row in table.ranked(apart={0, 1}).rows] == [0, 0, 0]


def test_latex_breaks_long_names_and_long_tables() -> None:
    """Names of fifty letters are broken into lines, and blocks that a page has no room for have their own."""
    names = [f"vision-language-model-{one:02d}_with_a_name_of_50_letters" for one in range(13)]
    table = made(
        ["Collection", "Dataset", "Model"],
        *((("C", f"dataset_{block}", name), place) for block in range(9) for place, name in enumerate(names)),
        grouped=2,
    )
    tex = latex(table)
    first = r"vision-language-model-\\00\_with\_a\_name\_of\_50\_\\letters"
    assert tex.count(rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{first}\end{{tabular}}") == 9
    pages = tex.split(r"\par\medskip")
    assert len(pages) == 9
    assert all(page.count(r"\toprule") == page.count(r"\bottomrule") == 1 for page in pages)
    assert all(rf"\textit{{C, dataset\_{block}}}" in page for block, page in enumerate(pages))
    short = replace(table, rows=tuple((*row[:2], Cell("m"), row[3]) for row in table.rows))
    assert latex(short).count(r"\toprule") == 3


def test_names_from_outside_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    """Every form escapes what a model's name may hold; an absent number is a dash."""
    table = made(["Model"], ([HOSTILE], None), (["c"], 1.0))
    text, tex = markdown(table), latex(table)
    assert "<script>" not in text and r"a\|b\_&lt;script&gt;" in text
    assert r"a\textbar{}b\_\textless{}script\textgreater{}\textbackslash{}input\{x\}\$\&\%" in tex
    assert f"| {UNDEFINED} |" in text and "& --" in tex
    page = html(table)
    assert "<script>" not in page and "&lt;script&gt;" in page and "\u202e" not in page
    assert f'<td class="none">{UNDEFINED}</td>' in page
    print_table(table, Console())
    shown = capsys.readouterr().out
    assert "<script>" in shown and "\x1b" not in shown and "\u202e" not in shown
    assert list(csv.reader(csv_text(table).splitlines()))[1:] == [[HOSTILE, ""], ["c", "1.0"]]


def test_csv_is_not_rounded() -> None:
    """Numbers in full, without marks; texts as they are."""
    table = made(["Model"], (["a"], 1 / 3), (["b"], 2 / 3))
    assert csv_text(table) == f"Model,mCE\na,{1 / 3}\nb,{2 / 3}\n"


def test_html_says_what_a_cell_is() -> None:
    """A reason on demand, an interval in small type, shades and marks as classes."""
    row = (
        Cell("pbc", strong=True),
        Cell("1.0", below="0 to 2", shade=0.26, place=1),
        Cell(UNDEFINED, note="no 'x'"),
    )
    page = html(
        Table(columns=(Column("", "label"), Column("A", strong=True), Column("B")), rows=(row,)), "heat"
    )
    assert page.startswith('<table class="heat">')
    assert '<th scope="col" class="text"><span class="out">Row</span></th>' in page
    assert '<tr class="strong"><th scope="row" class="text">pbc</th>' in page
    assert '<td class="strong best h5">1.0<small>0 to 2</small></td>' in page
    assert f'<td class="none" title="no &#39;x&#39;">{UNDEFINED}</td>' in page


def test_a_table_turned_has_rows_as_columns() -> None:
    """Labels become headings, what is strong stays so."""
    table = Table(
        columns=(Column("", "label"), Column("A"), Column("B", strong=True)),
        rows=(
            (Cell("x"), Cell("1"), Cell("2", below="1 to 3")),
            (Cell("all", strong=True), Cell("3"), Cell("4")),
        ),
    )
    turned = table.turned()
    assert turned.headers == ("", "x", "all")
    assert [column.strong for column in turned.columns] == [False, False, True]
    assert [[cell.line for cell in row] for row in turned.rows] == [["A", "1", "3"], ["B", "2", "4"]]
    assert [row[0].strong for row in turned.rows] == [False, True]


@pytest.mark.parametrize("width", [0, 20, 60, 80])
def test_a_narrow_terminal_loses_no_word(capsys: pytest.CaptureFixture[str], width: int) -> None:
    """Lines are longer than the terminal rather than words in pieces; long names break between parts."""
    row: Row = (
        *texts("organs_sagittal", "hf-hub:laion/CLIP-ViT-B-16-laion2B-s34B-b88K"),
        Cell("87.5", below="80.0 to 100.0"),
    )
    columns = (Column("dataset", "label"), Column("model", "label"), Column("Clean accuracy"))
    print_table(Table(name="A [b]", columns=columns, rows=(row,)), Console(width=width))
    shown = capsys.readouterr().out
    names = {
        "organs_sagittal",
        "hf-hub:laion/CLIP-ViT-B-",
        "16-laion2B-s34B-b88K",
        "87.5",
        "80.0",
        "100.0",
        "accuracy",
    }
    assert names <= set(re.split(r"\s+", shown))
    assert "[b]" in shown
