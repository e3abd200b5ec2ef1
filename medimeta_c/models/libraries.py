"""Calls of other libraries: without their progress bars, and with their errors in one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from transformers.utils import logging as hf_logging

from medimeta_c.errors import MediMetaError, ModelError, short

__all__ = ["explained", "quiet"]


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


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers inside the block; what matters of its load report is raised as an error."""
    level, bars = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        hf_logging.set_verbosity(level)
        if bars:
            hf_logging.enable_progress_bar()
