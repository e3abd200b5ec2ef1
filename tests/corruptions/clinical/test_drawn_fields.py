"""Random numbers and speckle against other implementations of their definitions."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from medimeta_corruptions.clinical._draws import normal_of
from medimeta_corruptions.clinical._fields import looks


def test_normal_numbers_are_the_quantiles_of_uniform_ones() -> None:
    """In the middle, in both tails, and in what is too small for any logarithm."""
    rng = np.random.default_rng(0)
    uniform = np.concatenate(
        [rng.random(20000), 2.0 ** -np.arange(1, 71), 1 - 2.0 ** -np.arange(1, 54), [0.0]]
    )
    bounded = np.maximum(uniform, 2.0**-54)
    found = normal_of(uniform)
    np.testing.assert_allclose(found, ndtri(bounded), rtol=4e-15, atol=1e-15)
    np.testing.assert_allclose(found, [NormalDist().inv_cdf(float(u)) for u in bounded], rtol=1e-15)
    assert np.array_equal(normal_of(uniform[::-1].reshape(-1, 3)).ravel(), found[::-1])


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (61, 37)], ids=str)
@pytest.mark.parametrize("sigma", [(0.01, 0.02), (0.6, 1.4), (3.0, 5.0)], ids=str)
def test_speckle_is_the_mean_power_of_filtered_normal_fields(
    shape: tuple[int, int], sigma: tuple[float, float]
) -> None:
    rng = np.random.default_rng(5)
    impulse = np.zeros(shape)
    impulse[0, 0] = 1.0
    spread = np.sqrt((gaussian_filter(impulse, sigma, mode="wrap", truncate=4.0) ** 2).sum())
    fields = [
        gaussian_filter(ndtri(rng.random(shape)), sigma, mode="wrap", truncate=4.0) / spread for _ in range(6)
    ]
    found = looks(np.random.default_rng(5), shape, 3, *sigma)
    np.testing.assert_allclose(found, np.mean(np.square(fields), axis=0), rtol=1e-12)
