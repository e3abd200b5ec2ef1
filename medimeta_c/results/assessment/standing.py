"""Marks: what sets a result apart from those that may be ranked, in one place for all that show results."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["INCOMPLETE", "LIMITED", "PHANTOMS", "UNVERIFIED", "Mark", "unranked_because"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Why a result is ranked nowhere.

    Parameters
    ----------
    name : str
        What files and machine-readable output call it.
    label : str
        One word, for a row of a table.
    phrase : str
        What the result is, to follow "it is".
    """

    name: str
    label: str
    phrase: str


LIMITED = Mark(name="limited", label="trial", phrase="a trial on a part of each split")
UNVERIFIED = Mark(
    name="unverified", label="unverified", phrase="unverified: its predictions were made elsewhere"
)
PHANTOMS = Mark(name="phantoms", label="phantoms", phrase="on phantoms: generated images, not medical ones")
INCOMPLETE = Mark(name="incomplete", label="incomplete", phrase="incomplete: cells are missing or invalid")


def unranked_because(marks: tuple[Mark, ...]) -> str | None:
    """Return what the marks say together; None of a result that may be ranked."""
    return "; ".join(mark.phrase for mark in marks) or None
