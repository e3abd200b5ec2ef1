"""Plugins of a build: record what other distributions added, and require it again later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medimeta_c.errors import Remedy, SourceError
from medimeta_c.format.keys import CLEAN
from medimeta_c.format.manifest.records import Manifest, PluginRecord
from medimeta_c.format.plugins import PYTHON, given, plugin_record
from medimeta_c.sources import SOURCES
from medimeta_c.sources.contract import Source
from medimeta_corruptions import CORRUPTIONS, Corruption

__all__ = ["plugins_of", "require_plugins"]


def plugins_of(corruptions: Iterable[Corruption], sources: Mapping[str, Source]) -> set[PluginRecord]:
    """Return a record of each corruption and source that is not this package's own.

    Parameters
    ----------
    corruptions : iterable of Corruption
        Those that are rendered.
    sources : mapping of str to Source
        By dataset.
    """
    found = {plugin_record(CORRUPTIONS, one.name, one) for one in corruptions}
    for source in sources.values():
        kind = source.info.kind
        family = SOURCES.get(kind)
        registered = family is not None and _package(family.opener) == _package(type(source))
        found.add(plugin_record(SOURCES, kind) if registered else given(kind, type(source)))
    return {one for one in found if one is not None}


def _package(thing: Any) -> str:
    """Return the top-level package of a class or function, or of a text ``"module:function"``."""
    module: str = thing if isinstance(thing, str) else thing.__module__
    return module.partition(":")[0].partition(".")[0]


def require_plugins(root: Path, manifest: Manifest) -> None:
    """Check that all plugins that took part in a build are installed.

    Raises
    ------
    SourceError
        Naming the first that is missing, and its distribution and version where the manifest says them.
    """
    for one in manifest.plugins:
        if one.distribution.startswith(PYTHON) or not (one.name in CORRUPTIONS or one.name in SOURCES):
            raise SourceError(
                f"{root} was built with {one.name!r} of {one.distribution} {one.version}, which is not "
                "installed here",
                remedy=[Remedy("install it"), Remedy("verify without {rebuild}")],
            )
    for name in sorted({record.corruption for record in manifest.sets} - {CLEAN}):
        if name not in CORRUPTIONS:
            raise SourceError(
                f"{root} has sets of the corruption {name!r}, which is not installed here, and its manifest "
                "does not say where it comes from",
                remedy=Remedy("verify without {rebuild}"),
            )
