"""Short representations of records: one or two lines, whatever their size."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from pydantic import BaseModel

__all__ = ["short_repr"]

_MOST_LETTERS = 300
_MOST_ITEMS = 4
_TEXT_LETTERS = 60
_DIGEST_LETTERS = 64


def short_repr(record: Any) -> str:
    """Return the class and the fields of a record; long values are counted, empty ones left out.

    It serves as the ``__repr__`` of dataclasses and pydantic models.
    """
    parts: list[str] = []
    letters = 0
    for name, value in _fields(record):
        if value is None or (isinstance(value, Sequence | Set | Mapping) and not value):
            continue
        part = f"{name}={_short(value)}"
        letters += len(part)
        if letters > _MOST_LETTERS:
            parts.append("...")
            break
        parts.append(part)
    return f"{type(record).__name__}({', '.join(parts)})"


def _fields(record: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(record, BaseModel):
        names: Iterable[str] = type(record).model_fields
    else:
        names = [each.name for each in dataclasses.fields(record) if each.repr]
    return ((name, getattr(record, name)) for name in names)


def _short(value: Any) -> str:
    shown = f"<{type(value).__name__}>"
    if value is None or isinstance(value, int | float):
        shown = repr(value)
    elif hasattr(value, "dtype") and hasattr(value, "shape"):
        shown = f"<{value.dtype} array of shape {value.shape}>"
    elif isinstance(value, str | os.PathLike):
        shown = _text(os.fspath(value))
    elif isinstance(value, Mapping):
        shown = _listed("{", list(map(str, value)), "}")
    elif isinstance(value, Sequence | Set):
        plain = all(item is None or isinstance(item, str | int | float) for item in value)
        shown = _listed("[", list(map(_short, value)) if plain else None, "]", len(value))
    elif "__str__" in vars(type(value)):  # a class that says in short what it is, such as a set's key
        shown = str(value)
    elif isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
        shown = f"{type(value).__name__}(...)"
    return shown


def _text(value: str) -> str:
    if len(value) == _DIGEST_LETTERS and set(value) <= set("0123456789abcdef"):
        return f"{value[:12]!r}..."
    return repr(value) if len(value) <= _TEXT_LETTERS else f"{value[:_TEXT_LETTERS]!r}..."


def _listed(start: str, items: Sequence[str] | None, end: str, count: int = 0) -> str:
    """Return a few items, or how many there are."""
    if items is None or len(items) > _MOST_ITEMS or len(", ".join(items)) > _TEXT_LETTERS:
        number = len(items) if items is not None else count
        return f"<{number} item{'' if number == 1 else 's'}>"
    return f"{start}{', '.join(items)}{end}"
