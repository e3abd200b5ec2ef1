"""What other libraries raise over files they are given, said in one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from medimeta_c.errors import MediMetaError, ModelError

__all__ = ["explained", "one_line"]

_SHOWN = 240


def one_line(error: BaseException) -> str:
    """Return an error's text as one line, its end cut off if it is long; its kind if it has none."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


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
        raise ModelError(f"{problem} ({one_line(error)}): {remedy}") from error
