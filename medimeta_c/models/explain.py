"""What other libraries raise over files they are given, said in one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from medimeta_c.errors import MediMetaError, ModelError, short

__all__ = ["explained"]


@contextlib.contextmanager
def explained(problem: str, remedy: str) -> Iterator[None]:
    """Turn any error inside the block, but one of this package, into ``problem (its text): remedy``.

    For blocks in which a library reads a file: what it trips over in a damaged one is not foreseeable.

    Raises
    ------
    ModelError
        With the library's error as its cause.
    """
    try:
        yield
    except MediMetaError:
        raise
    except Exception as error:
        raise ModelError(f"{problem} ({short(error)}): {remedy}") from error
