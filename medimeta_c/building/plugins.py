"""What other distributions, or the user's own Python, brought to a build: noted, and asked for again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medimeta_c.errors import SourceError
from medimeta_c.format.manifest import Manifest, PluginRecord
from medimeta_c.sources import SOURCES
from medimeta_c.sources.contract import Source
from medimeta_corruptions import CORRUPTIONS, Corruption, Registry

__all__ = ["plugins_of", "require_plugins"]

_PYTHON = "python:"
_UNKNOWN = "unknown"


def plugins_of(corruptions: Iterable[Corruption], sources: Mapping[str, Source]) -> set[PluginRecord]:
    """Return a record of each corruption and source that is not this package's own.

    Parameters
    ----------
    corruptions : iterable of Corruption
        Those that are rendered.
    sources : mapping of str to Source
        By dataset.
    """
    found = set()
    for one in corruptions:
        if CORRUPTIONS.get(one.name) == one:
            found |= _registered(CORRUPTIONS, one.name)
        else:
            found.add(_given(one.name, one.function))
    for source in sources.values():
        family = SOURCES.get(source.info.kind)
        if family is not None and _package(family.opener) == _package(type(source)):
            found |= _registered(SOURCES, family.name)
        else:
            found.add(_given(source.info.kind, type(source)))
    return found


def _registered(registry: Registry[Any], name: str) -> set[PluginRecord]:
    origin = registry.origin(name)
    if origin is None:
        return set()
    return {PluginRecord(name=name, distribution=origin.distribution, version=origin.version)}


def _given(name: str, thing: Any) -> PluginRecord:
    module = getattr(thing, "__module__", type(thing).__module__)
    return PluginRecord(name=name, distribution=f"{_PYTHON}{module}", version=_UNKNOWN)


def _package(thing: Any) -> str:
    """Return the top-level package of a class or function, or of a text ``"module:function"``."""
    module: str = thing if isinstance(thing, str) else thing.__module__
    return module.partition(":")[0].partition(".")[0]


def require_plugins(root: Path, manifest: Manifest) -> None:
    """Check that whatever took part in a build can take part again.

    Raises
    ------
    SourceError
        Naming the first that is missing, its distribution and version.
    """
    for one in manifest.plugins:
        if one.distribution.startswith(_PYTHON) or not (one.name in CORRUPTIONS or one.name in SOURCES):
            raise SourceError(
                f"{root} was built with {one.name!r} of {one.distribution} (version {one.version}), which is "
                "not installed here: install it, or verify without --rebuild"
            )
