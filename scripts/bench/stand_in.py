"""Made-up data for measurements: MedIMeta folders of any size, whose images compress as those they are made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import yaml

from medimeta_c.sources.contract import Source
from medimeta_corruptions import Pixels

__all__ = ["write_stand_in"]


def variant(image: Pixels, draw: np.random.Generator) -> Pixels:
    """Return an image mirrored and shifted sideways at random: as hard to compress, and seldom the same."""
    down, across = draw.choice((1, -1), 2)
    return np.roll(image[::down, ::across], draw.integers(image.shape[1]), axis=1)


def write_stand_in(template: Source, splits: Mapping[str, int], folder: Path) -> None:
    """Write a dataset in MedIMeta's format, with so many images in each split, after the images of another."""
    info, count = template.info, sum(splits.values())
    places = [(split, image_id) for split in info.splits for image_id in template.ids(split)]
    images = [template.image(*place) for place in places]
    labels = [template.label(*place) for place in places]
    draw = np.random.Generator(np.random.Philox(key=0))
    for name in ("splits", "task_labels"):
        (folder / name).mkdir(parents=True)
    with h5py.File(folder / "images.hdf5", "w") as file:
        rows = file.create_dataset("images", (count, *images[0].shape), np.uint8)
        for row in range(count):
            rows[row] = variant(images[row % len(images)], draw)
    np.save(folder / f"task_labels/{info.task}.npy", np.resize(labels, count).astype(np.int64))
    first = 0
    for split, size in splits.items():
        listed = "".join(f"images/{row:06d}.tiff\n" for row in range(first, first + size))
        (folder / f"splits/{split}.txt").write_text(listed)
        first += size
    task = {
        "task_name": info.task,
        "task_target": "MULTICLASS_CLASSIFICATION",
        "labels": dict(enumerate(info.class_names)),
    }
    said = {
        "id": info.dataset,
        "name": f"{info.title}, made-up",
        "domain": info.modality,
        "tasks": [task],
        "input_size": [info.channels, *images[0].shape[:2]],
        "total_num_samples": count,
        "splits_num_samples": dict(splits),
        "license": info.license,
    }
    (folder / "info.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
