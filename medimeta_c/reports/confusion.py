"""Confusion matrices as shaded tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from medimeta_c.io.tables.table import Cell, Column, Table
from medimeta_c.results.cells import percent
from medimeta_c.results.predictions import CellPredictions

__all__ = ["confusion_counts", "confusion_table"]


def confusion_counts(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return how many images of class i (row) were taken for class j (column), shape (K, K).

    Images without a prediction (negative) are left out.
    """
    known = predictions >= 0
    flat = np.bincount(labels[known] * classes + predictions[known], minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def confusion_table(cell: CellPredictions, class_names: Sequence[str], title: str) -> Table:
    """Return what the images of each class were taken for, in percent of the class.

    Columns bear the numbers of the rows. A class without images leaves its row empty, as do zeros. Where a
    model named no class for an image, the row sums to less than 100.
    """
    counts = confusion_counts(cell.labels, cell.predictions, len(class_names)).tolist()
    images = np.bincount(cell.labels, minlength=len(class_names)).tolist()
    rows = []
    for number, (name, row, total) in enumerate(zip(class_names, counts, images, strict=True), start=1):
        rows.append(
            (
                Cell(name, below=str(number)),
                *(_share(held, total, name, other) for held, other in zip(row, class_names, strict=True)),
            )
        )
    numbers = (Column(str(number)) for number in range(1, len(class_names) + 1))
    return Table(name=title, columns=(Column("", "label"), *numbers), rows=tuple(rows))


def _share(held: int, total: int, name: str, other: str) -> Cell:
    if not held:
        return Cell("")
    share = held / total
    said = f"{held} of {total} images of {name} taken for {other}"
    return Cell(percent(share, 0), 100 * share, note=said, shade=share)
