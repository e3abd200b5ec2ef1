"""Call other libraries without their progress bars, and report their errors as one sentence."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from huggingface_hub import constants
from transformers.utils import logging as hf_logging

from medimeta_c.errors import MediMetaError, MissingExtraError, ModelError, short

__all__ = ["explained", "local_only", "quiet"]

_MISSING = re.compile(r"requires the (\S+) library|need to have (\w+) or tiktoken installed")
_OF_THE_EXTRA = {"sentencepiece", "protobuf"}
"""What some tokenizers are read with, SigLIP's among them; the `evaluate` extra brings both."""


@contextlib.contextmanager
def explained(problem: str, remedy: str) -> Iterator[None]:
    """Turn any error inside the block, but one of this package, into ``problem (its text): remedy``.

    For blocks in which a library reads a file: a damaged file may raise any error.
    Where it lacks another library, the remedy is the line that installs that.

    Raises
    ------
    ModelError
        With the library's error as its cause.
    MissingExtraError
        If the library lacks one that the `evaluate` extra brings.
    """
    try:
        yield
    except MediMetaError:
        raise
    except Exception as error:
        if missing := _MISSING.search(str(error)):
            name = (missing[1] or missing[2]).lower()
            if name in _OF_THE_EXTRA:
                raise MissingExtraError(f"{problem} without {name}: it", "evaluate") from error
            raise ModelError(f"{problem} without {name}: pip install {name}") from error
        raise ModelError(f"{problem} ({short(error)}): {remedy}") from error


@contextlib.contextmanager
def local_only() -> Iterator[None]:
    """Let libraries read files of this machine alone inside the block, whatever a configuration names."""
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


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
