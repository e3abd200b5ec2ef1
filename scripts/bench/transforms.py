"""Time the random transforms of training pipelines: ours, albumentations' own, and imagecorruptions' functions.

Each takes the same images in turn, on one core, after a warm-up; a cell is the median over repeats and images.
The transforms of albumentations are its nearest, not the same corruption. The ratio carries over to other machines.

    pip install albumentations torchvision && pip install --no-deps imagecorruptions==1.1.2
    python scripts/bench/transforms.py
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import albumentations
import numpy as np
import torch

from medimeta_corruptions import Pixels
from medimeta_corruptions.transforms import albumentations as for_albumentations
from medimeta_corruptions.transforms import torchvision as for_torchvision

sys.path.insert(0, str(Path(__file__).parent))
from corruptions import pictures, repaired

NEAREST: dict[str, Any] = {
    "gaussian_noise": albumentations.GaussNoise(std_range=(0.18, 0.18), p=1),
    "motion_blur": albumentations.MotionBlur(blur_limit=(15, 15), p=1),
    "zoom_blur": albumentations.ZoomBlur(max_factor=(1.21, 1.21), p=1),
    "contrast": albumentations.RandomBrightnessContrast(brightness_limit=0, contrast_limit=(-0.8, -0.8), p=1),
    "pixelate": albumentations.Downscale(scale_range=(0.4, 0.4), p=1),
    "jpeg_compression": albumentations.ImageCompression(quality_range=(15, 15), p=1),
}
"""The nearest transform of albumentations, at about the third severity."""


def median_ms(run: Callable[[Pixels], Any], images: list[Pixels], repeats: int) -> float:
    """Return the median time of one image in milliseconds."""
    for image in images:
        run(image)
    times = []
    for _ in range(repeats):
        for image in images:
            start = time.perf_counter()
            run(image)
            times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=15, help="timed rounds (default: %(default)s)")
    parser.add_argument("--size", type=int, default=224, help="pixels a side (default: %(default)s)")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    images, reference = pictures(4, options.size, grey=False), repaired()

    print(
        "| corruption at severity 3 | torchvision, ours | albumentations, ours | its nearest | imagecorruptions |"
    )
    print("|---|---:|---:|---:|---:|")
    for name, nearest in NEAREST.items():
        ours = for_torchvision.RandomCorruption(name, severities=(3, 3), p=1)
        own = albumentations.Compose(
            [for_albumentations.RandomCorruption(name, severities=(3, 3), p=1)], seed=0
        )
        theirs = albumentations.Compose([nearest], seed=0)
        function = getattr(reference, name)
        cells = (
            median_ms(
                lambda image, t=ours: t(torch.from_numpy(image).permute(2, 0, 1)), images, options.repeats
            ),
            median_ms(lambda image, t=own: t(image=image), images, options.repeats),
            median_ms(lambda image, t=theirs: t(image=image), images, options.repeats),
            median_ms(lambda image, f=function: _reference(f, image), images, options.repeats),
        )
        print(f"| {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |", flush=True)
    versions = ", ".join(f"{one} {version(one)}" for one in ("numpy", "torchvision", "albumentations"))
    print(
        f"\nMilliseconds an image of {options.size} x {options.size} x 3; one core of {platform.machine()}, {versions}."
    )


def _reference(function: Callable[[Any, int], Any], image: Pixels) -> Pixels:
    from PIL import Image

    return np.uint8(function(Image.fromarray(image), 3))


if __name__ == "__main__":
    main()
