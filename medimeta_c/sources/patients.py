"""Patients: which images belong to the same patient, and which patients are in several splits."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import short
from medimeta_c.sources.contract import Source

__all__ = ["annotated_patients", "patients_of", "shared_patients"]

_TABLE = "annotations.csv"
_COLUMN = "patient_id"
_NAMED = 5


def annotated_patients(folder: Path, used: NDArray[np.int32]) -> tuple[dict[int, int], str]:
    """Return the number of the patient of each row of a MedIMeta dataset, and what is wrong with the table.

    Patients are numbered in the order of their first rows. They are known for all rows used, or for none:
    half a grouping would count each image of the other half as another patient.

    Parameters
    ----------
    folder : Path
        The dataset's folder.
    used : ndarray of int
        The rows that some split has.

    Returns
    -------
    (dict of int to int, str)
        Empty if patients are not known; and a sentence, if the table says something that is not used.
    """
    path = folder / _TABLE
    if not path.is_file():
        return {}, ""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if _COLUMN not in (table.fieldnames or ()):
                return {}, ""
            cells = [((row.get("filepath") or "").strip(), (row[_COLUMN] or "").strip()) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return {}, f"{path} cannot be read ({short(error)}), so images are not grouped by patient: restore it"
    said = {name: patient for name, patient in cells if patient}
    names = {int(row): f"images/{row:06d}.tiff" for row in used}
    unknown = sum(name not in said for name in names.values())
    if len(set(cells)) != len({name for name, _ in cells}):
        return {}, f"{path} has two patients for one image, so images are not grouped by patient: correct it"
    if unknown:
        return {}, (
            f"{path} has no {_COLUMN} for {unknown} of {len(names)} images, so images are not grouped by "
            "patient"
        )
    numbers: dict[str, int] = {}
    return {row: numbers.setdefault(said[name], len(numbers)) for row, name in sorted(names.items())}, ""


def patients_of(source: Source, split: str) -> Mapping[str, int]:
    """Return the number of the patient of each image of a split; empty where patients are not known."""
    groups: Callable[[str], Mapping[str, int]] | None = getattr(source, "groups", None)
    return groups(split) if groups else {}


def shared_patients(source: Source) -> str:
    """Return a sentence about patients whose images are in several splits, by number; empty if none are."""
    places: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for split in source.info.splits:
        for number in patients_of(source, split).values():
            places[number][split] = None
    shared = {number: " and ".join(splits) for number, splits in sorted(places.items()) if len(splits) > 1}
    if not shared:
        return ""
    counts = ", ".join(f"{count} in {splits}" for splits, count in sorted(Counter(shared.values()).items()))
    first = ", ".join(map(str, [*shared][:_NAMED])) + ", …" * (len(shared) > _NAMED)
    return (
        f"{len(shared)} of {len(places)} patients have images in several splits ({counts}; "
        f"number{'s' * (len(shared) > 1)} {first}): what is learned on one split is then tested on patients "
        "already seen"
    )
