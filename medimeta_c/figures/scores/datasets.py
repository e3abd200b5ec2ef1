"""Tables 1, 4 and 5 of the paper: its datasets, or those of built benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from medimeta_c.figures.exhibit import Inputs, Lacking
from medimeta_c.io.tables.table import Column, Row, Table, number, texts
from medimeta_c.paper import DatasetRow

__all__ = ["draw_table1", "draw_table4", "draw_table5"]

_SPLITS = ("train", "val", "test")
_MEDMNIST = "MedMNIST"
"""How the names of its collections begin: MedMNIST for clean images, MedMNIST-C."""


def draw_table1(inputs: Inputs) -> Iterator[Table]:
    """Yield Table 1: modality, classes and images of every dataset."""
    yield _table("table1_datasets", "Datasets by modality", inputs.datasets, inputs, named=False)


def draw_table4(inputs: Inputs) -> Iterator[Table]:
    """Yield Table 4: the classes of every dataset but MedMNIST's."""
    rows = [one for one in inputs.datasets if not one.collection.startswith(_MEDMNIST)]
    yield _table("table4_classes", "Classes of MedIMeta's datasets", rows, inputs, named=True)


def draw_table5(inputs: Inputs) -> Iterator[Table]:
    """Yield Table 5: the classes of MedMNIST's datasets."""
    rows = [one for one in inputs.datasets if one.collection.startswith(_MEDMNIST)]
    yield _table("table5_classes", "Classes of MedMNIST's datasets", rows, inputs, named=True)


def _table(name: str, what: str, rows: Sequence[DatasetRow], inputs: Inputs, *, named: bool) -> Table:
    """Return a row for each dataset: images of each split and the number of classes, or their names too."""
    if not rows:
        raise Lacking
    splits = list(dict.fromkeys([*_SPLITS, *(split for one in rows for split in one.splits)]))
    order = " as printed" if inputs.printed else " in the order of their labels"
    notes = "".join(f" {one.note}" for one in rows if one.note)
    return Table(
        name=name,
        caption=f"{what}: images of each split, and classes{order * named}.{notes}{inputs.note}",
        columns=(
            *(Column(header, "label") for header in ("Collection", "Modality", "Dataset")),
            *(Column(split.capitalize()) for split in splits),
            Column("Classes"),
            *([Column("Class names", "text")] if named else []),
        ),
        rows=tuple(_row(one, splits, named=named) for one in rows),
        grouped=1,
    )


def _row(one: DatasetRow, splits: Sequence[str], *, named: bool) -> Row:
    return (
        *texts(one.collection, one.modality, one.dataset),
        *(number(one.splits.get(split), 0) for split in splits),
        number(len(one.class_names), 0),
        *(texts("; ".join(one.class_names)) if named else ()),
    )
