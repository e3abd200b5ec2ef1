"""MedMNIST+ npz files, any size: images and labels of up to three splits in one file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medimeta_c.errors import ConfigError, Remedy, SourceError, unknown_name
from medimeta_c.format.dataset import DatasetInfo
from medimeta_c.format.keys import check_name
from medimeta_c.sources.catalog import SPLITS, catalog, published
from medimeta_c.sources.npz import ArrayHeader, NpzArray, npz_headers
from medimeta_c.sources.pictures import MAX_PIXELS
from medimeta_c.sources.rows import MAX_ROWS, RowSource, check_labels, one_label_per_row

__all__ = ["check_images", "open_medmnist", "read_labels"]

_KIND = "medmnist"
_ID = re.compile(r"(?P<name>[a-z]+mnist)(?:_(?P<size>[1-9][0-9]*))?")
_USUAL_SIZE = 224
_ORIGINAL_SIZE = 28


def open_medmnist(dataset: str, data_dir: Path, *, task: str | None = None) -> RowSource:
    """Open a MedMNIST+ dataset from ``<data_dir>/<name>_<size>.npz``, or ``<name>.npz`` for 28 pixels.

    Parameters
    ----------
    dataset : str
        ``bloodmnist`` for the 224-pixel file, or the largest that is there; ``bloodmnist_64`` for exactly
        the 64-pixel one.
    data_dir : pathlib.Path
        The folder of all datasets.
    task : str, optional
        Accepted only if it is the dataset's one task.

    Raises
    ------
    ConfigError
        If the id is not a MedMNIST 2D dataset, the task is another, or the dataset is multi-label.
    SourceError
        If the file is missing, damaged, or not in MedMNIST's form.

    References
    ----------
    J. Yang et al., "MedMNIST v2 - A large-scale lightweight benchmark for 2D and 3D biomedical image
    classification", Scientific Data 10, 41, 2023.
    """
    record, size = _parse(dataset)
    if task not in (None, record.task):
        raise ConfigError(
            f"{dataset} has only the task {record.task!r}", value=task, remedy=Remedy("leave out {task}")
        )
    path = _find(dataset, Path(data_dir), record.dataset, size)
    headers = npz_headers(path)
    splits = _splits(path, headers)
    for split in splits:
        check_images(path, split, headers[f"{split}_images"], record, size)
    labels = {split: read_labels(path, split, headers, record) for split in splits}
    counts = {split: len(labels[split]) for split in splits}
    info = record.model_copy(update={"dataset": dataset, "splits": counts})
    rows = {split: np.arange(count, dtype=np.int32) for split, count in counts.items()}
    images = {split: NpzArray(path, f"{split}_images") for split in splits}
    return RowSource(info, path.parent, rows, labels=labels, images=images)


def _parse(dataset: str) -> tuple[DatasetInfo, int | None]:
    check_name("dataset", dataset)
    known = published(_KIND)
    match = _ID.fullmatch(dataset)
    if match is None or match["name"] not in known:
        raise unknown_name("MedMNIST dataset", dataset, known)
    record = catalog()[match["name"]]
    if not record.single_label:
        usable = ", ".join(published(_KIND, single_label=True))
        raise ConfigError(
            f"{record.dataset} is multi-label, and an image here has exactly one class: use one of {usable}"
        )
    return record, int(match["size"]) if match["size"] else None


def _find(dataset: str, data_dir: Path, name: str, size: int | None) -> Path:
    files = {
        int(match["size"]): path
        for path in sorted(data_dir.glob(f"{name}_*.npz"))
        if (match := _ID.fullmatch(path.stem)) and match["size"]
    }
    if (data_dir / f"{name}.npz").is_file():
        files[_ORIGINAL_SIZE] = data_dir / f"{name}.npz"
    if size is None and files:
        size = _USUAL_SIZE if _USUAL_SIZE in files else max(files)
    if size in files:
        return files[size]
    wanted = f"{name}.npz" if size == _ORIGINAL_SIZE else f"{name}_{size or _USUAL_SIZE}.npz"
    others = f" (sizes there: {', '.join(map(str, sorted(files)))})" if files else ""
    reason = f"holds no {wanted}{others}" if data_dir.exists() else "does not exist"
    raise SourceError(
        f"no data for {dataset!r}: {data_dir} {reason}",
        remedy=[
            Remedy("run {command}", command="download", datasets=dataset),
            Remedy("correct the data folder"),
        ],
    )


def _splits(path: Path, headers: dict[str, ArrayHeader]) -> tuple[str, ...]:
    splits = tuple(split for split in SPLITS if f"{split}_images" in headers)
    expected = {f"{split}_{part}" for split in splits for part in ("images", "labels")}
    for name in sorted(expected ^ headers.keys()):
        problem = "lacks" if name in expected else "has an unexpected"
        raise SourceError(f"{path} {problem} array {name!r}: it is not MedMNIST's file, replace it")
    if not splits:
        raise SourceError(f"{path} holds no arrays: replace it")
    return splits


def check_images(path: Path, split: str, header: ArrayHeader, record: DatasetInfo, size: int | None) -> None:
    """Raise SourceError unless a header is of uint8 images as `record` has them, `size` pixels a side."""
    where = f"{path}, array '{split}_images'"
    if header.dtype != np.uint8:
        raise SourceError(f"{where} is of type {header.dtype} where uint8 is needed: replace the file")
    form = "(N, H, W)" if record.channels == 1 else "(N, H, W, 3)"
    shape = header.shape
    if len(shape) < 3 or shape[3:] != (() if record.channels == 1 else (3,)):
        raise SourceError(f"{where} has shape {shape} where {record.dataset} has {form}: replace the file")
    if shape[0] == 0:
        raise SourceError(f"{where} is empty: replace the file")
    if 0 in shape or shape[0] > MAX_ROWS or shape[1] * shape[2] > MAX_PIXELS:
        raise SourceError(f"{where} has shape {shape}, which is not image data: replace the file")
    if size is not None and shape[1:3] != (size, size):
        raise SourceError(
            f"{where} has {shape[1]}x{shape[2]} images, not {size}x{size}: rename or replace it"
        )


def read_labels(
    path: Path, split: str, headers: dict[str, ArrayHeader], record: DatasetInfo
) -> NDArray[np.int32]:
    """Return a split's labels, shape (N,); raises SourceError unless there is a known one for each image."""
    name = f"{split}_labels"
    where = f"{path}, array {name!r}"
    images, header = headers[f"{split}_images"].shape[0], headers[name]
    if header.shape not in ((images,), (images, 1)):
        raise SourceError(
            f"{where} has shape {header.shape} where {images} images need one label each: replace the file"
        )
    array = NpzArray(path, name)
    labels = one_label_per_row(where, array.array())
    array.close()
    check_labels(where, labels, record.class_names)
    return labels
