"""Files of the published MediMeta-C: one npz per split, corruption and severity, checked before use.

::

    <folder>/<dataset>/<test|val>/clean.npz
    <folder>/<dataset>/<test|val>/<corruption>_severity_<1..5>.npz
        images      uint8 (N, H, W, 3), grey ones stored as RGB
        labels      integers (N,) or (N, 1)

References
----------
R. Imam, R. Marew and M. Yaqub, "On the Robustness of Medical Vision-Language Models: Are they Truly
Generalizable?", MIUA 2025; https://huggingface.co/datasets/razaimam45/MediMeta-C.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import SourceError, unknown_name
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.suites import CORE
from medimeta_c.io.reading import Reader
from medimeta_c.io.records import Name, Record, Text
from medimeta_c.io.text import counted
from medimeta_c.sources.npz import ArrayHeader, NpzArray, npz_headers
from medimeta_c.sources.pictures import MAX_PIXELS
from medimeta_c.sources.rows import MAX_ROWS, check_labels, one_label_per_row

__all__ = ["IMAGES", "SPLITS", "NpzSet", "Problems", "find_sets", "published"]

IMAGES, _LABELS = "images", "labels"
SPLITS = ("test", "val")
_FILE = re.compile(r"(?P<corruption>.+)_severity_(?P<severity>[1-5])\.npz")


class _Published(Record):
    homepage: Text
    citation: Text
    class_names: dict[Name, tuple[Text, ...]]


@cache
def published() -> _Published:
    """Return what is known of the published files: reference, address, and MedIMeta's class names."""
    reader = Reader(remedy="install the package again", error=SourceError)
    return reader.read(Path(__file__).with_name("names.yaml"), _Published)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NpzSet:
    """One file that has passed its checks, with its labels."""

    path: Path
    shape: tuple[int, ...]
    labels: NDArray[np.int32]


@dataclass(slots=True)
class Problems:
    """Errors of several files, so that one does not hide the others."""

    errors: list[SourceError] = field(default_factory=list)

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note a SourceError instead of raising it."""
        try:
            yield
        except SourceError as error:
            self.errors.append(error)

    def raise_all(self) -> None:
        """Raise one SourceError that says them all, if there are any."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            errors = sorted(self.errors, key=str)
            sentences = "; ".join(map(str, errors))
            raise SourceError(f"{counted(len(errors), 'file')} cannot be imported: {sentences}", errors)


def find_sets(
    dataset: str, folder: Path, splits: Sequence[str], problems: Problems
) -> Mapping[SetKey, NpzSet]:
    """Return the sets that a dataset's files are, each checked by its header and its labels.

    Parameters
    ----------
    dataset : str
        One of the seven.
    folder : pathlib.Path
        The folder of all datasets.
    splits : sequence of str
        The splits wanted; there must be a clean file of each.
    problems : Problems
        Takes what is wrong with files.

    Raises
    ------
    ConfigError
        If the published files have no such dataset.
    """
    if dataset not in published().class_names:
        raise unknown_name("dataset of the published MediMeta-C", dataset, published().class_names)
    found: dict[SetKey, NpzSet] = {}
    for split in splits:
        first, clean = folder / dataset / split / f"{CLEAN}.npz", None
        with problems.noted():
            clean = found[SetKey(dataset, split, CLEAN, 0)] = _checked(first, dataset, None)
        for path in sorted(first.parent.glob("*.npz")):
            if path != first:
                with problems.noted():
                    key = _key(dataset, split, path)
                    found[key] = _checked(path, dataset, clean)
    return dict(sorted(found.items()))


def _key(dataset: str, split: str, path: Path) -> SetKey:
    match = _FILE.fullmatch(path.name)
    if match is None or match["corruption"] not in CORE.corruptions:
        raise SourceError(
            f"{path} is named neither clean.npz nor <corruption>_severity_<1-5>.npz after one of "
            f"{', '.join(CORE.corruptions)}: rename it, or move it away"
        )
    return SetKey(dataset, split, match["corruption"], int(match["severity"]))


def _checked(path: Path, dataset: str, clean: NpzSet | None) -> NpzSet:
    """Return a file's set; raise SourceError unless it has the layout above, and the clean file's shape."""
    if not path.is_file():
        raise SourceError(
            f"{path} is missing: give the folder that holds pbc/, oct/ and so on as published, with "
            "<split>/clean.npz in each"
        )
    headers = npz_headers(path)
    if set(headers) != {IMAGES, _LABELS}:
        raise SourceError(
            f"{path} holds the arrays {', '.join(sorted(headers)) or 'none'} instead of images and "
            "labels: replace the file"
        )
    shape = _checked_shape(path, headers[IMAGES])
    if clean is not None and shape[1:] != clean.shape[1:]:
        raise SourceError(
            f"{path} has {shape[1]}x{shape[2]} images, but its clean.npz has "
            f"{clean.shape[1]}x{clean.shape[2]}: they are of different versions, replace one"
        )
    if clean is not None and shape[0] != clean.shape[0]:
        raise SourceError(
            f"{path} has {shape[0]} rows where its clean.npz has {clean.shape[0]}: it is of another version, "
            "or cut short, replace it"
        )
    where = f"{path}, array {_LABELS!r}"
    if headers[_LABELS].shape not in ((shape[0],), (shape[0], 1)):
        raise SourceError(
            f"{where} has shape {headers[_LABELS].shape} where {shape[0]} images need one label each: "
            "replace the file"
        )
    array = NpzArray(path, _LABELS)
    labels = one_label_per_row(where, array.array())
    array.close()
    check_labels(where, labels, published().class_names[dataset])
    return NpzSet(path=path, shape=shape, labels=labels)


def _checked_shape(path: Path, header: ArrayHeader) -> tuple[int, ...]:
    shape = header.shape
    fits = len(shape) == 4 and shape[3] == 3 and 0 not in shape
    if not fits or shape[0] > MAX_ROWS or shape[1] * shape[2] > MAX_PIXELS or header.dtype != np.uint8:
        raise SourceError(
            f"{path} has images of type {header.dtype} and shape {shape} where uint8 (N, H, W, 3) is needed: "
            "replace the file"
        )
    return shape
