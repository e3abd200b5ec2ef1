"""Find the parts of evaluations in directories, and check that they are parts of the same evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medimeta_c.errors import Remedy, ResultError
from medimeta_c.results.identity import RunIdentity, first_difference
from medimeta_c.results.result import RESULT_NAME, Environment
from medimeta_c.results.sharing.parts import PARTS_PATH, Parted
from medimeta_c.results.unfinished import UnfinishedCells

__all__ = ["FoundParts", "find_parts", "holds_results"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundParts:
    """Parts of one evaluation that one directory holds.

    Parameters
    ----------
    folder : Path
        The result's folder.
    run : RunIdentity
        Who answers.
    parted : Parted
        What they are parts of.
    environment : Environment or None
        Where their cells were made.
    """

    folder: Path
    run: RunIdentity
    parted: Parted
    environment: Environment | None

    @classmethod
    def read(cls, folder: Path) -> FoundParts | None:
        """Return the parts in a result's folder; None if there are none."""
        parted = Parted.read(folder)
        if parted is None:
            return None
        cells = UnfinishedCells(folder)
        run = cells.run()
        if run is None:
            return None
        return cls(folder=folder, run=run, parted=parted, environment=cells.environment())


def holds_results(directory: Path) -> bool:
    """Return whether a directory holds a result, finished or in parts."""
    return any(directory.rglob(RESULT_NAME)) or any(directory.rglob(PARTS_PATH))


def find_parts(directories: Sequence[Path]) -> dict[Path, list[FoundParts]]:
    """Return the parts of each evaluation, by the path of its result below each directory.

    Nothing is returned of directories that hold finished results alone.

    Raises
    ------
    ResultError
        If a directory holds neither parts nor results, or parts are not of the same evaluation.
    """
    found: dict[Path, list[FoundParts]] = {}
    for directory in directories:
        here = dict(_parts_in(directory))
        if not here and not holds_results(directory):
            raise ResultError(
                f"{directory} holds no part of an evaluation",
                remedy=Remedy("give the directories that parts were evaluated into"),
            )
        if found and here and not found.keys() & here.keys():
            _compare(next(iter(found.values()))[0], next(iter(here.values())))
        for name, parts in here.items():
            found.setdefault(name, []).append(parts)
    for first, *others in found.values():
        for other in others:
            _compare(first, other)
    return found


def _parts_in(directory: Path) -> Iterator[tuple[Path, FoundParts]]:
    for path in sorted(directory.rglob(PARTS_PATH)):
        folder = path.parent.parent
        whole = folder.resolve()
        name = folder.relative_to(directory)
        if len(name.parts) < 2:  # the directory is the result's own folder, or the model's
            name = Path(whole.parent.name, whole.name)
        parts = FoundParts.read(folder)
        if parts is not None:
            yield name, parts


def _compare(first: FoundParts, other: FoundParts) -> None:
    """Raise ResultError if two folders do not hold parts of the same evaluation."""
    found = (
        first_difference(first.run, other.run)
        or other.parted.difference(first.parted)
        or _other_packages(first, other)
    )
    if found is not None:
        name, one, two = found
        raise ResultError(
            f"{other.folder} is of another evaluation than {first.folder}: its {name} is {two!r}, not "
            f"{one!r}",
            remedy=Remedy("evaluate it again as the other parts"),
        )


def _other_packages(first: FoundParts, other: FoundParts) -> tuple[str, Any, Any] | None:
    """Return the first package of which two parts used different versions."""
    one, two = ({} if each.environment is None else each.environment.packages for each in (first, other))
    names = sorted(name for name in one.keys() & two.keys() if one[name] != two[name])
    return (f"version of {names[0]}", one[names[0]], two[names[0]]) if names else None
