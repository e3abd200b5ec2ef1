"""``medimeta-c env``."""

from __future__ import annotations

from typing import Any

from medimeta_c.cli import console
from medimeta_c.cli.options import JsonOption

__all__ = ["env"]

_SHARED = ("numpy", "scipy", "pillow", "numba", "pyarrow", "pydantic", "typer", "huggingface_hub", "h5py")
_EXTRAS = ("evaluate", "figures", "leaderboard", "dicom", "dask")


def env(json: JsonOption = False) -> None:
    """Print versions, platform, extras and folders for a bug report; no user names, no tokens.

    [b]Examples[/b]

      medimeta-c env

      medimeta-c env --json
    """
    values = _values()
    if json:
        console.say_json(values)
        return
    for name, value in values.items():
        if isinstance(value, dict):
            console.say(f"{name}:")
            for key, text in value.items():
                console.say(f"  {key:<24} {text}")
        else:
            console.say(f"{name + ':':<26} {value}")


def _values() -> dict[str, Any]:
    import os
    import platform

    from medimeta_c._version import __version__
    from medimeta_c.format.suites import SUITES

    return {
        "medimeta-c": __version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "suites": {name: suite.version for name, suite in SUITES.items()},
        "packages": {name: _version(name) for name in _SHARED},
        "extras": {name: _extra(name) for name in _EXTRAS},
        "plugins": _plugins(),
        "folders": {"clean data": _data_folder()},
    }


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _extra(name: str) -> str:
    """Return the versions of an extra's packages, or the names of those that are missing."""
    import re
    from importlib.metadata import requires

    needed = [
        re.split(r"[\s<>=!~;\[]", each, maxsplit=1)[0]
        for each in requires("medimeta-c") or ()
        if re.search(rf"extra\s*==\s*['\"]{name}['\"]", each)
    ]
    found = {each: _version(each) for each in needed}
    missing = [each for each, text in found.items() if text == "not installed"]
    if missing:
        return f"not installed (missing: {', '.join(missing)})"
    return ", ".join(f"{each} {text}" for each, text in found.items())


def _plugins() -> dict[str, str]:
    """Return the plug-ins of other distributions, by group."""
    from importlib.metadata import entry_points

    groups = (each for each in entry_points().groups if each.startswith("medimeta_c."))
    return {
        group.removeprefix("medimeta_c."): ", ".join(
            f"{entry.name} ({entry.dist.name} {entry.dist.version})" if entry.dist else entry.name
            for entry in entry_points(group=group)
        )
        for group in sorted(groups)
    }


def _data_folder() -> str:
    """Return the folder of clean data, with the home folder written as ``~``."""
    import os
    from pathlib import Path

    from medimeta_c.cli.options import data_dir

    given = os.environ.get("MEDIMETA_DATA")
    folder = data_dir(Path(given) if given else None)
    shown = str(folder).replace(str(Path.home()), "~")
    of = "MEDIMETA_DATA" if given else "default"
    return f"{shown} ({of}; {'exists' if folder.is_dir() else 'does not exist'})"
