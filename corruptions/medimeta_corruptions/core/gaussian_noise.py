"""Gaussian noise: the sensor's read-out noise, stronger in short or low-dose exposures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels, Rng, blocks
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._philox import normal
from medimeta_corruptions._spec import Corruption

__all__ = ["GAUSSIAN_NOISE", "gaussian_noise"]


def gaussian_noise(image: Pixels, sigma: float, rng: Rng) -> Pixels:
    """Add independent normal noise to every value.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    sigma : float
        Standard deviation of the noise, as a share of the pixel range.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one normal number for each value, in memory order.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    out = np.empty_like(image)
    for values, noisy in blocks(image, out):
        _add(values, normal(rng, values.size), sigma, noisy)
    return out


@kernel("(uint8[::1], float64[::1], float64, uint8[::1])")
def _add(image: Pixels, noise: NDArray[np.float64], sigma: float, out: Pixels) -> None:
    for i in range(image.size):
        value = image[i] / 255.0 + sigma * noise[i]
        out[i] = np.uint8(min(max(value, 0.0), 1.0) * 255.0)


GAUSSIAN_NOISE = Corruption(
    name="gaussian_noise",
    category="noise",
    description="Normal noise added to every value, as of a sensor's read-out.",
    parameter="sigma (share of the pixel range)",
    parameters=(0.08, 0.12, 0.18, 0.26, 0.38),
    stochastic=True,
    function=gaussian_noise,
    colour="#D55E00",
    dash=(),
    marker="o",
    domain="sRGB values",
    source="Hendrycks and Dietterich, ICLR 2019",
)
