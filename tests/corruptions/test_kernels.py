"""The parts of corruptions whose exactness is easier to state alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medimeta_corruptions import CORRUPTIONS, SEVERITIES, corrupt
from medimeta_corruptions.core.motion_blur import _path, _weights
from medimeta_corruptions.core.zoom_blur import _axis, zoom_blur


@pytest.mark.parametrize("severity", SEVERITIES)
def test_enlarged_crop_always_covers_the_image(severity: int) -> None:
    """The reference's way out for crops that come out too small is never needed, so we have none."""
    for factor in np.arange(1, *CORRUPTIONS["zoom_blur"].parameters[severity - 1]):
        for size in range(1, 3000):
            assert round(math.ceil(size / factor) * factor) >= size


@pytest.mark.parametrize("size", [1, 2, 3, 28, 224, 683])
def test_zoom_taps_stay_inside_the_image(size: int) -> None:
    """Every tap is a pixel, and its weights are shares of one or, beyond the crop's edge, nothing."""
    for factor in np.arange(1, 1.31, 0.01):
        index, weight = _axis(size, float(factor))
        assert index.min() >= 0
        assert index.max() < size
        assert (weight >= 0).all()
        assert set(weight.sum(axis=0)) <= {0.0, 1.0}


@pytest.mark.parametrize("size", [(1, 6), (36, 71), (28, 28), (90, 139)])
def test_zoom_taps_are_scipys_to_the_last_bit(size: tuple[int, int]) -> None:
    """In double precision, before any rounding could hide it, the mixture is scipy.ndimage.zoom's."""
    ndimage = pytest.importorskip("scipy.ndimage", reason="needs SciPy to compare with")
    image = np.random.default_rng(0).random(size)
    for factor in np.arange(1, 1.31, 0.01)[1:]:
        (top, bottom), (above, below) = _axis(size[0], float(factor))
        (left, right), (v, w) = _axis(size[1], float(factor))
        upper, lower = image[top] * above[:, np.newaxis], image[bottom] * below[:, np.newaxis]
        mixed = upper[:, left] * v + upper[:, right] * w + lower[:, left] * v + lower[:, right] * w

        crop = [math.ceil(n / factor) for n in size]
        first = [(n - c) // 2 for n, c in zip(size, crop, strict=True)]
        cropped = image[first[0] : first[0] + crop[0], first[1] : first[1] + crop[1]]
        zoomed = ndimage.zoom(cropped, factor, order=1)[: size[0], : size[1]]
        np.testing.assert_array_equal(mixed, zoomed)


def zoomed_in_full_precision(image: np.ndarray, stop: float, step: float) -> np.ndarray:
    """Zoom blur in the reference's precision: products in double, sums of crops in single."""
    channels = image.reshape(*image.shape[:2], -1)
    unit = (channels / 255.0).astype(np.float32)
    total = unit.copy()
    factors = np.arange(1, stop, step)
    for factor in factors[1:]:
        (top, bottom), (above, below) = _axis(image.shape[0], float(factor))
        (left, right), (v, w) = _axis(image.shape[1], float(factor))
        upper, lower = unit[top] * above[:, None, None], unit[bottom] * below[:, None, None]
        v, w = v[:, None], w[:, None]
        mixed = upper[:, left] * v + upper[:, right] * w + lower[:, left] * v + lower[:, right] * w
        total += mixed.astype(np.float32)
    mean = (unit + total) / np.float32(len(factors) + 1)
    blurred: np.ndarray = (np.clip(mean, 0, 1) * np.float32(255)).astype(np.uint8)
    return blurred.reshape(image.shape)


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    """Noise, a flat picture, or one of a few levels, which has flat parts and edges."""
    shape = (draw(st.integers(1, 60)), draw(st.integers(1, 60)), *draw(st.sampled_from([(), (3,)])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = rng.integers(0, 256, draw(st.sampled_from([1, 2, 4, 256])), dtype=np.uint8)
    picture: np.ndarray = levels[rng.integers(0, len(levels), shape)]
    return np.sort(picture, axis=1) if draw(st.booleans()) else picture


@settings(max_examples=150, deadline=None)
@given(pictures(), st.sampled_from(CORRUPTIONS["zoom_blur"].parameters))
@example(np.full((224, 224), 255, np.uint8), (1.16, 0.01))
@example(np.zeros((224, 100, 3), np.uint8), (1.31, 0.03))
@example(np.full((31, 224, 3), (1, 128, 254), np.uint8), (1.11, 0.01))
def test_zoom_blur_is_exact_where_single_precision_is_not(
    image: np.ndarray, factors: tuple[float, float]
) -> None:
    """Values near a whole number, of which flat pictures have no others, are those of full precision too."""
    np.testing.assert_array_equal(zoom_blur(image, factors), zoomed_in_full_precision(image, *factors))


@pytest.mark.parametrize(("radius", "sigma"), CORRUPTIONS["motion_blur"].parameters)
def test_motion_weights_are_half_a_normalised_bell(radius: int, sigma: float) -> None:
    """Weights fall from the first on as a Gaussian does, and add up to one."""
    weights = _weights(2 * radius + 1, sigma)
    ratio = [math.exp(-(i * i) / (2 * sigma * sigma)) for i in range(2 * radius + 1)]
    np.testing.assert_allclose(weights / weights[0], ratio, rtol=1e-14)
    assert weights.sum() == pytest.approx(1.0, abs=1e-15)


def test_motion_weights_do_not_depend_on_numpys_exp() -> None:
    """The exponential is correctly rounded, so that pixels do not depend on a machine's vector unit."""
    assert [w.hex() for w in _weights(31, 12)[[0, 15, 30]]] == [
        "0x1.0a6ba687d1e5dp-4",
        "0x1.e7e7a05b3e479p-6",
        "0x1.769518b39ac5ap-9",
    ]


@pytest.mark.parametrize("angle", [-45.0, -10.0, 0.0, 33.3, 45.0])
def test_motion_path_stops_at_the_border(angle: float) -> None:
    """No copy is shifted by the image's whole height or width, and the first is the image itself."""
    down, right = _path(41, angle, height=7, width=19)
    assert (down[0], right[0]) == (0, 0)
    assert max(map(abs, down)) < 7
    assert max(right) < 19
    assert right == sorted(right)


def test_brightening_grey_pixels_keeps_them_grey() -> None:
    """A colour without hue has none afterwards."""
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    for severity in SEVERITIES:
        out = corrupt(grey, "brightness", severity)
        assert (out == out[..., :1]).all()


@pytest.mark.parametrize(
    ("side", "severity", "blocks"), [(1, 1, 1), (2, 5, 1), (3, 5, 1), (4, 5, 1), (10, 1, 6)]
)
def test_pixelate_leaves_at_least_one_pixel(side: int, severity: int, blocks: int) -> None:
    """A side shorter than a block becomes one block, where the reference raises ValueError."""
    image = np.arange(side * side, dtype=np.uint8).reshape(side, side) * 2
    assert len(np.unique(corrupt(image, "pixelate", severity))) == blocks**2
