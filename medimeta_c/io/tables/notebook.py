"""Tables for a notebook's output, from ``notebook.html.jinja``: escaped, with their own style."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from jinja2 import Template

from medimeta_c.io.tables.html import html
from medimeta_c.io.tables.table import Table
from medimeta_c.io.templating import environment, templates_folder, visible

__all__ = ["notebook_html"]


def notebook_html(heading: str, tables: Iterable[Table], notes: Iterable[str] = ()) -> str:
    """Return a heading, tables with names and captions, and notes under them. Text is escaped."""
    shown = [(table, html(table)) for table in tables]
    return _template().render(heading=heading, tables=shown, notes=list(notes))


@cache
def _template() -> Template:
    return environment(templates_folder(), visible).get_template("notebook.html.jinja")
