"""Templates of cards, reports and pages, in which untrusted text is shown but has no effect."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["environment", "templates_folder", "visible"]


def environment(folder: Path, shown: Callable[[object], object]) -> Environment:
    """Return the templates of a folder: HTML is escaped, and a name that is not given is an error.

    Parameters
    ----------
    folder : Path
        Where they are.
    shown : callable
        What every value is passed through, e.g. `visible`.
    """
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def visible(value: object) -> object:
    """Drop control and formatting characters, such as bidirectional overrides, from untrusted text."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(char for char in value if char == "\n" or unicodedata.category(char)[0] != "C")


def templates_folder() -> Path:
    """Return the folder of all templates: inside the installed package, or the checkout's ``cards``."""
    package = Path(__file__).parents[1]
    installed = package / "_cards"
    return installed if installed.is_dir() else package.parent / "cards"
