"""Copy the small files of a benchmark in a store to a local folder; other files are empty there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from medimeta_c.card.dataset_card import CARD_NAME
from medimeta_c.card.evalfile import EVAL_NAME
from medimeta_c.errors import Remedy, StoreError
from medimeta_c.format.manifest.file import MANIFEST_NAME
from medimeta_c.format.parts import FOLDER
from medimeta_c.format.signing.benchmark import SIGNATURE_NAME
from medimeta_c.format.stats import GROUPS_PATH, SPECTRUM_PATH
from medimeta_c.io.stores.naming import spoken_of_as
from medimeta_c.io.stores.stored import StoredPath

__all__ = ["small_files"]

_READ = {MANIFEST_NAME, CARD_NAME, EVAL_NAME, SIGNATURE_NAME, GROUPS_PATH, SPECTRUM_PATH}
_MOST_BYTES = 256 << 20
"""Largest of them: as large as the largest manifest that is read."""


@contextlib.contextmanager
def small_files(root: StoredPath, *, empty: bool = True) -> Iterator[Path]:
    """Yield a local folder with the files that a benchmark has beside its shards.

    Parameters
    ----------
    root : StoredPath
        The benchmark.
    empty : bool, optional
        Make an empty file for every other file, shards included; if false, leave them out.

    Raises
    ------
    StoreError
        If the store fails, or one of the files is too large to be what it should be.
    """
    with tempfile.TemporaryDirectory(prefix="medimeta-c-") as scratch:
        folder = Path(scratch) / "benchmark"
        folder.mkdir()
        with spoken_of_as(folder, root):
            for name, found in root.files().items():
                local = folder.joinpath(name)
                if name.startswith(f"{FOLDER}/") or (name not in _READ and not empty):
                    continue
                local.parent.mkdir(parents=True, exist_ok=True)
                if name not in _READ:
                    local.touch()
                elif found.bytes > _MOST_BYTES:
                    raise StoreError(
                        f"{root / name} has {found.bytes} bytes, too many for such a file",
                        remedy=Remedy("restore it, or build again"),
                    )
                else:
                    (root / name).download(local)
            yield folder
