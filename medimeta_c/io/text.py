"""Check titles and other lines of text that people write and pages show."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

__all__ = ["MOST_LETTERS", "Title", "counted", "flaw_of_line", "flaw_of_text"]

MOST_LETTERS = 120
"""The longest title."""

_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_MOST_MARKS = 3


def counted(count: int, noun: str) -> str:
    """Return a number of things, e.g. ``"1 set"`` or ``"1,200 sets"``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def flaw_of_text(text: str) -> str | None:
    """Return what keeps text from being shown on a page as a name or sentence; None if nothing does."""
    if any(char in text for char in "<>"):
        return "text must not contain '<' or '>'"
    if any(unicodedata.category(char)[0] == "C" for char in text):
        return "text must not contain control or formatting characters"
    if any(char in text for char in _BLANK_LETTERS):
        return "text must not contain invisible characters"
    marks = "".join("m" if unicodedata.category(char)[0] == "M" else " " for char in text)
    if "m" * (_MOST_MARKS + 1) in marks:
        return f"text must not contain more than {_MOST_MARKS} accents on one letter"
    if not text.strip() or text != text.strip():
        return "text must not be blank, or start or end with white space"
    return None


def flaw_of_line(text: str) -> str | None:
    """Return what keeps text from being a title, which is one short line; None if nothing does.

    Examples
    --------
    >>> flaw_of_line("Our slides, 2026"), flaw_of_line("Our  slides")
    (None, 'text must be one line, with single spaces between words')
    """
    if flaw := flaw_of_text(text):
        return flaw
    if text != " ".join(text.split()):
        return "text must be one line, with single spaces between words"
    if not any(char.isalnum() for char in text):
        return "text must contain a letter or digit"
    return f"text must not be longer than {MOST_LETTERS} letters" if len(text) > MOST_LETTERS else None


def _line(text: str) -> str:
    if flaw := flaw_of_line(text):
        raise ValueError(flaw)
    return text


Title = Annotated[str, Field(max_length=MOST_LETTERS), AfterValidator(_line)]
"""What people call something: a line that any page, table or terminal can show."""
