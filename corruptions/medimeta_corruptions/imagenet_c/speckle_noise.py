"""Speckle noise: noise in proportion to the value, as of coherent light or sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels, Rng, blocks
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._philox import normal
from medimeta_corruptions._spec import Corruption

__all__ = ["SPECKLE_NOISE", "speckle_noise"]


def speckle_noise(image: Pixels, sigma: float, rng: Rng) -> Pixels:
    """Add to every value independent normal noise in proportion to it.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    sigma : float
        Standard deviation of the noise, as a share of the value.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one normal number for each value, in memory order.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    A value ``v`` on the unit scale becomes ``v + v n`` with ``n`` normal, clipped. Grey: one channel of
    noise, as the reference makes of a mode "L" image.

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
        unit = image[i] / 255.0
        value = unit + unit * (sigma * noise[i])
        out[i] = np.uint8(min(max(value, 0.0), 1.0) * 255.0)


SPECKLE_NOISE = Corruption(
    name="speckle_noise",
    category="noise",
    description="Normal noise in proportion to the value, as of coherent light or sound.",
    parameter="sigma (share of the value)",
    parameters=(0.15, 0.2, 0.35, 0.45, 0.6),
    stochastic=True,
    function=speckle_noise,
)
