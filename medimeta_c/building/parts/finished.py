"""Finished parts of a build: find them, and check that they are all parts of the same build."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medimeta_c.errors import BuildError, ManifestError, Remedy
from medimeta_c.format.keys import SetKey
from medimeta_c.format.manifest.digests import fingerprint_faults
from medimeta_c.format.manifest.file import MANIFEST_NAME, read_manifest
from medimeta_c.format.manifest.records import Manifest, SetRecord
from medimeta_c.format.parts import PartRecord, part_folders, plan_digest

__all__ = ["FinishedPart", "find_parts", "pieces_of"]

_SHOWN = 8
_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedPart:
    """A finished part: its folder, its manifest, and the directory it was built in."""

    root: Path
    out: Path
    manifest: Manifest

    @property
    def record(self) -> PartRecord:
        """Which part it is."""
        assert self.manifest.part is not None
        return self.manifest.part

    @property
    def path(self) -> Path:
        """Its manifest's file."""
        return self.root / MANIFEST_NAME

    def encoder(self, record: SetRecord) -> str:
        """Return what encoded the images of one of its sets."""
        return record.encoder or self.manifest.encoder

    @property
    def again(self) -> Remedy:
        """What to do if something of it is damaged."""
        return Remedy("move {0} away and build {1} again", self.root, self.record.name)


def find_parts(directories: Iterable[Path]) -> list[FinishedPart]:
    """Return every part in some directories, in the order of these, if they are all parts of one build.

    Raises
    ------
    BuildError
        If a directory holds no part, a part is not finished or of another build, or a part is missing.
    ManifestError
        If a part's manifest is damaged.
    """
    parts = [part for directory in directories for part in _parts_in(directory)]
    for other in parts[1:]:
        _compare(parts[0], other)
    division = parts[0].record.division
    there = {part.record.number for part in parts}
    if missing := [number for number in range(1, division.of + 1) if number not in there]:
        shown = ", ".join(map(str, missing[:_SHOWN])) + ", …" * (len(missing) > _SHOWN)
        raise BuildError(
            f"{len(missing)} of the {division.of} parts of this build are missing ({shown})",
            remedy=[Remedy("build them"), Remedy("give their directories, too")],
        )
    return parts


def pieces_of(parts: Sequence[FinishedPart]) -> dict[SetKey, list[tuple[FinishedPart, SetRecord]]]:
    """Return where each set of a build is: in one part, or piece by piece in several, in the order of rows.

    Of a part that is there twice, the first is taken.

    Raises
    ------
    BuildError
        If a part that is there twice has other pixels the second time, or the sets are not those of the
        build.
    """
    found: dict[SetKey, dict[int, tuple[FinishedPart, SetRecord]]] = {}
    for part in parts:
        for record in part.manifest.sets:
            own = found.setdefault(record.key, {})
            first, known = own.setdefault(part.record.number, (part, record))
            if known.rows_sha256 != record.rows_sha256:
                raise BuildError(
                    f"{part.path} and {first.path} have other images in the set {record.key}, although both "
                    f"are {part.record.name}",
                    remedy=Remedy("verify which of them is right, and leave out the other"),
                )
    pieces = {key: [own[number] for number in sorted(own)] for key, own in sorted(found.items())}
    rows = {key: sum(record.rows for _, record in own) for key, own in pieces.items()}
    division = parts[0].record.division
    if plan_digest(rows) != division.plan:
        raise BuildError(
            f"the parts in {parts[0].out} do not have the sets of the build that they are parts of",
            remedy=Remedy("build all parts again, in another directory"),
        )
    return pieces


def _parts_in(directory: Path) -> Iterator[FinishedPart]:
    """Yield the finished parts of a directory; refuse one that has none, and unfinished parts."""
    folders = part_folders(directory)
    if not folders:
        raise _without_parts(directory)
    for root, name in folders.items():
        if not (root / MANIFEST_NAME).is_file():
            raise BuildError(
                f"{name} in {directory} is not finished", remedy=Remedy("run its build again to finish it")
            )
        part = FinishedPart(
            root=root, out=directory, manifest=read_manifest(root / MANIFEST_NAME, of_part=True)
        )
        for fault in fingerprint_faults(part.manifest):
            raise ManifestError(f"{part.path}: {fault}", remedy=part.again)
        yield part


def _without_parts(directory: Path) -> BuildError:
    whole = directory.resolve()
    if inside := [one for one in whole.parents if whole in part_folders(one)]:
        return BuildError(f"{directory} is one part's own folder", remedy=Remedy("give {0}", inside[0]))
    known = "is a whole benchmark" if (directory / MANIFEST_NAME).is_file() else "holds no part of a build"
    return BuildError(
        f"{directory} {known if directory.is_dir() else 'is no directory'}",
        remedy=Remedy("give the directories that parts of a build were written to"),
    )


def _compare(first: FinishedPart, other: FinishedPart) -> None:
    """Raise BuildError if two parts are not of the same build."""
    for name, one, two in _facts(first, other):
        if one != two:
            raise BuildError(
                f"{other.path} is of another build than {first.path}: its {name} is {_said(two)}, not "
                f"{_said(one)}",
                remedy=Remedy("build it again as the other parts"),
            )


def _facts(first: FinishedPart, other: FinishedPart) -> Iterator[tuple[str, Any, Any]]:
    """Yield what two parts of one build have in common: name, and the value of each."""
    yield "number of parts", first.record.division.of, other.record.division.of
    for name in type(first.manifest.protocol).model_fields:
        yield name, getattr(first.manifest.protocol, name), getattr(other.manifest.protocol, name)
    for name in ("suite", "limited", "title"):
        yield name, getattr(first.manifest, name), getattr(other.manifest, name)
    libraries = first.manifest.libraries, other.manifest.libraries
    for name in sorted(set().union(*libraries)):
        yield f"version of {name}", libraries[0].get(name), libraries[1].get(name)
    known = {record.dataset: record for record in first.manifest.datasets}
    for record in other.manifest.datasets:
        held = known.get(record.dataset, record)
        for name in sorted(type(record).model_fields.keys() - {"fingerprint"}):
            yield f"{name} of {record.dataset}", getattr(held, name), getattr(record, name)
    yield "list of sets", first.record.division.plan, other.record.division.plan


def _said(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
