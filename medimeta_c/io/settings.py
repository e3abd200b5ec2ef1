"""Check and convert settings that callers pass: paths of any kind, one name or several.

A configuration is a frozen dataclass whose fields are annotated with ordinary types or with those of this
module, and whose ``__post_init__`` calls `settle` first. To a type checker, a field of these types accepts
what a caller may pass and has the type that the library works with; it needs a default, or `required`.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable
from dataclasses import field, fields
from functools import cache
from numbers import Real
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from medimeta_c.errors import ConfigError, printable, unknown_name
from medimeta_c.io.stores.urls import local_only, looks_like_url

if TYPE_CHECKING:
    from medimeta_c.io.stores.stored import Place

__all__ = [
    "Location",
    "LocationOrUrl",
    "OptionalLocation",
    "OptionalSeveral",
    "OptionalTextOrPath",
    "Several",
    "StrPath",
    "TextOrPath",
    "as_path",
    "default",
    "default_of",
    "require_kind",
    "required",
    "settle",
    "several",
]

T = TypeVar("T")
StrPath: TypeAlias = "str | os.PathLike[str]"

_SHOWN = 60


class Location:
    """A field that accepts a path of any kind and is a `pathlib.Path`; ``~`` is the home directory."""

    if TYPE_CHECKING:

        def __get__(self, holder: object, kind: type) -> Path: ...
        def __set__(self, holder: object, value: StrPath) -> None: ...


class LocationOrUrl:
    """As `Location`, or the URL of an object store, which is a `StoredPath`."""

    if TYPE_CHECKING:

        def __get__(self, holder: object, kind: type) -> Place: ...
        def __set__(self, holder: object, value: StrPath | Place) -> None: ...


class OptionalLocation:
    """As `Location`, or None."""

    if TYPE_CHECKING:

        def __get__(self, holder: object, kind: type) -> Path | None: ...
        def __set__(self, holder: object, value: StrPath | None) -> None: ...


class TextOrPath:
    """A field that accepts a text or a path, and is a text: a model's spec, a repository, a folder."""

    if TYPE_CHECKING:

        def __get__(self, holder: object, kind: type) -> str: ...
        def __set__(self, holder: object, value: StrPath) -> None: ...


class OptionalTextOrPath:
    """As `TextOrPath`, or None."""

    if TYPE_CHECKING:

        def __get__(self, holder: object, kind: type) -> str | None: ...
        def __set__(self, holder: object, value: StrPath | None) -> None: ...


class Several(Generic[T]):
    """A field that accepts one value or several, and is a tuple."""

    if TYPE_CHECKING:

        def __get__(self, holder: object, kind: type) -> tuple[T, ...]: ...
        def __set__(self, holder: object, value: T | Iterable[T]) -> None: ...


class OptionalSeveral(Generic[T]):
    """As `Several`, or None."""

    if TYPE_CHECKING:

        def __get__(self, holder: object, kind: type) -> tuple[T, ...] | None: ...
        def __set__(self, holder: object, value: T | Iterable[T] | None) -> None: ...


def required() -> Any:
    """Return the marker for a field of these types that has no default."""
    return field()


def default(value: object) -> Any:
    """Return the default of a field annotated with a type of this module."""
    return field(default=value)


def default_of(make: Callable[[], object]) -> Any:
    """As `default`, of a value that is made when it is needed."""
    return field(default_factory=make)


def settle(config: Any) -> None:
    """Convert and check each field of a frozen dataclass by its annotation.

    Raises
    ------
    ConfigError
        If a value is not of a type that the field accepts; the message names the field.
    """
    kind: Any = type(config)
    for name, hint in _hints(kind).items():
        value = getattr(config, name)
        settled = _settled(hint, value, name.replace("_", " "))
        if settled is not value:
            object.__setattr__(config, name, settled)


def require_kind(value: object, kind: type[T], function: str) -> T:
    """Return `value` if it is of a kind; raise ConfigError with the call that makes one otherwise."""
    if not isinstance(value, kind):
        name = kind.__name__
        article = "an" if name[0] in "AEIO" else "a"
        raise ConfigError(
            f"{function} takes {article} {name}, not {_shown(value)}: call {function}({name}(...))"
        )
    return value


