"""Rician noise: the magnitude of a signal with noise in both of its parts is never 0, even without signal."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._draws import normal
from medimeta_corruptions.clinical._frame import SIDES, Field, content

__all__ = ["MR_RICIAN_NOISE", "mr_rician_noise"]


@content
def mr_rician_noise(image: Pixels, sigma: float, rng: Rng) -> Field:
    """Add noise to both parts of the signal and take the magnitude.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    sigma : float
        Standard deviation of the noise in each part, on the unit scale.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws a number a pixel for the real part, then one a pixel for the imaginary part, row by row.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    sqrt((g + sigma z)**2 + (sigma z')**2), with z and z' normal.

    References
    ----------
    .. [1] H. Gudbjartsson and S. Patz, Magn. Reson. Med. 34, 1995.
    """
    real = grey(image) + sigma * normal(rng, image.shape)
    return np.hypot(real, sigma * normal(rng, image.shape))


MR_RICIAN_NOISE = Corruption(
    name="mr_rician_noise",
    category="noise",
    description="Noise of a weak signal, which lightens the background.",
    parameter="standard deviation in each part of the signal (unit scale)",
    parameters=(0.015, 0.03, 0.055, 0.09, 0.14),
    stochastic=True,
    function=mr_rician_noise,
    channels="grey",
    sides=SIDES,
    modality="MR",
    domain="real and imaginary part of the signal",
    assumptions="grey levels are proportional to the magnitude of the signal, of phase 0",
    source="Gudbjartsson & Patz 1995",
)
