"""MedIMeta folders: HDF5 or TIFF images, one label per image of one task, published splits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import Remedy, SourceError, short
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import check_name
from medimeta_c.format.suites import CORE
from medimeta_c.sources.catalog import SPLITS, catalog, published
from medimeta_c.sources.folders.layout import holds_classes
from medimeta_c.sources.medimeta_images import Hdf5Images, TiffImages
from medimeta_c.sources.medimeta_info import read_info
from medimeta_c.sources.patients import annotated_patients
from medimeta_c.sources.rows import MAX_ROWS, RowSource, check_labels, one_label_per_row, row_id

__all__ = ["open_medimeta"]

_KIND = "medimeta"
_PARTS = ("images.hdf5", "splits", "task_labels")
_LINE = re.compile(r"images/([0-9]{6})\.tiff")


def open_medimeta(dataset: str, data_dir: Path, *, task: str | None = None) -> RowSource:
    """Open the MedIMeta dataset in ``<data_dir>/<dataset>``, known to the catalogue or not.

    Everything but the pixels is read and checked here, so a build does not fail half-way.

    Parameters
    ----------
    dataset : str
        The dataset's id, which is its folder's name.
    data_dir : pathlib.Path
        The folder of all datasets.
    task : str, optional
        The task whose labels are read. By default the catalogue's for this dataset, else the only
        single-label one.

    Raises
    ------
    ConfigError
        If the id is not usable, or the task does not exist, is not single-label, or has to be chosen.
    SourceError
        If the folder is missing, not whole, or not in MedIMeta's form.

    References
    ----------
    S. Woerner, A. Jaques and C. F. Baumgartner, "A comprehensive and easy-to-use multi-domain multi-task
    medical imaging meta-dataset (MedIMeta)", Scientific Data 12, 2025.
    """
    check_name("dataset", dataset)
    folder = Path(data_dir) / dataset
    known = _known(dataset)
    if not folder.is_dir():
        raise _missing_folder(dataset, folder)
    if not any((folder / name).exists() for name in _PARTS) and holds_classes(folder):
        raise SourceError(
            f"{folder} holds class folders of pictures, not a MedIMeta dataset",
            remedy=Remedy("add {source}", source="imagefolder"),
        )
    path = _required(folder, "info.yaml")
    said = read_info(path)
    if said.id not in (None, dataset):
        raise SourceError(
            f"{path} says id {said.id!r} but its folder is called {dataset!r}: rename the folder"
        )

    chosen = said.task(path, known, task)
    classes = chosen.classes(path)
    images = _open_images(folder, said.channels)
    label_file = f"task_labels/{chosen.name}.npy"
    labels = _read_labels(_required(folder, label_file), images.rows, classes)
    splits = _read_splits(folder, images.rows, said.splits_num_samples or {})
    patients, warning = annotated_patients(folder, np.concatenate([*splits.values()]))

    info = DatasetInfo(
        dataset=dataset,
        kind=_KIND,
        title=said.title or (known.title if known else dataset),
        modality=known.modality if known else said.domain or "Medical Image",
        task=chosen.name,
        class_names=tuple(classes.values()),
        channels=images.channels,
        splits={split: len(rows) for split, rows in splits.items()},
        license=said.license or (known.license if known else ""),
        citation=said.citation or (known.citation if known else ""),
        homepage=said.homepage or (known.homepage if known else ""),
    )
    small_files = ["info.yaml", label_file, *(f"splits/{split}.txt" for split in splits)]
    return RowSource(
        info,
        folder,
        splits,
        labels=dict.fromkeys(splits, labels),
        images=dict.fromkeys(splits, images),
        small_files=small_files,
        label_values=tuple(classes),
        patients=patients,
        warnings=(warning,) if warning else (),
    )


def _known(dataset: str) -> DatasetInfo | None:
    return catalog()[dataset] if dataset in published(_KIND) else None


def _missing_folder(dataset: str, folder: Path) -> SourceError:
    if _known(dataset) is None:
        return SourceError(
            f"no dataset {dataset!r}: {folder} is not a folder, and MedIMeta publishes no {dataset}.zip "
            f"(it has {', '.join(published(_KIND))}); correct the name or the data folder"
        )
    remedies = [Remedy("run {command}", command="download", datasets=dataset)]
    if dataset in CORE.headline["medimeta"]:
        remedies.append(Remedy("build from synthetic images with {source}", source="phantoms"))
    reason = "is not a folder" if folder.exists() else "does not exist"
    return SourceError(
        f"no data for {dataset!r}: {folder} {reason}; it comes in the archive {dataset}.zip", remedy=remedies
    )


def _required(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise _half_extracted(folder, f"{name} is missing")
    return path


def _half_extracted(folder: Path, what: str) -> SourceError:
    remedy = Remedy("move the folder away and extract {0}.zip again", folder.name)
    if _known(folder.name):
        remedy = Remedy("move the folder away and run {command}", command="download", datasets=folder.name)
    return SourceError(f"{folder} is not a complete dataset ({what})", remedy=remedy)


def _open_images(folder: Path, channels: Literal[1, 3] | None) -> Hdf5Images | TiffImages:
    images: Hdf5Images | TiffImages
    if (folder / "images.hdf5").exists():
        images = Hdf5Images(folder / "images.hdf5")
    elif (folder / "images").is_dir():
        images = TiffImages(folder, channels)
    else:
        raise _half_extracted(folder, "it has neither images.hdf5 nor a folder images")
    if channels not in (None, images.channels):
        raise SourceError(
            f"{folder / 'images.hdf5'} has {images.channels}-channel images but info.yaml says input_size "
            f"starts with {channels}: one of the two is from another dataset, replace it"
        )
    if images.rows > MAX_ROWS:
        raise SourceError(f"{folder} holds {images.rows} images; at most {MAX_ROWS} can be numbered")
    return images


def _read_labels(path: Path, rows: int, classes: Mapping[int, str]) -> NDArray[np.int32]:
    """Return the place of each row's label among the sorted labels, which may leave numbers out."""
    try:
        # Mapped rather than read: a header that claims terabytes then fails instead of allocating them.
        stored = np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except Exception as error:  # a damaged header raises also what tokenizing and mapping raise
        raise SourceError(f"{path} is not a complete npy file ({short(error)}): replace it") from error
    labels = one_label_per_row(str(path), stored)
    if len(labels) != rows:
        raise SourceError(
            f"{path} has {len(labels)} labels for {rows} images: the two are from different downloads, "
            "move the folder away and extract its archive again"
        )
    keys = np.array([*classes])
    if len(keys) == keys[-1] + 1:
        check_labels(str(path), labels, tuple(classes.values()))
    elif len(strays := np.flatnonzero(~np.isin(labels, keys))):
        raise SourceError(
            f"{path} has label {labels[strays[0]]} in row {strays[0]}, but the classes are "
            f"{', '.join(map(str, keys))}: labels and info.yaml are of different versions, replace one"
        )
    return np.searchsorted(keys, labels).astype(np.int32)


