"""What a verification reports: the problems that it found, and what it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medimeta_c.building.checks.published import Comparison
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.records import Manifest
from medimeta_c.format.signing.benchmark import Signed
from medimeta_c.io.shown import short_repr
from medimeta_c.io.stores.stored import StoredPath

__all__ = ["Problem", "VerificationReport"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not what the manifest says.

    Parameters
    ----------
    path : str
        The file, relative to the root.
    message : str
        What is wrong.
    key : SetKey or None
        The set the file belongs to, if any.
    """

    path: str
    message: str
    key: SetKey | None = None

    def __str__(self) -> str:
        of = f" (set {self.key})" if self.key else ""
        return f"{self.path}{of}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """What a verification looked at and found.

    Of the rows `rebuilt`, those `near` differ by no more than another version of a library explains. `signed`
    is the signature, if one was asked for; `published` compares each dataset with the fingerprints that this
    package publishes.
    """

    root: Path | StoredPath
    manifest: Manifest
    sets: int
    images: int
    rebuilt: int
    near: int
    problems: tuple[Problem, ...]
    signed: Signed | None = None
    published: Mapping[str, Comparison] = field(default_factory=dict)

    __repr__ = short_repr

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems
