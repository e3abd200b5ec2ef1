"""The scan that CT corruptions share: what is kept of the last image, the largest grid, tiny pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from medimeta_corruptions import Pixels, corrupt
from medimeta_corruptions.clinical.ct import CT
from medimeta_corruptions.clinical.ct._geometry import Scan, _clean, resized

NAMES = [one.name for one in CT]
SCANNED = ["ct_low_dose", "ct_metal", "ct_motion"]


def picture(seed: int, shape: tuple[int, int] = (48, 40)) -> Pixels:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]] / min(shape)
    body = 120 + 60 * np.sin(5 * rows + seed) * np.cos(4 * columns) + 5 * rng.standard_normal(shape)
    return np.uint8(np.clip(body, 1, 254))


@pytest.mark.parametrize("name", SCANNED)
def test_what_is_kept_of_another_image_does_not_matter(name: str) -> None:
    """Alone, after others, and from several threads at once, an image comes out the same."""
    alone = {}
    for seed in range(4):
        _clean.cache_clear()
        alone[seed] = corrupt(picture(seed), name, 4, np.random.default_rng(seed))
    order = [0, 1, 2, 3, 3, 0, 2, 1] * 3
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: corrupt(picture(k), name, 4, np.random.default_rng(k)), order))
    for seed, image in zip(order, found, strict=True):
        assert np.array_equal(image, alone[seed])
    assert _clean.cache_info().maxsize == 2


def test_severities_share_the_clean_projections() -> None:
    _clean.cache_clear()
    for severity in range(1, 6):
        for name in SCANNED:
            corrupt(picture(1), name, severity, np.random.default_rng(0))
    assert _clean.cache_info().misses == 1


def test_the_same_bytes_in_another_shape_are_another_image() -> None:
    image = picture(2, (40, 48))
    other = image.reshape(48, 40)
    _clean.cache_clear()
    first = corrupt(other, "ct_motion", 5, np.random.default_rng(0))
    corrupt(image, "ct_motion", 5, np.random.default_rng(0))
    _clean.cache_clear()
    assert np.array_equal(corrupt(other, "ct_motion", 5, np.random.default_rng(0)), first)


@pytest.mark.parametrize("shape", [(513, 700), (40, 2000), (2000, 2000)], ids=str)
def test_the_grid_has_at_most_512_pixels_a_side(shape: tuple[int, int]) -> None:
    scan = Scan.of(np.ones(shape, np.uint8))
    assert max(scan.height, scan.width) == 512
    assert abs(scan.height / scan.width - shape[0] / shape[1]) < 0.01 * shape[0] / shape[1] + 0.001


def test_area_means_keep_the_sum() -> None:
    values = np.random.default_rng(0).random((30, 47))
    found = resized(values, (20, 11))
    assert found.shape == (20, 11)
    assert found.mean() == pytest.approx(values.mean(), rel=1e-12)
    whole = resized(values, (10, 47))
    assert np.allclose(whole, values.reshape(10, 3, 47).mean(axis=1), atol=1e-12)


def test_a_large_picture_changes_as_its_half() -> None:
    """Above 512 pixels, the change is that of the shrunk picture, enlarged."""
    small = picture(3, (400, 512))
    large = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    found = corrupt(large, "ct_motion", 5, np.random.default_rng(1)).reshape(400, 2, 512, 2)
    change = found.astype(float).mean(axis=(1, 3)) - small
    expected = corrupt(small, "ct_motion", 5, np.random.default_rng(1)) - small.astype(float)
    assert np.corrcoef(change.ravel(), expected.ravel())[0, 1] > 0.99
    assert change.std() == pytest.approx(expected.std(), rel=0.03)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [(1, 1), (1, 30), (30, 1), (2, 3), (5, 5)], ids=str)
def test_little_inside_padding_is_no_trouble(name: str, content: tuple[int, int]) -> None:
    image = np.zeros((30, 30), np.uint8)
    image[: content[0], : content[1]] = 90
    found = corrupt(image, name, 5, np.random.default_rng(0))
    assert not found[content[0] :].any()
    assert not found[:, content[1] :].any()
