"""Where the data and the key of the ids were on this machine, for later builds and verifications."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from medimeta_c.errors import ResultError
from medimeta_c.format.parts import FOLDER
from medimeta_c.io.files import write_atomic
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import canonical_json
from medimeta_c.sources.folders.ids import ids_beside

__all__ = ["data_folders", "ids_folder", "remember_data"]

_DATA_NAME = "data.json"
_IDS = ".ids"  # no dataset's name begins with a dot


def remember_data(root: Path, datasets: Iterable[str], folder: Path, *, ids: Path | None = None) -> None:
    """Note where datasets and the key of their ids were read from, for later builds and verifications.

    Never published.
    """
    noted = data_folders(root)
    known = {**noted, **dict.fromkeys(datasets, folder.resolve())}
    if ids is not None:
        known[_IDS] = ids.resolve()
        if known[_IDS] == ids_beside(root):
            del known[_IDS]
    if known != noted:
        folders = {name: str(path) for name, path in sorted(known.items())}
        write_atomic(root / FOLDER / _DATA_NAME, canonical_json(folders).encode())


def ids_folder(root: Path) -> Path:
    """Return the folder where the key of a benchmark's ids is: the one last used, or the one beside it."""
    noted, beside = data_folders(root).get(_IDS), ids_beside(root)
    return beside if noted is None or (beside.is_dir() and not noted.is_dir()) else noted


def data_folders(root: Path) -> dict[str, Path]:
    """Return the data folder each dataset was last built from on this machine, as far as it is known."""
    try:
        noted = Reader(remedy="build again").values(root / FOLDER / _DATA_NAME)
    except ResultError:
        return {}
    items = noted.items() if isinstance(noted, dict) else ()
    return {name: Path(path) for name, path in items if isinstance(path, str)}
