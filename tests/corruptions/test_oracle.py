"""Byte for byte against imagecorruptions 1.1.2 itself, wherever that works."""

from __future__ import annotations

import functools
import importlib
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from corruption_images import kinds, natural
from PIL import Image

from medimeta_c.format.suite import CORE
from medimeta_corruptions import CORRUPTIONS, SEVERITIES, Pixels, corrupt

Reference = Callable[[Pixels, str, int, int], Pixels]
SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (4, 5), (28, 28), (33, 97), (130, 45), (36, 71)]
"""In the last one, rounding takes SciPy's zoom past the crop's edge, where it reads zeros."""


@pytest.fixture(scope="module")
def module() -> ModuleType:
    """The reference's module, imported without the warnings of its age."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("imagecorruptions.corruptions")
        except ImportError as error:
            pytest.skip(
                "needs imagecorruptions==1.1.2 (pip install --no-deps), scikit-image"
                f" and 'setuptools<81': {error}"
            )


@pytest.fixture
def reference(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Reference:
    """``reference(image, name, severity, seed)``: what imagecorruptions makes of it.

    With three interventions, each where the reference has no one answer:
    impulse noise draws from ``default_rng(seed)``, since scikit-image's own generator has no seed;
    motion blur on grey is a channel of motion blur on colour, since on grey it raises IndexError;
    its exponential is correctly rounded, since NumPy's depends on version and processor.
    """
    random_noise = module.sk.util.random_noise

    def bell(x: np.ndarray, mean: float, sigma: float) -> np.ndarray:
        exponential = np.array([math.exp(exponent) for exponent in -(x**2) / (2 * sigma**2)])
        return exponential / (np.sqrt(2 * np.pi) * sigma)

    def run(image: Pixels, name: str, severity: int, seed: int) -> Pixels:
        seeded = functools.partial(random_noise, rng=np.random.default_rng(seed))
        monkeypatch.setattr(module.sk.util, "random_noise", seeded)
        monkeypatch.setattr(module, "gauss_function", bell)
        return plain(module, image, name, severity, seed)

    return run


def plain(module: ModuleType, image: Pixels, name: str, severity: int, seed: int) -> Pixels:
    np.random.seed(seed)  # noqa: NPY002 - the reference draws from the global generator
    if name == "motion_blur" and image.ndim == 2:
        colour = Image.fromarray(np.stack([image] * 3, axis=-1))
        return np.uint8(module.motion_blur(colour, severity))[..., 0]
    return np.uint8(getattr(module, name)(Image.fromarray(image), severity))


def ours(image: Pixels, name: str, severity: int, seed: int) -> Pixels:
    if name == "impulse_noise":
        return corrupt(image, name, severity, np.random.default_rng(seed))
    return corrupt(image, name, severity, np.random.RandomState(seed))


def reference_works(name: str, severity: int, size: tuple[int, int]) -> bool:
    return name != "pixelate" or min(size) * CORRUPTIONS[name].parameters[severity - 1] >= 1


@pytest.mark.parametrize("name", CORE.corruptions)
@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_same_bytes(reference: Reference, name: str, severity: int, channels: int) -> None:
    """Of every kind of image and at every size, from one pixel to wide and tall ones."""
    for size in SIZES:
        if not reference_works(name, severity, size):
            continue
        for kind, image in kinds(*size, channels).items():
            np.testing.assert_array_equal(
                ours(image, name, severity, 3),
                reference(image, name, severity, 3),
                err_msg=f"{kind} image of {size}",
            )


@pytest.mark.parametrize("name", CORE.corruptions)
def test_same_bytes_at_photo_size(reference: Reference, name: str) -> None:
    """Sums over many pixels are taken in the reference's order."""
    for channels in (1, 3):
        image = natural(341, 512, channels)
        np.testing.assert_array_equal(ours(image, name, 4, 5), reference(image, name, 4, 5))


