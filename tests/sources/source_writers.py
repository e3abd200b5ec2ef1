"""Tiny datasets on disk, whole ones: a test then spoils the part it is about."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from PIL import Image

ROWS = 12
"""Images of a written MedIMeta folder: rows 0-5 train, 6-8 val, 9-11 test."""

SPLITS = {"train": range(6), "val": range(6, 9), "test": range(9, 12)}
CLASSES = ("benign", "malignant", "other")

FLAT = ["cat/one.png", "cat/two.png", "dog/one.png"]
SPLIT = ["train/cat/a.png", "train/dog/b.png", "val/cat/c.png", "test/dog/d.png", "test/cat/e.png"]
"""Pictures of a folder of classes, without and with splits."""


def pixels(rows: int = ROWS, *, channels: int = 3, size: int = 8, seed: int = 0) -> np.ndarray:
    """Random images: uint8, (rows, size, size) or (rows, size, size, 3)."""
    shape = (rows, size, size) if channels == 1 else (rows, size, size, 3)
    return np.random.Generator(np.random.Philox(seed)).integers(0, 256, shape, dtype=np.uint8)


def write_medimeta(data_dir: Path, dataset: str = "toy", *, channels: int = 3, tiffs: bool = True) -> Path:
    """Write a MedIMeta folder with one multi-class task and return it."""
    folder = data_dir / dataset
    for name in ("splits", "task_labels", "images"):
        (folder / name).mkdir(parents=True)
    info: dict[str, Any] = {
        "id": dataset,
        "name": "A toy dataset",
        "domain": "Toy imaging",
        "tasks": [task("grade", CLASSES)],
        "input_size": [channels, 8, 8],
        "splits_num_samples": {split: len(rows) for split, rows in SPLITS.items()},
        "license": "CC0",
        "DOI": "10.1234/toy",
        "original_data": [{"name": "Toys", "citations": ["Doe, J. Toys. (2020)."]}],
    }
    write_info(folder, info)
    images = pixels(channels=channels)
    with h5py.File(folder / "images.hdf5", "w") as file:
        file["images"] = images
    if tiffs:
        for row, image in enumerate(images):
            Image.fromarray(image).save(folder / "images" / f"{row:06d}.tiff")
    else:
        (folder / "images").rmdir()
    for split, rows in SPLITS.items():
        lines = [f"images/{row:06d}.tiff" for row in rows]
        (folder / "splits" / f"{split}.txt").write_text("\n".join(lines))
    np.save(folder / "task_labels" / "grade.npy", np.arange(ROWS) % 3)
    return folder


def task(name: str, classes: tuple[str, ...], target: str = "MULTICLASS_CLASSIFICATION") -> dict[str, Any]:
    """One entry of info.yaml's tasks."""
    return {"task_name": name, "task_target": target, "labels": dict(enumerate(classes))}


def write_info(folder: Path, info: dict[str, Any]) -> None:
    (folder / "info.yaml").write_text(yaml.safe_dump(info, sort_keys=False))


def edit_info(folder: Path, **changes: Any) -> None:
    """Change top-level entries of an info.yaml; None removes one."""
    info = yaml.safe_load((folder / "info.yaml").read_text())
    info.update(changes)
    write_info(folder, {name: value for name, value in info.items() if value is not None})


def npz_arrays(*, channels: int = 3, size: int = 28, classes: int = 8) -> dict[str, np.ndarray]:
    """The six arrays of a MedMNIST file, with 4 training, 2 validation and 3 test images."""
    arrays = {}
    for seed, (split, rows) in enumerate({"train": 4, "val": 2, "test": 3}.items()):
        arrays[f"{split}_images"] = pixels(rows, channels=channels, size=size, seed=seed)
        arrays[f"{split}_labels"] = (np.arange(rows, dtype=np.uint8) % classes)[:, None]
    return arrays


def write_npz(path: Path, arrays: dict[str, np.ndarray] | None = None, *, compressed: bool = True) -> Path:
    """Write a MedMNIST npz file and return its path."""
    save = np.savez_compressed if compressed else np.savez
    save(path, **(npz_arrays() if arrays is None else arrays))
    return path


def write_images(root: Path, names: list[str], *, channels: int = 3) -> Path:
    """Write one random image per name (relative paths) and return the root."""
    for seed, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(1, channels=channels, seed=seed)[0]).save(path)
    return root


def write_hdf5(folder: Path, write: Callable[[h5py.File], object]) -> None:
    """Replace a MedIMeta folder's images.hdf5."""
    with h5py.File(folder / "images.hdf5", "w") as file:
        write(file)


def npy(array: np.ndarray, **options: bool) -> bytes:
    """Return the content of a npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()
