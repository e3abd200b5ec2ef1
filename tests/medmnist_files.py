"""Tiny MedMNIST+ and MedMNIST-C files in their published layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medimeta_c.sources.catalog import catalog

COUNT = 6
"""Test images of a written dataset."""

Arrays = dict[str, np.ndarray]


def write_clean(data_dir: Path, dataset: str, *, count: int = COUNT, size: int = 28) -> Arrays:
    """Write ``<dataset>_<size>.npz`` with random images of the dataset's kind; return its test arrays."""
    record = catalog()[dataset]
    shape = (count, size, size) if record.channels == 1 else (count, size, size, 3)
    draw = np.random.Generator(np.random.Philox(key=sum(dataset.encode())))
    arrays = {
        "test_images": draw.integers(0, 256, shape, dtype=np.uint8),
        "test_labels": draw.permutation(np.arange(count, dtype=np.uint8) % len(record.class_names))[:, None],
    }
    data_dir.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(data_dir / f"{dataset}_{size}.npz", **arrays)
    return arrays


def darkened(images: np.ndarray, severity: int) -> np.ndarray:
    """Return what the written corruptions do: pixels that tell their severity."""
    return images // (severity + 1)


def stacked(clean: Arrays) -> Arrays:
    """Return the arrays of one corruption, its severities stacked as medmnistc stacks them."""
    return {
        "test_images": np.concatenate([darkened(clean["test_images"], s) for s in range(1, 6)]),
        "test_labels": np.concatenate([clean["test_labels"]] * 5),
    }


def write_corrupted(folder: Path, dataset: str, corruption: str, arrays: Arrays) -> Path:
    """Write ``<folder>/<dataset>/<corruption>.npz`` as medmnistc does."""
    path = folder / dataset / f"{corruption}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    return path
