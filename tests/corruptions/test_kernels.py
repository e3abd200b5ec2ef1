"""The parts of corruptions whose exactness is easier to state alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medimeta_corruptions import CORRUPTIONS, SEVERITIES, corrupt
from medimeta_corruptions.core.motion_blur import _path, _weights
from medimeta_corruptions.core.zoom_blur import _axis


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