def _read_splits(folder: Path, rows: int, sizes: Mapping[str, int]) -> dict[str, NDArray[np.int32]]:
    present = sorted(path.stem for path in (folder / "splits").glob("*.txt") if path.name[0] != ".")
    for split, size in sizes.items():
        if size and split not in present:
            raise _half_extracted(folder, f"splits/{split}.txt is missing")
    if not present:
        raise _half_extracted(folder, "its folder splits has no train.txt, val.txt or test.txt")
    if unknown := [split for split in present if split not in SPLITS]:
        path = folder / "splits" / f"{unknown[0]}.txt"
        raise SourceError(
            f"{path} is not named train.txt, val.txt or test.txt: rename it, or move it elsewhere"
        )
    splits: dict[str, NDArray[np.int32]] = {}
    owner = np.full(rows, -1, dtype=np.int32)
    for split in sorted(present, key=SPLITS.index):
        path = folder / "splits" / f"{split}.txt"
        found = _read_split(path, rows, sizes.get(split))
        for row in found[owner[found] >= 0]:
            other = list(splits)[owner[row]]
            raise SourceError(f"{path} lists {row_id(row)}, which {other}.txt lists too: correct the splits")
        owner[found] = len(splits)
        splits[split] = found
    return splits


def _read_split(path: Path, rows: int, size: int | None) -> NDArray[np.int32]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {path} ({short(error)}): replace it") from error
    if not lines:
        raise SourceError(f"{path} lists no image: replace it, or move it elsewhere if the split is empty")
    found = np.array([_row(path, number, line, rows) for number, line in enumerate(lines, 1)], dtype=np.int32)
    unique, counts = np.unique(found, return_counts=True)
    if len(unique) != len(found):
        twice = row_id(int(unique[counts > 1][0]))
        raise SourceError(f"{path} lists {twice} more than once: correct it")
    if size not in (None, len(found)):
        raise SourceError(
            f"{path} lists {len(found)} images but info.yaml says {size}: one of the two was cut short or "
            "edited, restore it"
        )
    return unique


def _row(path: Path, number: int, line: str, rows: int) -> int:
    match = _LINE.fullmatch(line)
    if match is None:
        raise SourceError(f"{path}, line {number}: {line!r} is not like 'images/000123.tiff': correct it")
    row = int(match[1])
    if row >= rows:
        raise SourceError(
            f"{path}, line {number}: there is no image {match[1]}, the last is {row_id(rows - 1)}: correct it"
        )
    return row
