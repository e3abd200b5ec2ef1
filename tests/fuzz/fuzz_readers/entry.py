"""An entry of the table of readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

RESULT = "results/python-golden-model-model/1e5f2fae82ff"
BOARD = "leaderboard/results/example-laboratory/exact-model/1e5f2fae82ff"
"""Results of the corpus: one alone, and one on a leaderboard."""


@dataclass(frozen=True, kw_only=True)
class FuzzedReader:
    """A reader of files that others may have written.

    Attributes
    ----------
    name : str
        Of the reader.
    container : str
        A key of `fuzz_mutators.MUTATORS`.
    file : str
        The file that is changed, below the corpus.
    read : callable
        Reads it; takes the corpus's folder.
    code : tuple of str
        Modules, or ``module:function``, of the package whose lines it must reach.
    also : tuple of str
        Patterns of other valid files, below the corpus, that are changed in place of `file`.
    models : bool
        Whether it needs PyTorch.
    """

    name: str
    container: str
    file: str
    read: Callable[[Path], object]
    code: tuple[str, ...]
    also: tuple[str, ...] = ()
    models: bool = False


def entry(
    name: str,
    container: str,
    file: str,
    read: Callable[[Path], object],
    *,
    code: Mapping[str, str],
    also: tuple[str, ...] = (),
    models: bool = False,
) -> FuzzedReader:
    """Return an entry; `code` has modules of `medimeta_c`, each with its functions, or none for all."""
    places = tuple(
        f"medimeta_c.{module}:{name}" for module, names in code.items() for name in names.split() or [""]
    )
    return FuzzedReader(
        name=name, container=container, file=file, read=read, code=places, also=also, models=models
    )


def calls(place: str, path: str, *more: Any) -> Callable[[Path], object]:
    """Return a reader that calls ``module:function`` with a path below the corpus, and more arguments."""

    def read(root: Path) -> object:
        module, _, function = place.partition(":")
        return getattr(import_module(f"medimeta_c.{module}"), function)(root / path, *more)

    return read


def of_models(name: str) -> Callable[[Path], object]:
    """Return a reader of `fuzz_readers.with_torch`, which is imported when it reads."""

    def read(root: Path) -> object:
        return getattr(import_module("fuzz_readers.with_torch"), name)(root)

    return read
