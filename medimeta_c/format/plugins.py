"""Plugin records: which other distributions, or objects of the user's own Python, took part in a file."""

from __future__ import annotations

from typing import Any

from medimeta_c.format.manifest.records import PluginRecord
from medimeta_corruptions import Registry

__all__ = ["PYTHON", "given", "plugin_record"]

PYTHON = "python:"
"""Starts the distribution of a thing that was given in Python; the module's name follows."""


def plugin_record(registry: Registry[Any], name: str, thing: Any = None) -> PluginRecord | None:
    """Return the record of what took part under a name.

    Parameters
    ----------
    registry : Registry
        Of its kind.
    name : str
        Its name.
    thing : object, optional
        What took part; by default what the registry holds.

    Returns
    -------
    PluginRecord or None
        None for what this package brings itself.
    """
    if thing is not None and registry.get(name) != thing:
        return given(name, getattr(thing, "function", type(thing)))
    origin = registry.origin(name)
    if origin is None:
        return None
    return PluginRecord(name=name, distribution=origin.distribution, version=origin.version)


def given(name: str, thing: Any) -> PluginRecord:
    """Return the record of a class or function that was given in Python."""
    module = getattr(thing, "__module__", type(thing).__module__)
    return PluginRecord(name=name, distribution=f"{PYTHON}{module}", version="unknown")
