"""Match clean images with MedIMeta's by their pixels, to find the class of each label in the npz files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medimeta_c.building.medimetac.records import LabelRow, SplitRow
from medimeta_c.errors import Remedy, SourceError
from medimeta_c.format import png
from medimeta_c.format.keys import Image
from medimeta_c.sources.rows import RowSource

__all__ = ["Classes", "Rows", "decide_classes", "match_rows"]

_POSITION = [Remedy("import without {data_dir} for names by position"), Remedy("get the files again")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What MedIMeta has for the clean images of a split, row by row.

    Parameters
    ----------
    found : SplitRow
        How many were found.
    ids : tuple of str or None
        MedIMeta's image ids; None for rows that it does not have.
    classes : tuple of int or None
        MedIMeta's labels; None also where it has the same pixels under two labels.
    """

    found: SplitRow
    ids: tuple[str | None, ...]
    classes: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """What the labels of the npz files are called.

    Parameters
    ----------
    names : tuple of str
        In the order of the npz files' labels.
    rows : tuple of LabelRow
        The same, with the evidence.
    checked : bool
        Whether every label that an image has was decided by images.
    """

    names: tuple[str, ...]
    rows: tuple[LabelRow, ...]
    checked: bool


def match_rows(images: Iterable[Image], split: str, source: RowSource) -> Rows:
    """Find clean images among MedIMeta's, grey ones copied to three channels.

    Images with the same pixels are assigned in the order of both files.

    Parameters
    ----------
    images : iterable of ndarray
        The clean images of a split, in order.
    split : str
        The split, which is searched first.
    source : RowSource
        The dataset.
    """
    wanted: dict[str, list[int]] = {}
    for row, image in enumerate(images):
        wanted.setdefault(png.digest(image), []).append(row)
    found: dict[str, list[tuple[str, str]]] = {}
    for place in sorted(source.info.splits, key=lambda name: name != split):
        for image_id in source.ids(place):
            digest = png.digest(_colour(source.image(place, image_id)))
            if digest in wanted:
                found.setdefault(digest, []).append((place, image_id))
        if all(len(found.get(digest, ())) >= len(rows) for digest, rows in wanted.items()):
            break
    count = sum(map(len, wanted.values()))
    ids: list[str | None] = [None] * count
    classes: list[int | None] = [None] * count
    elsewhere = 0
    for digest, rows in wanted.items():
        places = found.get(digest, [])
        labels = [source.label(*place) for place in places]
        for row, (place, image_id) in zip(rows, places, strict=False):
            ids[row] = image_id
            classes[row] = labels[0] if len(set(labels)) == 1 else None
            elsewhere += place != split
    summary = SplitRow(
        split=split,
        rows=count,
        matched=count - ids.count(None),
        elsewhere=elsewhere,
        duplicates=count - len(wanted),
    )
    return Rows(found=summary, ids=tuple(ids), classes=tuple(classes))


def decide_classes(
    dataset: str, names: Sequence[str], labels: Iterable[int], classes: Iterable[int | None]
) -> Classes:
    """Return what each label of the npz files is called.

    Parameters
    ----------
    dataset : str
        For messages.
    names : sequence of str
        MedIMeta's class names in its label order.
    labels : iterable of int
        The npz files' label of each clean image.
    classes : iterable of int or None
        MedIMeta's label of the same image; None where it is not known.

    Raises
    ------
    SourceError
        If the images of one label have two classes in MedIMeta, or two labels have one; both are named.
    """
    images: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    for label, known in zip(labels, classes, strict=True):
        images[label] += 1
        if known is not None:
            pairs[label, known] += 1
    table: dict[int, int] = {}
    for label, known in sorted(pairs):
        if label in table:
            raise SourceError(
                f"label {label} of the published {dataset} is {_said(names, table[label], label, pairs)} and "
                f"{_said(names, known, label, pairs)} in MedIMeta, so no class name fits it",
                remedy=_POSITION,
            )
        if known in table.values():
            other = next(one for one, its in table.items() if its == known)
            raise SourceError(
                f"labels {other} and {label} of the published {dataset} are both {names[known]!r} in "
                "MedIMeta",
                remedy=_POSITION,
            )
        table[label] = known
    order = _completed(table, len(names))
    rows = tuple(
        LabelRow(
            label=label,
            class_name=names[known],
            medimeta_label=table.get(label),
            images=images[label],
            matched=sum(count for (one, _), count in pairs.items() if one == label),
        )
        for label, known in enumerate(order)
    )
    return Classes(
        names=tuple(names[known] for known in order), rows=rows, checked=all(one in table for one in images)
    )


def _said(names: Sequence[str], known: int, label: int, pairs: Mapping[tuple[int, int], int]) -> str:
    count = pairs[label, known]
    return f"{names[known]!r} for {count} image{'s' if count > 1 else ''}"


def _completed(table: Mapping[int, int], count: int) -> list[int]:
    """Return the class of every label: those not in the table keep their own number where it is free."""
    order = {label: label for label in range(count) if label not in table and label not in table.values()}
    order |= table
    free = iter(sorted(set(range(count)) - set(order.values())))
    return [order[label] if label in order else next(free) for label in range(count)]


def _colour(image: Image) -> Image:
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
