"""Shot noise: the number of photons that a pixel counts, few in short or low-dose exposures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import UNIT, Pixels, Rng, blocks
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption

__all__ = ["SHOT_NOISE", "shot_noise"]


def shot_noise(image: Pixels, photons: float, rng: Rng) -> Pixels:
    """Replace every value by a Poisson count with that expectation.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    photons : float
        Expected count of a white value.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one Poisson number for each value, in memory order.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    A value ``v`` on the unit scale becomes ``min(Poisson(c v) / c, 1)``. Grey: one channel of counts, as the
    reference makes of a mode "L" image.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    out = np.empty_like(image)
    expected = UNIT * photons
    for values, noisy in blocks(image, out):
        # Which type counts have depends on the system, and one unit on the scale is exact in any.
        counts = np.asarray(rng.poisson(np.take(expected, values)), dtype=np.float64)
        _scale(counts, float(photons), noisy)
    return out


@kernel("(float64[::1], float64, uint8[::1])")
def _scale(counts: NDArray[np.float64], photons: float, out: Pixels) -> None:
    for i in range(counts.size):
        out[i] = np.uint8(min(counts[i] / photons, 1.0) * 255.0)


SHOT_NOISE = Corruption(
    name="shot_noise",
    category="noise",
    description="Every value replaced by a photon count, as of a short or low-dose exposure.",
    parameter="photons (expected count of a white value)",
    parameters=(60, 25, 12, 5, 3),
    stochastic=True,
    function=shot_noise,
)
