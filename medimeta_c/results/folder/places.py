"""Where results are: the folder of a run's result, and the results that a path or a pattern names."""

from __future__ import annotations

import glob
from pathlib import Path

from medimeta_c.errors import ConfigError, ResultError
from medimeta_c.io.settings import StrPath, as_path
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.probes import PROBES_NAME
from medimeta_c.results.result import RESULT_NAME

__all__ = ["matching", "result_files", "result_folder", "result_name", "result_path"]

_SHOWN = 6


def result_path(out: Path, run: RunIdentity) -> Path:
    """Return the folder of a run's result: ``<out>/<slug>/<fingerprint12>``."""
    return out / run.slug / run.benchmark.fingerprint[:12]


def result_name(folder: Path) -> str:
    """Return the name of a result: ``<slug>/<fingerprint12>``, the last two folders of its path."""
    return f"{folder.parent.name}/{folder.name}"


def matching(where: StrPath) -> list[Path]:
    """Return a path that exists, or else the paths that it matches as a pattern."""
    path = as_path(where, "result")
    return [path] if path.exists() else [Path(each) for each in sorted(glob.glob(str(path)))]  # noqa: PTH207  (a pattern may be absolute)


def result_files(where: StrPath) -> list[Path]:
    """Return the ``result.json`` files of a result's folder, a folder of several, or a pattern of either.

    The folder of a probe's tables, which lies among results and has none of its own, gives none.

    Raises
    ------
    ConfigError
        If there is none.
    """
    path = as_path(where, "result")
    found = dict.fromkeys(
        file
        for place in matching(path)
        for file in ([place] if place.is_file() else sorted(place.rglob(RESULT_NAME)))
    )
    if not found and not (path / PROBES_NAME).is_file():
        reason = f"holds no {RESULT_NAME}" if path.exists() else "does not exist"
        raise ConfigError(f"{path} {reason}: give the folder of a result, or of several")
    return list(found)


def result_folder(where: StrPath) -> Path:
    """Return the folder of one result.

    Parameters
    ----------
    where : str or path
        The folder, the ``result.json`` in it, or a folder above or a pattern that names no other result.

    Raises
    ------
    ResultError
        If it names no result, or several.
    """
    path = as_path(where, "result")
    places = matching(path)
    if not places:
        fault = f"no result matches {path}" if glob.has_magic(str(path)) else f"{path} does not exist"
        raise ResultError(f"{fault}: give the folder that holds {RESULT_NAME}")
    found = dict.fromkeys(folder for place in places for folder in _folders(place))
    if len(found) > 1:
        names = ", ".join(result_name(each) for each in list(found)[:_SHOWN])
        more = ", ..." if len(found) > _SHOWN else ""
        raise ResultError(f"{path} names {len(found)} results ({names}{more}): give one")
    return next(iter(found), places[0])


def _folders(place: Path) -> list[Path]:
    """Return the folders of results that a path names."""
    if place.name == RESULT_NAME:
        return [place.parent]
    if not place.is_dir():
        raise ResultError(f"{place} is not the folder of a result: give the folder that holds {RESULT_NAME}")
    if (place / RESULT_NAME).is_file():
        return [place]
    return [file.parent for file in sorted(place.rglob(RESULT_NAME))]
