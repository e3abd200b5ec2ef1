"""Escape untrusted values as Markdown: they show literally and cannot break a table or carry HTML."""

from __future__ import annotations

import html
import re
import unicodedata
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from medimeta_c.io import templating

__all__ = ["code", "environment", "link", "plain"]

# An underscore is active unless a letter or digit stands on either side, as in most names and addresses.
_ACTIVE = re.compile(r"[\\`*\[\]|~$#]|(?<![^\W_])_|_(?![^\W_])")
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+")
_NOT_CODE = re.compile(r"[^\w ./:+=,;()-]", re.ASCII)


def plain(value: str) -> Markup:
    r"""Return Markdown that shows `value` literally, on one line.

    Control and formatting characters (bidirectional overrides among them) are dropped, white space is
    collapsed, HTML is escaped and Markdown's active characters get a backslash.

    Examples
    --------
    >>> print(plain("a|b <script> *c*"))
    a\|b &lt;script&gt; \*c\*
    """
    line = " ".join(value.split())
    line = "".join(char for char in line if unicodedata.category(char)[0] != "C")
    return Markup(_ACTIVE.sub(r"\\\g<0>", html.escape(line, quote=False)))  # escaped here


def code(value: object) -> Markup:
    """Return a code span of a name, digest or number; any character that could end it becomes ``?``."""
    return Markup(f"`{identifier(value)}`")  # no active Markdown character is left


def identifier(value: object) -> Markup:
    """Return a name as it stands, for use inside code; see `code`."""
    return Markup(_NOT_CODE.sub("?", str(value)))  # no active Markdown character is left


def link(url: str) -> Markup:
    """Return a web address as a link; anything else (another scheme, odd characters) as plain text."""
    address = url.strip()
    return Markup(f"<{address}>") if _URL.fullmatch(address) else plain(url)  # checked


def environment(folder: Path) -> Environment:
    """Return a template environment in which every value is shown as `plain` unless a filter says how.

    Filters: ``code`` (a code span), ``name`` (inside code) and ``link``.
    """
    templates = templating.environment(folder, _finalize)
    templates.filters.update(code=code, name=identifier, link=link)
    return templates


def _finalize(value: object) -> object:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
