"""DCT statistics against their definition."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medimeta_c.format.spectrum import PROFILE_BINS, SpectrumMean, luma, spectrum

sides = st.integers(1, 24)
images = st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, st.just(3))).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape)
)


def by_definition(image: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, float]:
    """DC, profile, band shares and centroid from explicit cosine sums in float64."""
    values = image / 255 if image.ndim == 2 else image @ np.array([0.299, 0.587, 0.114]) / 255
    bases = []
    for size in values.shape:
        k, n = np.arange(size)[:, None], np.arange(size)[None, :]
        basis = np.sqrt(2 / size) * np.cos(np.pi * k * (2 * n + 1) / (2 * size))
        basis[0] /= np.sqrt(2)
        bases.append(basis)
    power = (bases[0] @ values @ bases[1].T) ** 2
    dc, power[0, 0] = power[0, 0], 0
    radius = np.hypot(*np.meshgrid(*(np.arange(s) / s for s in values.shape), indexing="ij")) / np.sqrt(2)
    ac = np.ones_like(power, dtype=bool)
    ac[0, 0] = False
    profile = np.zeros(PROFILE_BINS)
    for index in range(PROFILE_BINS):
        inside = ac & (radius >= index / PROFILE_BINS) & (radius < (index + 1) / PROFILE_BINS)
        profile[index] = power[inside].mean() if inside.any() else 0
    bands = np.array([power[(radius >= b / 3) & (radius < (b + 1) / 3)].sum() for b in range(3)])
    total = power.sum()
    return dc, profile, bands / total, (power * radius).sum() / total


@pytest.mark.parametrize("shape", [(32, 32), (17, 40), (28, 28, 3), (1, 9), (2, 2)])
def test_statistics_follow_the_definition(shape: tuple[int, ...]) -> None:
    """The transform, bins, bands and centroid agree with explicit sums."""
    image = np.random.Generator(np.random.Philox(key=1)).integers(0, 256, shape, dtype=np.uint8)
    dc, profile, shares, centroid = by_definition(image)
    found = spectrum(image)
    assert found.dc == pytest.approx(dc, rel=1e-4)
    np.testing.assert_allclose(found.profile, profile, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose([found.low, found.mid, found.high], shares, atol=1e-4)
    assert found.centroid == pytest.approx(centroid, rel=1e-3)


@given(images)
def test_luma_rounds_each_step_to_single_precision(image: np.ndarray) -> None:
    """The kernel computes what NumPy computes with whole arrays, also of images it may not write to."""
    image.flags.writeable = False
    if image.ndim == 2:
        expected = image.astype(np.float32) * np.float32(1 / 255)
    else:
        red, green, blue = (np.float32(weight / 255) for weight in (0.299, 0.587, 0.114))
        expected = image[..., 0] * red + image[..., 1] * green + image[..., 2] * blue
    np.testing.assert_array_equal(luma(image), expected)
    np.testing.assert_array_equal(luma(image[::-1]), expected[::-1])


@given(images)
def test_shares_are_shares(image: np.ndarray) -> None:
    """Shares add up to one and the centroid lies in 0-1, or all are None when there is no AC energy."""
    found = spectrum(image)
    shares = [found.low, found.mid, found.high]
    if luma(image).min() == luma(image).max():
        assert [*shares, found.centroid] == [None] * 4
    else:
        assert sum(shares) == pytest.approx(1)
        assert 0 <= found.centroid <= 1
        assert np.isfinite(found.profile).all()


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (17, 40), (33, 21, 3), (120, 77)], ids=str)
@pytest.mark.parametrize("block", [1, 50, 1000])
def test_large_images_are_summed_as_small_ones(
    shape: tuple[int, ...], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks of rows, each statistic comes out as in one go, to the last bit."""
    image = np.random.Generator(np.random.Philox(key=4)).integers(0, 256, shape, dtype=np.uint8)
    whole = spectrum(image)
    monkeypatch.setattr("medimeta_c.format.spectrum._KEPT", 0)
    monkeypatch.setattr("medimeta_c.format.spectrum._BLOCK", block)
    found = spectrum(image)
    np.testing.assert_array_equal(found.profile, whole.profile)
    for name in ("dc", "low", "mid", "high", "centroid"):
        assert getattr(found, name) == getattr(whole, name)


@pytest.mark.parametrize("colour", [(1, 2, 3), (255, 255, 255), (17, 200, 33)])
def test_constant_colour_has_no_spectrum(colour: tuple[int, int, int]) -> None:
    """A flat image of any colour and an awkward size has exactly no AC energy."""
    assert spectrum(np.full((13, 29, 3), colour, dtype=np.uint8)).low is None


def test_mean_leaves_out_images_without_energy() -> None:
    """Shares average the images that have them; the profile and DC average all."""
    mean = SpectrumMean()
    flat = np.full((8, 8), 100, dtype=np.uint8)
    busy = np.random.Generator(np.random.Philox(key=2)).integers(0, 256, (8, 8), dtype=np.uint8)
    for image in (flat, busy):
        mean.add(spectrum(image))
    record = mean.record()
    assert record["images_with_ac"] == 1
    assert record["low"] == spectrum(busy).low
    np.testing.assert_allclose(record["profile"], spectrum(busy).profile / 2)
    assert SpectrumMean().record()["centroid"] is None


def test_images_of_many_sizes_take_no_more_memory_than_a_few() -> None:
    """What is kept of a size is let go when others come: images that all differ in size do not add up."""
    one = 300 * 300 * 16
    tracemalloc.start()
    for height in range(300, 312):
        spectrum(np.eye(height, 300, dtype=np.uint8))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 3 * one
