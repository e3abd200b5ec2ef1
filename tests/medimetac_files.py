"""Small trees in the layout of the published MediMeta-C, and the MedIMeta folders they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import yaml

from medimeta_c.sources.phantoms.plan import PLANS
from medimeta_corruptions import corrupt

SPLITS = {"train": 4, "val": 6, "test": 12}
"""Images of each split of a written dataset, in the order of rows."""

STEP = 4
"""Every fourth pixel of a phantom is kept: images have 56 a side."""


def write_medimeta(data_dir: Path, dataset: str) -> Path:
    """Write small phantoms as a MedIMeta folder and return it; the third test image repeats the first."""
    plan, folder = PLANS[dataset], data_dir / dataset
    for name in ("splits", "task_labels"):
        (folder / name).mkdir(parents=True)
    labels = np.arange(sum(SPLITS.values())) % plan.classes
    labels[12] = labels[10]
    images = np.stack([plan.image(row, int(label))[::STEP, ::STEP] for row, label in enumerate(labels)])
    images[12] = images[10]
    info = {**plan.info(), "splits_num_samples": SPLITS, "input_size": [plan.channels, *images.shape[1:3]]}
    info["tasks"] = info["tasks"][:1]
    (folder / "info.yaml").write_text(yaml.safe_dump(info))
    with h5py.File(folder / "images.hdf5", "w") as file:
        file["images"] = images
    np.save(folder / "task_labels" / f"{plan.tasks[0].name}.npy", labels)
    first = 0
    for split, count in SPLITS.items():
        lines = [f"images/{row:06d}.tiff" for row in range(first, first + count)]
        (folder / "splits" / f"{split}.txt").write_text("\n".join(lines))
        first += count
    return folder


def clean_rows(folder: Path, split: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Return a split of such a folder as the published files have it: RGB images, and labels (N, 1)."""
    numbers = [int(line[7:13]) for line in (folder / "splits" / f"{split}.txt").read_text().splitlines()]
    with h5py.File(folder / "images.hdf5") as file:
        images = file["images"][numbers]
    (labels,) = (np.load(path) for path in (folder / "task_labels").iterdir())
    colour = np.repeat(images[..., None], 3, axis=3) if images.ndim == 3 else images
    return colour, labels[numbers][:, None]


def corrupted(images: np.ndarray, corruption: str, severity: int) -> np.ndarray:
    """Return images corrupted as the authors do: in RGB, from one generator, row after row."""
    draw = np.random.Generator(np.random.Philox(key=99 + severity))
    return np.stack([corrupt(image, corruption, severity, draw) for image in images])


def write_published(
    folder: Path,
    clean: tuple[np.ndarray, np.ndarray],
    corruptions: Sequence[str],
    severities: Sequence[int] = (1, 2, 3, 4, 5),
) -> Path:
    """Write ``clean.npz`` and a file a corruption and severity into a split's folder; return it."""
    images, labels = clean
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "clean.npz", images=images, labels=labels)
    for corruption in corruptions:
        for severity in severities:
            rows = corrupted(images, corruption, severity)
            np.savez_compressed(
                folder / f"{corruption}_severity_{severity}.npz", images=rows, labels=labels.ravel()
            )
    return folder


def rewrite(path: Path, **arrays: np.ndarray) -> None:
    """Replace arrays of an npz file."""
    with np.load(path) as file:
        held = dict(file)
    np.savez_compressed(path, **{**held, **arrays})
