"""Registry: objects of one kind by name, our own and those that other distributions add by entry points."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

__all__ = ["Origin", "Registry", "RegistryError", "UnknownNameError", "unknown"]

T = TypeVar("T")
_MANY = 40


class RegistryError(ValueError):
    """Raised when a name is unknown, is taken twice, or does not give a thing of its kind."""


class UnknownNameError(KeyError):
    """Raised by ``registry[name]`` for a name that is not registered; the message names the nearest."""

    def __str__(self) -> str:
        """Return the message as it is; a KeyError shows it in quotes."""
        return str(self.args[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which distribution brought a name, and its version."""

    name: str
    distribution: str
    version: str


class Registry(Mapping[str, T], Generic[T]):
    """Things of one kind by name. Names are known without importing what other distributions registered.

    Parameters
    ----------
    group : str
        The entry points' group, e.g. ``"medimeta_c.corruptions"``. An entry point's name is the thing's name,
        and what it points to is the thing.
    kind : type
        What things are; an entry point that gives something else is refused.
    own : iterable
        The things of this package, in the order of listings; each has an attribute ``name``.
    more : callable, optional
        Returns further things of this package. It is called once: when a name is asked for that `own` lacks,
        or when a listing goes beyond `own`.
    noun : str, optional
        What messages call a thing; by default the last part of `group` in the singular.
    error : type of Exception
        What is raised for a name taken twice, an unknown name (as a subclass of ValueError should be) and an
        entry point that cannot be loaded.

    Raises
    ------
    ValueError
        If two of `own` have the same name; of `more`, when they are loaded.
    """

    def __init__(  # noqa: PLR0913  (all but three are seldom given)
        self,
        group: str,
        kind: type[T],
        own: Iterable[T],
        *,
        more: Callable[[], Iterable[T]] | None = None,
        noun: str | None = None,
        error: Callable[[str], Exception] = RegistryError,
    ) -> None:
        self.group = group
        self.noun = noun or group.rpartition(".")[2].removesuffix("s")
        self._kind, self._error = kind, error
        self._first = self._by_name(own)
        self._more = more
        self._loaded: dict[str, T] = {}

    def _by_name(self, things: Iterable[T]) -> dict[str, T]:
        found: dict[str, T] = {}
        for thing in things:
            name: str = thing.name  # type: ignore[attr-defined]
            if name in found:
                raise RegistryError(f"two {self.noun}s are named {name!r}; names must differ")
            found[name] = thing
        return found

    @property
    def _own(self) -> dict[str, T]:
        """The things of this package, all of them."""
        if self._more is not None:
            self._first, self._more = self._by_name((*self._first.values(), *self._more())), None
        return self._first

    def __repr__(self) -> str:
        """Return the kind of things and their names."""
        return f"<{len(self)} {self.noun}s: {', '.join(self)}>"

    def __iter__(self) -> Iterator[str]:
        """Yield our own names in order, then those of other distributions by name; nothing is imported."""
        first = tuple(self._first)
        yield from first
        yield from tuple(self._own)[len(first) :]
        yield from self._entries()

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._own) + len(self._entries())

    def __contains__(self, name: object) -> bool:
        """Return whether a name is registered; nothing is imported."""
        return name in self._first or name in self._own or name in self._entries()

    def __getitem__(self, name: str) -> T:
        """Return the thing called `name`; UnknownNameError, a KeyError, if there is none."""
        if name in self._first or name in self._own:
            return self._first[name]
        if name not in self._loaded:
            entry = self._entries().get(name)
            if entry is None:
                raise UnknownNameError(self._unknown(name))
            self._loaded[name] = self._load(entry)
        return self._loaded[name]

    def find(self, name: str) -> T:
        """Return the thing called `name`.

        Raises
        ------
        Exception
            Of the registry's type, if there is none: it names the nearest and all known names.
        """
        if isinstance(name, str) and name in self:
            return self[name]
        raise self._error(self._unknown(name))

    def _unknown(self, name: object) -> str:
        return unknown(self.noun, name, self)

    def origin(self, name: str) -> Origin | None:
        """Return the distribution that registered a name; None for our own and for unknown names."""
        entry = self._entries().get(name)
        return (
            None if entry is None else Origin(name=name, distribution=_dist(entry), version=_version(entry))
        )

    def _entries(self) -> dict[str, EntryPoint]:
        found: dict[str, EntryPoint] = {}
        for entry in _scan(self.group):
            holder = "this package" if entry.name in self._own else None
            if entry.name in found:
                holder = _dist(found[entry.name])
            if holder is not None:
                raise self._error(
                    f"the {self.noun} {entry.name!r} is registered by {holder} and by {_dist(entry)}: "
                    "uninstall one of them"
                )
            found[entry.name] = entry
        return found

    def _load(self, entry: EntryPoint) -> T:
        where = f"the {self.noun} {entry.name!r} of {_dist(entry)} {_version(entry)}"
        try:
            thing = entry.load()
        except Exception as error:
            raise self._error(
                f"{where} cannot be loaded ({type(error).__name__}: {error}): repair it, or uninstall that "
                "distribution"
            ) from error
        if not isinstance(thing, self._kind):
            raise self._error(f"{where} is a {type(thing).__name__}, not a {self._kind.__name__}")
        if getattr(thing, "name", entry.name) != entry.name:
            raise self._error(f"{where} calls itself {thing.name!r}: both names must be the same")  # type: ignore[attr-defined]
        return thing


def unknown(noun: str, name: object, known: Iterable[str]) -> str:
    """Return the sentence about a name that is not known: the nearest one, and those there are.

    A list of more than 40 names is left out where there is a near one.

    Examples
    --------
    >>> unknown("corruption", "motion_blurr", ["motion_blur", "zoom_blur"])
    "unknown corruption 'motion_blurr': did you mean 'motion_blur'? (known: motion_blur, zoom_blur)"
    """
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=3 if len(names) > _MANY else 1)
    if near and len(names) > _MANY:
        return (
            f"unknown {noun} {name!r}: did you mean {' or '.join(map(repr, near))}? ({len(names)} are known)"
        )
    hint = f": did you mean {near[0]!r}?" if near else ""
    return f"unknown {noun} {name!r}{hint} (known: {', '.join(names)})"


@cache
def _scan(group: str) -> tuple[EntryPoint, ...]:
    """Return a group's entry points by name, each once: a folder may stand on the path twice."""
    found = (entry for entry in _installed(tuple(sys.path)) if entry.group == group)
    unique = {(entry.name, _dist(entry), entry.value): entry for entry in found}
    return tuple(unique[key] for key in sorted(unique))


@cache
def _installed(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return all entry points of the distributions on the import path, which reads a file of each."""
    del path  # tells one result from another
    every = entry_points()
    return tuple(entry for group in every.groups for entry in every.select(group=group))


def _dist(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown distribution"


def _version(entry: EntryPoint) -> str:
    return entry.dist.version if entry.dist is not None else "unknown"
