"""Turn the board's records into plain JSON values and back, without losing a bit.

A field that has its default is not written, so that a field added later changes no earlier text. So the
default of a field must never change.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import JsonValue

from medimeta_c.io.records import Record, dump

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")
_SCALARS: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (float, int), bool: (bool,)}


def to_plain(value: Any, *, without: Collection[str] = ()) -> Any:
    """Return a value as JSON holds it.

    Parameters
    ----------
    value : dataclass, Record, mapping, sequence, ndarray, bytes, str, number or None
        What to write.
    without : collection of str
        Names of fields that are left out wherever they are; they must have a default.

    Raises
    ------
    TypeError
        If it holds a value of another type.
    """
    plain: Any
    if value is None or isinstance(value, str | bool | int | float):
        plain = value
    elif isinstance(value, Record):
        plain = dump(value)
    elif is_dataclass(value) and not isinstance(value, type):
        plain = {
            field.name: to_plain(getattr(value, field.name), without=without)
            for field in fields(value)
            if field.name not in without and not _is_default(field, getattr(value, field.name))
        }
    elif isinstance(value, Mapping):
        plain = {str(key): to_plain(each, without=without) for key, each in value.items()}
    elif isinstance(value, tuple | list):
        plain = [to_plain(each, without=without) for each in value]
    elif isinstance(value, bytes):
        plain = base64.b64encode(value).decode()
    elif isinstance(value, np.ndarray):
        data = np.ascontiguousarray(value).tobytes()
        plain = {"dtype": value.dtype.str, "shape": list(value.shape), "data": to_plain(data)}
    else:
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return plain


def from_plain(kind: type[T], value: JsonValue) -> T:
    """Return the value of a type that plain values stand for.

    Raises
    ------
    ValueError
        If they do not stand for one: a wrong type, an unknown or missing field.
    """
    made: T = _made(kind, value)
    return made


def _made(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin is not None:
        return _of_parts(origin, hint, value)
    if isinstance(hint, type) and issubclass(hint, Record):
        return hint.model_validate_json(json.dumps(value, allow_nan=False))
    if is_dataclass(hint):
        return _dataclass(hint, value)
    if hint is bytes:
        return _bytes(value)
    _require(hint in _SCALARS and isinstance(value, _SCALARS[hint]), hint, value)
    _require(hint is bool or not isinstance(value, bool), hint, value)
    return value


def _of_parts(origin: Any, hint: Any, value: Any) -> Any:
    """Return a value of a type that is written with others in brackets."""
    arguments = get_args(hint)
    if origin in {Union, UnionType}:
        return _one_of(arguments, value)
    if origin is tuple:
        return _tuple(arguments, value, hint)
    if origin is np.ndarray:
        return _array(value)
    if origin is Literal:
        _require(value in arguments, hint, value)
        return value
    _require(issubclass(origin, Mapping) and isinstance(value, dict), hint, value)
    return {_key(arguments[0], key): _made(arguments[1], each) for key, each in value.items()}


def _one_of(hints: tuple[Any, ...], value: Any) -> Any:
    if value is None and NoneType in hints:
        return None
    (hint,) = (each for each in hints if each is not NoneType)
    return _made(hint, value)


def _tuple(hints: tuple[Any, ...], value: Any, hint: Any) -> tuple[Any, ...]:
    _require(isinstance(value, list), hint, value)
    if hints[-1] is Ellipsis:
        return tuple(_made(hints[0], each) for each in value)
    _require(len(value) == len(hints), hint, value)
    return tuple(_made(each, one) for each, one in zip(hints, value, strict=True))


def _key(hint: Any, key: str) -> Any:
    return int(key) if hint is int else key


def _array(value: Any) -> Any:
    _require(isinstance(value, dict) and set(value) == {"dtype", "shape", "data"}, np.ndarray, value)
    dtype = np.dtype(_made(str, value["dtype"]))
    _require(dtype.kind in "biuf", np.ndarray, value)  # numbers only: no objects
    shape = _made(tuple[int, ...], value["shape"])
    return np.frombuffer(_bytes(value["data"]), dtype=dtype).reshape(shape)


def _bytes(value: Any) -> bytes:
    _require(isinstance(value, str), bytes, value)
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"a text is not base64 ({error})") from error


def _dataclass(hint: Any, value: Any) -> Any:
    _require(isinstance(value, dict), hint, value)
    hints = _hints(hint)
    known = {field.name for field in fields(hint) if field.init}
    if unknown := sorted(value.keys() - known):
        raise ValueError(f"{hint.__name__} has no field {unknown[0]}")
    needed = {one.name for one in fields(hint) if one.default is MISSING and one.default_factory is MISSING}
    if missing := sorted(needed - value.keys()):
        raise ValueError(f"{hint.__name__} lacks the field {missing[0]}")
    return hint(**{name: _made(hints[name], each) for name, each in value.items()})


@cache
def _hints(hint: Any) -> dict[str, Any]:
    return get_type_hints(hint)


def _is_default(field: Any, value: Any) -> bool:
    if field.default is not MISSING:
        return bool(type(value) is type(field.default) and value == field.default)
    if field.default_factory is not MISSING:
        made = field.default_factory()
        return bool(type(value) is type(made) and value == made)
    return False


def _require(holds: bool, hint: Any, value: Any) -> None:
    if not holds:
        name = hint.__name__ if isinstance(hint, type) else str(hint)
        raise ValueError(f"{type(value).__name__} in place of {name}")