@pytest.mark.parametrize("dataset", ["pbc", "pneumonia", "fundus", "oct"])
@pytest.mark.parametrize("name", CORE.corruptions)
def test_same_bytes_on_medical_images(
    reference: Reference, sample_dir: Path, dataset: str, name: str
) -> None:
    """Real images of four modalities, with their flat borders and burnt-in markers."""
    h5py = pytest.importorskip("h5py", reason="needs h5py to read images.hdf5")
    path = sample_dir / dataset / "images.hdf5"
    if not path.is_file():
        pytest.skip(f"needs real images in MedIMeta's format at {path}")
    with h5py.File(path, "r") as file:
        image = file["images"][0]
    for severity in SEVERITIES:
        np.testing.assert_array_equal(
            ours(image, name, severity, severity),
            reference(image, name, severity, severity),
            err_msg=f"severity {severity}",
        )


@pytest.mark.parametrize("severity", SEVERITIES)
def test_brightness_of_all_kinds_of_colour(reference: Reference, severity: int) -> None:
    """Every combination of extremes and 22 levels between them, with all ties, and 100,000 random colours."""
    levels = np.unique(np.r_[np.linspace(0, 255, 22).astype(np.uint8), 1, 2, 126, 127, 128, 129, 253, 254])
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    some = np.random.default_rng(severity).integers(0, 256, (1, 100_000, 3), dtype=np.uint8)
    for colours in (grid, some):
        np.testing.assert_array_equal(
            corrupt(colours, "brightness", severity),
            reference(colours, "brightness", severity, 0),
        )


@pytest.mark.parametrize("name", ["contrast", "motion_blur", "zoom_blur"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_flat_images_of_every_level(reference: Reference, name: str, severity: int) -> None:
    """On a flat image, the last bit of a sum decides between this grey level and the one below."""
    for level in range(256):
        image = np.full((3, 44), level, np.uint8)
        np.testing.assert_array_equal(
            ours(image, name, severity, 1),
            reference(image, name, severity, 1),
            err_msg=f"level {level}",
        )


@pytest.mark.parametrize("severity", SEVERITIES)
def test_motion_blur_with_this_machines_exponential(module: ModuleType, severity: int) -> None:
    """The unmodified reference is within one grey level, and equal if NumPy's exp rounds correctly."""
    radius, sigma = CORRUPTIONS["motion_blur"].parameters[severity - 1]
    exponents = -(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2)
    exact = np.array_equal(np.exp(exponents), [math.exp(exponent) for exponent in exponents])
    for image in kinds(64, 90, 3).values():
        expected = plain(module, image, "motion_blur", severity, 2).astype(int)
        difference = np.abs(ours(image, "motion_blur", severity, 2) - expected)
        assert difference.max() <= (0 if exact else 1)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("shape", [(20, 31), (20, 31, 3)])
def test_impulse_noise_as_scikit_image_makes_it(severity: int, shape: tuple[int, ...]) -> None:
    """With one generator, the same values become salt and the same become pepper."""
    util = pytest.importorskip("skimage.util", reason="needs scikit-image, the reference's own dependency")
    image = np.random.default_rng(9).integers(0, 256, shape, dtype=np.uint8)
    amount = CORRUPTIONS["impulse_noise"].parameters[severity - 1]
    noisy = util.random_noise(image / 255.0, mode="s&p", amount=amount, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(
        corrupt(image, "impulse_noise", severity, np.random.default_rng(4)),
        (np.clip(noisy, 0, 1) * 255).astype(np.uint8),
    )


@pytest.mark.parametrize("severity", SEVERITIES)
def test_where_the_reference_raises(module: ModuleType, severity: int) -> None:
    """The two cases in which we go beyond the reference are still errors there."""
    with pytest.raises(IndexError):
        module.motion_blur(Image.fromarray(natural(40, 40, 1)), severity)
    with pytest.raises(ValueError, match="must be > 0"):
        module.pixelate(Image.fromarray(natural(1, 40, 1)), severity)
