"""Text from outside on a card: it shows as it is and does nothing."""

from __future__ import annotations

import html
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markdown_it import MarkdownIt

from medimeta_c.io.markdown import code, environment, link, plain

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")


def cells(first: str, second: str) -> list[str]:
    """Render two values as the cells of a table's only row; return the HTML of its cells."""
    page = MARKDOWN.render(f"| a | b |\n|---|---|\n| {first} | {second} |\n\nafter\n")
    return re.findall(r"<td>(.*?)</td>", page, re.DOTALL)


def visible(value: str) -> str:
    """What is left to see of a text: one line without control and formatting characters."""
    line = " ".join(value.split())
    return "".join(char for char in line if unicodedata.category(char)[0] != "C")


@given(
    st.text(
        alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("|`*_[]()<>&\\~#!$\n\t ")),
        max_size=40,
    )
)
def test_text_shows_literally(value: str) -> None:
    """Whatever the text, a Markdown table cell holds exactly its characters and no markup."""
    shown, neighbour = cells(plain(value), "next")
    assert "<" not in shown
    assert html.unescape(shown).strip() == visible(value).strip()
    assert neighbour == "next"


@pytest.mark.parametrize(
    "value",
    [
        "<script>alert(1)</script>",
        "[click](javascript:alert(1))",
        "![x](https://example.org/track.png)",
        "<img src=x onerror=alert(1)>",
        "a | b | c",
        "line\n\n# heading\n\n---\n",
        "{{ 7 * 7 }} {% raw %}",
        "abc\u202egnp.exe",
        "__bold__ snake_case",
    ],
)
def test_markup_in_text_is_not_markup(value: str) -> None:
    """Scripts, links, pictures, tables, headings and templates in a text stay text."""
    shown, _ = cells(plain(value), "next")
    assert "<" not in shown
    assert html.unescape(shown) == visible(value)


@given(st.text(max_size=30))
def test_code_spans_cannot_be_left(value: str) -> None:
    """A code span stays one span in one cell."""
    shown, neighbour = cells(code(value or "x"), "next")
    assert re.fullmatch(r"<code>[^<]*</code>|`\s*`", shown)
    assert neighbour == "next"


def test_only_web_addresses_become_links() -> None:
    """http and https link; other schemes and addresses with active characters are shown as text."""
    assert 'href="https://example.org/a?b=1&amp;c"' in cells(link("https://example.org/a?b=1&c"), "")[0]
    for address in (
        "javascript:alert(1)",
        "data:text/html,x",
        "https://x/<b>",
        "https://x/a|b",
        "see README",
    ):
        assert "<" not in cells(link(address), "")[0]


def test_templates_escape_by_default(tmp_path: Path) -> None:
    """A value without a filter is escaped, and once only; a missing value is an error."""
    (tmp_path / "t").write_text("{% macro m(v) %}<b>{{ v }}</b>{% endmacro %}{{ m(value) }} {{ 3 }}")
    (tmp_path / "u").write_text("{{ missing }}")
    templates = environment(tmp_path)
    assert templates.get_template("t").render(value="a_ <i>") == r"<b>a\_ &lt;i&gt;</b> 3"
    with pytest.raises(UndefinedError):
        templates.get_template("u").render()
