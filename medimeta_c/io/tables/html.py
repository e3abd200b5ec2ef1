"""Tables as HTML, from ``table.html.jinja``; the page's style sheet defines the classes.

Classes: ``text`` (names and other texts), ``strong`` (carries the message), ``best`` and ``second``, ``none``
(there is no number), and ``h0`` to ``h20`` for shades, since a page may forbid styles that stand in its tags.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Template
from markupsafe import Markup

from medimeta_c.io.tables.table import UNDEFINED, Cell, Column, Table
from medimeta_c.io.templating import environment, templates_folder, visible

__all__ = ["SHADES", "html"]

SHADES = 20
"""Of the strongest shade; that of nothing is 0."""


def html(table: Table, css: str = "") -> Markup:
    """Return the table without name and caption; `css` is a class of its own. Text is escaped."""
    return Markup(_template().render(table=table, css=css))  # the template escapes


@cache
def _template() -> Template:
    templates = environment(templates_folder(), visible)
    templates.filters["classes"] = _classes
    return templates.get_template("table.html.jinja")


def _classes(column: Column, cell: Cell | None = None) -> Markup:
    """Return the attribute of a heading's or a cell's classes."""
    names = {"text": column.kind != "number", "strong": column.strong}
    if cell is not None:
        names |= {"none": cell.text == UNDEFINED, "best": cell.place == 1, "second": cell.place == 2}
        if cell.shade is not None:
            names[f"h{round(SHADES * min(1, max(0, cell.shade)))}"] = True
    given = " ".join(name for name, here in names.items() if here)
    return Markup(f' class="{given}"' if given else "")  # names of this module