def as_path(value: object, name: str) -> Path:
    """Return a path of any kind as a `pathlib.Path`, with ``~`` replaced by the home directory.

    Raises
    ------
    ConfigError
        If it is no path, empty, or a URL.
    """
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str) or not text:
        raise ConfigError(f"{name} {_shown(value)} is not a path: give a str or a pathlib.Path")
    if "\0" in text:
        raise ConfigError(f"{name} {_shown(value)} contains a null character, which no path may have")
    if looks_like_url(text):
        raise local_only(text, name)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"{name} {_shown(value)}: {error}; give the whole path") from error


def several(value: Any) -> tuple[Any, ...]:
    """Return one value or several as a tuple; a text is one value.

    Examples
    --------
    >>> several("pbc"), several(["pbc", "oct"]), several(range(1, 3))
    (('pbc',), ('pbc', 'oct'), (1, 2))
    """
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return tuple(value)
    return (value,)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _settled(hint: Any, value: Any, name: str) -> Any:
    origin = get_origin(hint)
    if value is None and (hint in (OptionalLocation, OptionalTextOrPath) or origin is OptionalSeveral):
        return None
    if hint in (TextOrPath, OptionalTextOrPath):
        return _text_or_path(value, name)
    if hint in (Location, OptionalLocation):
        return as_path(value, name)
    if hint is LocationOrUrl:
        from medimeta_c.io.stores.stored import as_place  # noqa: PLC0415  (it takes local paths from here)

        return as_place(value, name)
    if origin in (Several, OptionalSeveral):
        item = get_args(hint)[0]
        return tuple(_settled(item, each, name) for each in several(value))
    check: Callable[..., Any] = {Literal: _one_of, Union: _any_of, UnionType: _any_of}.get(origin, _plain)
    return check(get_args(hint) if check is not _plain else hint, value, name)


def _text_or_path(value: object, name: str) -> str:
    if isinstance(value, os.PathLike) or (isinstance(value, str) and value.startswith("~")):
        return str(as_path(value, name))
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{name} {_shown(value)} is not valid: give a text or a path")
    return value


def _one_of(allowed: tuple[object, ...], value: object, name: str) -> object:
    if value not in allowed:
        raise unknown_name(name, str(value), map(str, allowed))
    return value


def _any_of(hints: tuple[Any, ...], value: Any, name: str) -> Any:
    """Return a value that one of the hints accepts; the error is that of the first."""
    if value is None and NoneType in hints:
        return None
    wanted = [hint for hint in hints if hint is not NoneType]
    for hint in wanted:
        try:
            return _settled(hint, value, name)
        except ConfigError:
            continue
    if len(wanted) == 1:
        return _settled(wanted[0], value, name)
    kinds = " or ".join(_KINDS[hint][0] if hint in _KINDS else f"a {hint.__name__}" for hint in wanted)
    raise ConfigError(f"{name} {_shown(value)} is not valid: give {kinds}")


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    return operator.index(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise TypeError
    return value


_KINDS: dict[Any, tuple[str, Callable[[Any], Any]]] = {
    int: ("a whole number", _whole),
    float: ("a number", _number),
    bool: ("True or False", _truth),
    str: ("a text", _text),
}


def _plain(hint: Any, value: Any, name: str) -> Any:
    """Return a value of a plain type, or of a class; what fits a protocol is found out when it is used."""
    if hint not in _KINDS:
        is_protocol = getattr(hint, "_is_protocol", False)
        if type(value).__module__ == "builtins" if is_protocol else not isinstance(value, hint):
            raise ConfigError(f"{name} {_shown(value)} is not valid: give a {hint.__name__}")
        return value
    words, convert = _KINDS[hint]
    try:
        return convert(value)
    except TypeError as error:
        raise ConfigError(f"{name} {_shown(value)} is not valid: give {words}") from error


def _shown(value: object) -> str:
    text = printable(repr(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
