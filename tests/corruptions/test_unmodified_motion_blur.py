"""Motion blur against the reference with nothing replaced, in a process where NumPy's exp rounds correctly.

NumPy's AVX-512 exponential is off by a last bit for some of the blur's weights; its other one is not. NumPy
can be told to leave AVX-512 alone when it starts, so the reference runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from corruption_images import kinds

from medimeta_corruptions import SEVERITIES, Pixels, corrupt

REFERENCE = """
import math, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
from PIL import Image
from imagecorruptions import corruptions as reference
exponents = [-(x**2) / (2 * s**2) for s in (3, 5, 8, 12, 15) for x in range(41)]
images = np.load(sys.argv[1])
blurred = {"exact": np.array(list(np.exp(np.array(exponents))) == [math.exp(one) for one in exponents])}
for name, image in images.items():
    for severity in range(1, 6):
        np.random.seed(severity)
        blurred[f"{name}/{severity}"] = np.uint8(reference.motion_blur(Image.fromarray(image), severity))
np.savez(sys.argv[2], **blurred)
"""


def without_avx512() -> dict[str, str]:
    """The environment in which NumPy uses none of the AVX-512 kernels it could use here."""
    try:
        from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
    except ImportError:  # NumPy 1
        from numpy.core._multiarray_umath import __cpu_dispatch__, __cpu_features__
    names = [
        one for one in __cpu_dispatch__ if one.startswith(("AVX512", "X86_V4")) and __cpu_features__.get(one)
    ]
    return {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(names)}


def compare(images: dict[str, Pixels], tmp_path: Path) -> None:
    pytest.importorskip("imagecorruptions", reason="needs imagecorruptions==1.1.2 (pip install --no-deps)")
    np.savez(tmp_path / "images.npz", **images)
    paths = [str(tmp_path / "images.npz"), str(tmp_path / "blurred.npz")]
    subprocess.run([sys.executable, "-c", REFERENCE, *paths], env=without_avx512(), check=True)
    with np.load(paths[1]) as blurred:
        if not blurred["exact"]:
            pytest.skip("needs a C library whose exp rounds correctly")
        for name, image in images.items():
            for severity in SEVERITIES:
                mine = corrupt(image, "motion_blur", severity, np.random.RandomState(severity))
                np.testing.assert_array_equal(
                    mine, blurred[f"{name}/{severity}"], err_msg=f"{name}, {severity}"
                )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_synthetic_images(tmp_path: Path) -> None:
    """Flat, extreme, random and natural-looking images at two sizes: equal, byte for byte."""
    sizes = {"small": (64, 90), "large": (224, 224)}
    compare(
        {
            f"{size}-{kind}": image
            for size, shape in sizes.items()
            for kind, image in kinds(*shape, 3).items()
        },
        tmp_path,
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_medical_images(sample_dir: Path, tmp_path: Path) -> None:
    """Real images; grey ones copied to three channels, of which ours is any one."""
    import h5py

    images = {}
    for dataset in ("pbc", "fundus", "oct", "pneumonia"):
        with h5py.File(sample_dir / dataset / "images.hdf5") as file:
            for row in (0, 7, 19):
                image = file["images"][row]
                images[f"{dataset}-{row}"] = image if image.ndim == 3 else np.stack([image] * 3, axis=-1)
    compare(images, tmp_path)
