"""The compiled helpers of the clinical suite against what they replace."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, gaussian_filter

from medimeta_corruptions.clinical import _domains as domains
from medimeta_corruptions.clinical import _filters as filters
from medimeta_corruptions.clinical._frame import snap

SHAPES = [(1, 1), (1, 7, 3), (9, 2), (37, 61, 3), (64, 50)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("mode", ["reflect", "wrap", "constant"])
@pytest.mark.parametrize("sigma", [0.3, 6.0, 33.0, (0.6, 1.4), (0.0, 2.5)], ids=str)
def test_gaussian_is_that_of_scipy(shape: tuple[int, ...], mode: str, sigma: float) -> None:
    values = np.random.default_rng(0).random(shape)
    pair = sigma if isinstance(sigma, tuple) else (sigma, sigma)
    expected = gaussian_filter(values, (*pair, 0.0)[: len(shape)], mode=mode, truncate=4.0)
    # The order of the sums is the same; a compiler may have fused SciPy's products and sums.
    np.testing.assert_allclose(filters.gaussian(values, sigma, mode), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_field_of_view_has_its_holes_filled(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    for bright in (0.3, 0.6, 0.9):
        image = np.uint8(16 * (rng.random(shape) < bright) + rng.integers(0, 16, shape))
        lit = (image if image.ndim == 2 else image.max(axis=2)) > 15
        assert np.array_equal(filters.field_of_view(image), binary_fill_holes(lit))


def test_displayed_is_encoded_and_snapped() -> None:
    """Also for every byte, halfway between bytes and beyond the range."""
    halves = np.arange(-1, 512) / 510.0
    light = np.concatenate(
        [
            np.random.default_rng(2).random(200_000),
            np.where(halves <= 0.04045, halves / 12.92, ((np.abs(halves) + 0.055) / 1.055) ** 2.4),
            [-0.1, 0.0, 1.0, 1.1],
        ]
    )
    assert np.array_equal(domains.displayed(light), snap(domains.encode(light)))
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(domains.displayed(domains.linear(every)), every)


def test_disc_keeps_constants_and_the_sum() -> None:
    flat = np.full((31, 45), 0.3)
    np.testing.assert_allclose(filters.disc(flat, 2.7), flat, rtol=1e-12)
    inside = np.hypot(*np.mgrid[-15:16, -22:23]) < 12
    np.testing.assert_allclose(filters.disc(flat, 2.7, inside), flat, rtol=1e-12)
    dot = np.zeros((41, 41))
    dot[20, 20] = 1.0
    found = filters.disc(dot, 5.0)
    assert abs(found.sum() - 1.0) < 1e-3  # what ripples leave the picture
    assert abs(found[20, 17] - 1 / (25 * np.pi)) < 0.15 / (25 * np.pi)  # flat inside, but for ripples


def test_relit_is_displayed_in_one_pass() -> None:
    rng = np.random.default_rng(3)
    for shape in ((20, 31), (20, 31, 3)):
        image = rng.integers(0, 256, shape, dtype=np.uint8)
        gain, added = rng.random((20, 31)), rng.random((20, 31)) - 0.3
        colour = (0.4, 0.5, 1.0)[: 1 if len(shape) == 2 else 3]
        planes = (gain, added) if len(shape) == 2 else (gain[..., None], added[..., None])
        light = domains.linear(image) * planes[0] + planes[1] * np.array(colour)
        assert np.array_equal(domains.relit(image, gain, added, colour), domains.displayed(light))
        assert np.array_equal(domains.relit(image), image)
