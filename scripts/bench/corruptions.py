"""Time the nineteen corruptions of ImageNet-C against imagecorruptions, on the same images, in one run.

The two take turns on each image, on one core, after a warm-up, in milliseconds of the processor, which other
work on the machine disturbs less than the clock; a cell is the median over repeats and images,
and a corruption's figure the mean of its five severities. The ratio is what carries over to other machines.

Functions of the reference that today's scikit-image and NumPy break are repaired first (see `repaired`). Frost
is timed with its photographs there and with drawn textures here.

    pip install --no-deps imagecorruptions==1.1.2 && pip install scikit-image 'setuptools<81'
    python scripts/bench/corruptions.py --repeats 15
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from medimeta_corruptions import SEVERITIES, Pixels, Rng, corrupt, warm_up
from medimeta_corruptions.imagecorruptions_compat import get_corruption_names

VERSIONS = ("numpy", "numba", "scipy", "scikit-image", "opencv-python-headless", "pillow", "imagecorruptions")


def pictures(count: int, size: int, grey: bool) -> list[Pixels]:
    """Return smooth scenes with edges and a little noise, different ones."""
    y, x = np.mgrid[:size, :size].astype(np.float64)
    rng = np.random.default_rng(0)
    made = []
    for k in range(count):
        scene = 120 + 70 * np.sin(x / (11 + k)) * np.cos(y / (19 - k))
        scene[np.hypot(x - size / 3, y - size / 2) < size / 5] = 230
        colour = scene[..., np.newaxis] * [1.0, 0.8, 0.9] + rng.normal(0, 4, (size, size, 3))
        picture = colour.clip(0, 255).astype(np.uint8)
        made.append(np.ascontiguousarray(picture[..., 0]) if grey else picture)
    return made


def repaired() -> ModuleType:
    """Return the reference, with the names that libraries have dropped since."""
    module = importlib.import_module("imagecorruptions.corruptions")
    filters = importlib.import_module("skimage.filters")

    def gaussian(image: Any, sigma: Any, multichannel: bool = False, **options: Any) -> Any:
        return filters.gaussian(image, sigma=sigma, channel_axis=-1 if multichannel else None, **options)

    module.gaussian = gaussian  # type: ignore[attr-defined]
    if not hasattr(np, "float_"):
        setattr(np, "float_", np.float64)  # noqa: B010 - not the name itself, which the linter knows is gone
    return module


def milliseconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return (time.process_time() - start) * 1e3


def compare(name: str, images: list[Pixels], repeats: int, rng: Rng) -> tuple[float, float]:
    """Return our and the reference's milliseconds for an image."""
    reference = getattr(repaired(), name)
    means: tuple[list[float], list[float]] = ([], [])
    for severity in SEVERITIES:
        times: tuple[list[float], list[float]] = ([], [])
        for repeat in range(-2, repeats):  # the first two are the warm-up
            for image in images:
                # Its motion blur fails on grey, and its corrupt() copies grey to three channels anyway.
                given = image if image.ndim == 3 else np.stack([image] * 3, axis=-1)
                ours = milliseconds(lambda: corrupt(image, name, severity, rng))  # noqa: B023
                theirs = milliseconds(lambda: np.uint8(reference(Image.fromarray(given), severity)))  # noqa: B023
                if repeat >= 0:
                    times[0].append(ours)
                    times[1].append(theirs)
        for mean, values in zip(means, times, strict=True):
            mean.append(statistics.median(values))
    return statistics.fmean(means[0]), statistics.fmean(means[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=15, help="timed rounds (default: %(default)s)")
    parser.add_argument("--images", type=int, default=4, help="different images (default: %(default)s)")
    parser.add_argument("--size", type=int, default=224, help="pixels a side (default: %(default)s)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="corruptions (default: all nineteen)")
    parser.add_argument("--grey", action="store_true", help="one channel; the reference makes three of it")
    parser.add_argument(
        "--rng",
        choices=("philox", "legacy"),
        default="philox",
        help="our generator: a benchmark's, or what the reference draws from (default: %(default)s)",
    )
    options = parser.parse_args()

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    warnings.simplefilter("ignore")
    warm_up()
    images = pictures(options.images, options.size, options.grey)
    rng: Rng = (
        np.random.Generator(np.random.Philox(key=0))
        if options.rng == "philox"
        else np.random.RandomState(0)  # the reference's own, for a like-for-like comparison of the draws
    )

    shape = " x ".join(map(str, images[0].shape))
    print(f"| corruption ({shape}) | ours, ms | reference, ms | ratio |\n|---|---:|---:|---:|")
    for name in options.only or get_corruption_names("all"):
        ours, theirs = compare(name, images, options.repeats, rng)
        print(f"| {name} | {ours:.3f} | {theirs:.3f} | {theirs / ours:.2f} |", flush=True)
    versions = ", ".join(f"{package} {version(package)}" for package in VERSIONS)
    print(
        f"\nOne core of {platform.machine()} ({platform.system()}), Python {platform.python_version()},"
        f" {versions}; draws: {options.rng}; {options.repeats} repeats of {options.images} images."
    )


if __name__ == "__main__":
    main()
