"""Image folders small enough to train on in a test, with classes that a model can tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

PER_CLASS = {"train": 8, "val": 3, "test": 10}
NAMES = {"cells": ("round cell", "long cell", "spotted cell"), "rays": ("clear lung", "dense lung")}


def write_training_images(root: Path) -> Path:
    """Write `cells` (RGB, 3 classes) and `rays` (grey, 2), all splits, 28 x 28: stripes by class, noisy."""
    draw = np.random.Generator(np.random.Philox(key=11))
    for dataset, classes, channels in (("cells", 3, 3), ("rays", 2, 1)):
        for split, count in PER_CLASS.items():
            for label in range(classes):
                folder = root / dataset / split / NAMES[dataset][label]
                folder.mkdir(parents=True)
                for index in range(count):
                    wave = np.sin(np.arange(28) * (label + 1) * 0.7 + index)
                    plane = 110 + 60 * wave[:, None] + 25 * draw.standard_normal((28, 28))
                    grey = plane.clip(0, 255).astype(np.uint8)
                    pixels = grey if channels == 1 else np.stack([grey, grey // 2, 255 - grey], axis=2)
                    Image.fromarray(pixels).save(folder / f"{index:03d}.png")
    return root
