"""The twelve corruptions beside core's, byte for byte against imagecorruptions 1.1.2 itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from corruption_images import kinds, natural
from imagenet_reference import reference_pictures, repaired_reference, run_reference

from medimeta_corruptions import SEVERITIES, Pixels, corrupt, get
from medimeta_corruptions.imagenet_c import IMAGENET_C
from medimeta_corruptions.imagenet_c.frost import frost_of, read_textures

NAMES = [record.name for record in IMAGENET_C]
SIZES = [(28, 28), (37, 61), (61, 37)]
each_name = pytest.mark.parametrize("name", NAMES)
each_severity = pytest.mark.parametrize("severity", SEVERITIES)
each_depth = pytest.mark.parametrize("channels", [1, 3])


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The reference's module, repaired."""
    return repaired_reference(monkeypatch)


@cache
def pictures(module: ModuleType) -> tuple[Pixels, ...]:
    return read_textures(reference_pictures(module))


def ours(module: ModuleType, image: Pixels, name: str, severity: int, seed: int) -> Pixels:
    rng = np.random.RandomState(seed)
    if name == "frost":
        mix: Any = get("frost").parameters[severity - 1]
        return frost_of(image, mix, rng, pictures(module))
    return corrupt(image, name, severity, rng)


def compare(module: ModuleType, image: Pixels, name: str, severity: int, seed: int) -> None:
    mine = ours(module, image, name, severity, seed)
    theirs = run_reference(module, image, name, severity, seed)
    if image.ndim == 2 and name in {"frost", "spatter"}:
        # The luma of the drawing is a sum whose order and rounding the reference leaves to the BLAS library.
        difference = np.abs(mine.astype(int) - theirs)
        assert difference.max() <= 1
        assert np.count_nonzero(difference) <= max(1, difference.size / 2000)
    else:
        np.testing.assert_array_equal(mine, theirs)


@each_name
@each_severity
@each_depth
def test_same_pixels(reference: ModuleType, name: str, severity: int, channels: int) -> None:
    """Of extreme, flat, random and natural images, square, wide and tall."""
    if name == "glass_blur":
        compare(reference, natural(37, 61, channels), name, severity, 3)
        compare(reference, kinds(28, 28, channels)["random"], name, severity, 4)
        return
    for size in SIZES:
        for image in kinds(*size, channels).values():
            compare(reference, image, name, severity, 3)


@each_name
@each_depth
def test_same_pixels_at_photo_size(reference: ModuleType, name: str, channels: int) -> None:
    """Larger than most of the reference's pictures of frost, which it then enlarges."""
    size = (61, 90) if name == "glass_blur" else (401, 612)
    compare(reference, natural(*size, channels), name, 2, 5)


@each_name
@pytest.mark.parametrize("dataset", ["pbc", "pneumonia", "fundus", "oct"])
def test_same_pixels_on_medical_images(
    reference: ModuleType, sample_dir: Path, dataset: str, name: str
) -> None:
    """Real images of four modalities."""
    h5py = pytest.importorskip("h5py", reason="needs h5py to read images.hdf5")
    with h5py.File(sample_dir / dataset / "images.hdf5", "r") as file:
        image = file["images"][3]
    if name == "glass_blur":  # a loop over pixels in Python
        image = np.ascontiguousarray(image[60:120, 80:170])
    for severity in SEVERITIES:
        compare(reference, image, name, severity, severity)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (9, 1, 3), (2, 3, 3), (5, 4, 3), (1, 9), (5, 4)])
@pytest.mark.parametrize(
    "name",
    [name for name in NAMES if name not in {"spatter", "fog"}],
)
def test_same_pixels_of_tiny_images(reference: ModuleType, name: str, shape: tuple[int, ...]) -> None:
    """From one pixel on, wherever the reference has an answer."""
    image = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    for severity in SEVERITIES:
        compare(reference, image, name, severity, 1)


@each_severity
def test_saturation_of_all_kinds_of_colour(reference: ModuleType, severity: int) -> None:
    """Every combination of extremes and 14 levels between them, with all ties, and 100,000 random colours."""
    levels = np.unique(np.r_[np.linspace(0, 255, 14).astype(np.uint8), 1, 2, 127, 128, 253, 254])
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    some = np.random.default_rng(severity).integers(0, 256, (1, 100_000, 3), dtype=np.uint8)
    for colours in (grid, some):
        compare(reference, colours, "saturate", severity, 0)


@each_severity
@pytest.mark.parametrize("name", ["gaussian_blur", "defocus_blur", "elastic_transform", "snow"])
def test_flat_images_of_every_level(reference: ModuleType, name: str, severity: int) -> None:
    """On a flat image, the last bit of a sum decides between this grey level and the one below."""
    for level in range(0, 256, 3):
        compare(reference, np.full((30, 44, 3), level, np.uint8), name, severity, 1)


def test_water_that_misses_the_image_leaves_it(reference: ModuleType) -> None:
    """The reference returns black, of zero divided by zero."""
    image = natural(3, 4, 3)

    def misses(seed: int) -> bool:
        return np.array_equal(corrupt(image, "spatter", 1, np.random.RandomState(seed)), image)

    seed = next(seed for seed in range(99) if misses(seed))
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(run_reference(reference, image, "spatter", 1, seed), 0)


def test_fog_over_one_grey_pixel(reference: ModuleType) -> None:
    """The reference's map of one point has no range to scale to; ours has at least four points."""
    image = np.full((1, 1), 90, np.uint8)
    with np.errstate(invalid="ignore"):
        assert run_reference(reference, image, "fog", 1, 0)[0, 0] == 0
    assert corrupt(image, "fog", 1, np.random.RandomState(0))[0, 0] > 0


@pytest.mark.parametrize("name", ["gaussian_blur", "glass_blur"])
def test_the_reference_blurs_grey_in_one_direction(reference: ModuleType, name: str) -> None:
    """Why grey is a channel of colour here: rows of stripes stay as they are there."""
    from PIL import Image

    columns = np.tile(np.array([0, 255], np.uint8), (20, 10))
    np.random.seed(0)  # noqa: NPY002
    assert set(np.unique(np.uint8(getattr(reference, name)(Image.fromarray(columns), 1)))) >= {0, 255}
    assert np.ptp(corrupt(columns, name, 1, np.random.RandomState(0)).astype(int)) < 200
