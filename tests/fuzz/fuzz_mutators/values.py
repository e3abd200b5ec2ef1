"""Change bytes, or nested values, of any kind."""

from __future__ import annotations

import contextlib
import copy
import random
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 2, 7, 2**31, -(2**63), 2**64, 10**30, 0.5, -0.0, 1e308, 1e-320),
    *("", " ", "a", "..", "../../x", "/etc/passwd", "\u202e", "\x00", "é" * 300, "1", "nan", "2026-01-01"),
    *([], {}, [[]], [None], {"a": 1}, "0" * 64, "clean", "contrast", "test", "cells", "rays", 1.5),
)
"""What a value is replaced by."""


def flip(data: bytes, draw: random.Random) -> bytes:
    """Change bytes without a look at what they mean: flips, cuts, insertions, repetitions."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 5, 20))):
        # Half of the changes near the start, where most formats keep their header.
        place = draw.randrange((len(changed) if draw.random() < 0.5 else min(len(changed), 100)) + 1)
        length = draw.choice((1, 1, 1, 2, 4, 16, 200))
        match draw.randrange(5):
            case 0 if place < len(changed):
                changed[place] ^= 1 << draw.randrange(8)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = draw.randbytes(length)
            case 3:
                changed[place : place + length] = bytes(length)
            case _:
                changed[place:place] = changed[max(0, place - length) : place]
    return bytes(changed if draw.random() < 0.8 else changed[: draw.randrange(len(changed) + 1)])


def changed_tree(values: Any, draw: random.Random) -> Any:
    """Change one to three places of nested values."""
    values = copy.deepcopy(values)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        values = _changed_place(values, draw)
    return values


def any_value(draw: random.Random) -> Any:
    """Return a copy of one of `VALUES`, so that a later change leaves them as they are."""
    return copy.deepcopy(draw.choice(VALUES))


def _changed_place(values: Any, draw: random.Random) -> Any:
    places = list(_places(values))
    if not places:
        return any_value(draw)
    holder, key = draw.choice(places) if draw.random() < 0.5 else _walked(values, draw)
    value = holder[key]
    if draw.random() < 0.5:  # of its type, so that what reads the whole is reached
        alike = [other[name] for other, name in places if name == key and type(other[name]) is type(value)]
        holder[key] = nudged(value, draw) if draw.random() < 0.5 else copy.deepcopy(draw.choice(alike))
        return values
    match draw.randrange(7):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[draw.choice(("", "extra", "schema_version", str(key).upper()))] = value
        case 1:
            holder.insert(draw.randrange(len(holder) + 1), copy.deepcopy(value))
        case 2:
            holder[key] = nudged(value, draw)
        case 3:
            other, name = draw.choice(places)
            with contextlib.suppress(LookupError):
                holder[key] = copy.deepcopy(other[name])
        case 4:
            holder[key] = [value] if draw.random() < 0.5 else {"": value}
        case _:
            holder[key] = any_value(draw)
    return values


def _walked(values: Any, draw: random.Random) -> tuple[Any, Any]:
    """Return a holder and key, found from the top: values in long lists are chosen less often so."""
    while True:
        key = draw.choice(list(values) if isinstance(values, dict) else range(len(values)))
        if not (isinstance(values[key], dict | list) and values[key]) or draw.random() < 0.2:
            return values, key
        values = values[key]


def _places(values: Any) -> list[tuple[Any, Any]]:
    """Every holder and key, level by level."""
    found: list[tuple[Any, Any]] = []
    todo = [values]
    while todo:
        holder = todo.pop()
        keys = (
            list(holder)
            if isinstance(holder, dict)
            else range(len(holder))
            if isinstance(holder, list)
            else ()
        )
        for key in keys:
            found.append((holder, key))
            todo.append(holder[key])
    return found


def nudged(value: Any, draw: random.Random) -> Any:  # noqa: PLR0911  (a kind a line)
    """Return a value near another: of its type, but not what belongs there."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw.choice((-1, 1, -value, 2**16, -2 * value))
    if isinstance(value, float):
        return value * draw.choice((-1, 0, 2, 1e9, 1.0000001))
    if isinstance(value, dict) and value:
        left_out = draw.choice(list(value))
        return {key: one for key, one in value.items() if key != left_out}
    if isinstance(value, list) and value:
        place = draw.randrange(len(value))
        return [*value[:place], *draw.choice(([], value[place:] * 2, value[place + 1 :]))]
    if isinstance(value, str):
        place = draw.randrange(len(value) + 1)
        return (
            value[:place]
            + draw.choice(("", "\n", "/", "\u0000", "x", value))
            + value[place + draw.randrange(2) :]
        )
    return value
