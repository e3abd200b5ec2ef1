"""Name the URL in errors about a local copy of a folder in a store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from medimeta_c.errors import MediMetaError
from medimeta_c.io.stores.stored import StoredPath

__all__ = ["spoken_of_as"]


@contextlib.contextmanager
def spoken_of_as(folder: Path, root: StoredPath) -> Iterator[None]:
    """Replace a local folder by the URL that it is a copy of, in errors raised in the block."""
    try:
        yield
    except MediMetaError as error:
        if str(folder) in str(error):
            error.cause = error.cause.replace(str(folder), str(root))
            error.args = (error.sentence(str), *error.args[1:])
        raise
