"""Compare the time to read images from gzip chunks of HDF5 with that of contiguous storage, in one run.

Every image of a set is read in order, as a build does, several times: a build reads each image once per set. Prints
for each layout the time per image, its ratio to contiguous, and how much the process's peak memory grew.

    python scripts/bench/hdf5.py [--images 200] [--sets 36]
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from medimeta_c.sources.medimeta_images import Hdf5Images


def pixels(images: int) -> np.ndarray:
    """Smooth images with some noise: gzip takes them to about half."""
    draw = np.random.Generator(np.random.Philox(key=1))
    ramp = np.add.outer(np.arange(224), np.arange(224)) // 3
    noise = draw.integers(0, 12, (images, 224, 224, 3))
    return (ramp[None, :, :, None] + noise).astype(np.uint8)


def measure(path: Path, sets: int, answers: Any) -> None:
    """Read all images `sets` times; put seconds an image, peak MB beyond the start, and a digest."""
    images = Hdf5Images(path)
    before = peak_mb()
    state, start = hashlib.sha256(), time.perf_counter()
    for each in range(sets):
        for row in range(images.rows):
            image = images.image(row)
            if each == 0:
                state.update(image.tobytes())
    seconds = (time.perf_counter() - start) / sets / images.rows
    answers.put((seconds, peak_mb() - before, state.hexdigest()))


def peak_mb() -> float:
    """Return the peak memory of this process (Linux), in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--sets", type=int, default=36)
    given = parser.parse_args()
    shape = (given.images, 224, 224, 3)
    layouts: dict[str, dict[str, Any]] = {
        "contiguous": {},
        "one gzip chunk": {"chunks": shape, "compression": "gzip"},
        "gzip chunks of 32": {"chunks": (32, 224, 224, 3), "compression": "gzip"},
        "gzip, h5py's chunks": {"chunks": True, "compression": "gzip"},
        "gzip, an image each": {"chunks": (1, 224, 224, 3), "compression": "gzip"},
    }
    data, spawn = pixels(given.images), multiprocessing.get_context("spawn")
    found: dict[str, tuple[float, float, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in layouts.items():
            path = Path(folder) / "images.hdf5"
            with h5py.File(path, "w") as file:
                file.create_dataset("images", data=data, **options)
            answers = spawn.Queue()
            process = spawn.Process(target=measure, args=(path, given.sets, answers))
            process.start()
            found[name] = answers.get()
            process.join()
            path.unlink()
    base = found["contiguous"]
    print(f"{given.images} images of 224x224x3, read {given.sets} times; {data.nbytes >> 20} MB")
    for name, (seconds, peak, digest) in found.items():
        assert digest == base[2], f"{name} has other pixels"
        print(f"{name:<22} {seconds * 1e6:8.0f} us/image  {seconds / base[0]:6.2f} x  peak +{peak:.0f} MB")


if __name__ == "__main__":
    main()
