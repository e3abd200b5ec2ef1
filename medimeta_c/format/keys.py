"""Names on disk: the key of a set, checked names, and the array type of an image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError

__all__ = [
    "ALL",
    "CLEAN",
    "MEDIMETAC",
    "PHANTOMS",
    "Image",
    "SetKey",
    "check_alone",
    "check_distinct",
    "check_name",
    "chosen_of",
]

Image: TypeAlias = NDArray[np.uint8]
"""uint8 pixels of shape (H, W) for grey or (H, W, 3) for RGB, values 0-255."""

ALL = "all"
"""Names every dataset, split or corruption that there is, where names are asked for."""

CLEAN = "clean"
"""The corruption name of an uncorrupted set; its severity is 0."""

PHANTOMS = "phantoms"
"""The source family of generated stand-ins, which are always labelled as synthetic."""

MEDIMETAC = "medimetac"
"""The kind of datasets imported from the files that MediMeta-C's authors published."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


def check_name(kind: str, name: str) -> str:
    """Return `name` if it is safe as a directory, file and configuration name.

    Raises
    ------
    ConfigError
        If it is not lower-case letters, digits and underscores, starting with a letter or digit.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{kind} name {name!r} is not usable: use lower-case letters, digits and underscores only"
        )
    return name


def check_distinct(kind: str, names: Sequence[object]) -> None:
    """Refuse an empty list of names, and duplicates.

    Raises
    ------
    ConfigError
        Saying which.
    """
    if not names:
        raise ConfigError(f"no {kind} given")
    if twice := [name for index, name in enumerate(names) if name in names[:index]]:
        raise ConfigError(f"duplicate {kind}: {twice[0]}")


def chosen_of(names: Iterable[str], every: Sequence[str]) -> tuple[str, ...]:
    """Return the names chosen; ``"all"`` alone chooses every one.

    Examples
    --------
    >>> chosen_of(["all"], ("oct", "pbc")), chosen_of(["pbc"], ("oct", "pbc"))
    (('oct', 'pbc'), ('pbc',))
    """
    given = tuple(names)
    return tuple(every) if given == (ALL,) else given


def check_alone(every: str, kind: str, names: Sequence[object]) -> None:
    """Refuse a name that stands for every name together with others.

    Raises
    ------
    ConfigError
        Saying which.
    """
    if every in names and len(names) > 1:
        raise ConfigError(f"{every!r} cannot be combined with other {kind}s: give it, or {kind} names")


@dataclass(frozen=True, slots=True, order=True)
class SetKey:
    """One (dataset, split, corruption, severity): the unit of building, verifying and scoring.

    Parameters
    ----------
    dataset, split : str
        Names, as directories and configurations show them.
    corruption : str
        A corruption's name, or ``"clean"``.
    severity : int
        1 to 5, or 0 for clean.
    """

    dataset: str
    split: str
    corruption: str
    severity: int

    def __post_init__(self) -> None:
        for kind in ("dataset", "split", "corruption"):
            check_name(kind, getattr(self, kind))
        if isinstance(self.severity, str):
            raise ConfigError(f"severity {self.severity!r} is not valid: give a whole number")
        if (self.corruption == CLEAN) != (self.severity == 0) or not 0 <= self.severity <= 5:
            raise ConfigError(f"set {self} is not valid: severity must be 1 to 5, or 0 for {CLEAN!r}")

    def __str__(self) -> str:
        return f"{self.dataset}/{self.split}/{self.corruption}/severity-{self.severity}"

    @property
    def clean(self) -> SetKey:
        """The clean set of the same images."""
        return SetKey(self.dataset, self.split, CLEAN, 0)

    @property
    def folder(self) -> str:
        """Directory of the set's shards, relative to the benchmark's root, with forward slashes."""
        return f"data/{self.dataset}/{self.split}/{self.corruption}"
