"""Tables for a notebook's output, from ``notebook.html.jinja``: escaped, with their own style."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from jinja2 import Template
from markupsafe import Markup

from medimeta_c.io.tables.html import html
from medimeta_c.io.tables.table import Table
from medimeta_c.io.templating import environment, templates_folder, visible

__all__ = ["notebook_html"]

_NONE = Markup("")


def notebook_html(
    heading: str, tables: Iterable[Table], notes: Iterable[str] = (), *, figure: Markup = _NONE
) -> str:
    """Return a heading, tables with names and captions, a figure, and notes. Text is escaped."""
    shown = [(table, html(table)) for table in tables]
    return _template().render(heading=heading, tables=shown, notes=list(notes), figure=figure)


@cache
def _template() -> Template:
    return environment(templates_folder(), visible).get_template("notebook.html.jinja")
