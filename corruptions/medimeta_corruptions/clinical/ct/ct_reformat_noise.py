"""Noise of a low dose as coronal and sagittal reformats show it: each slice has its own."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._draws import normal
from medimeta_corruptions.clinical._filters import gaussian
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.ct._window import ASSUMED, changed

__all__ = ["CT_REFORMAT_NOISE", "ct_reformat_noise"]

_SPREAD = 0.8
"""Standard deviation, in pixels at 224, of the blur that correlates noise within a slice."""


@content
def ct_reformat_noise(image: Pixels, sigma: float, rng: Rng) -> Field:
    """Add noise that is correlated down the columns and independent from one column to the next.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; each column is from a slice of its own. Not modified.
    sigma : float
        Standard deviation of the noise, in Hounsfield units.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws a number for each pixel, row by row.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    Normal numbers, blurred along each column, which is closed to a ring, by a Gaussian of 0.8 pixels at 224,
    and divided by the root of the sum of its squared weights: the variance is 1 again.

    References
    ----------
    .. [1] A. C. Kak and M. Slaney, Principles of Computerized Tomographic Imaging, 1988, chapter 5.
    """
    spread = (_SPREAD * scale(image), 0.0)
    impulse = np.zeros((image.shape[0], 1))
    impulse[0] = 1.0
    weights = gaussian(impulse, spread, mode="wrap")
    noise = gaussian(normal(rng, image.shape), spread, mode="wrap")
    return changed(image, noise * (sigma / math.sqrt(float((weights * weights).sum()))))


CT_REFORMAT_NOISE = Corruption(
    name="ct_reformat_noise",
    category="noise",
    description="Noise of a low dose in a picture cut across the slices.",
    parameter="standard deviation (HU)",
    parameters=(7.0, 12.0, 19.0, 29.0, 43.0),
    stochastic=True,
    function=ct_reformat_noise,
    channels="grey",
    sides=SIDES,
    modality="CT",
    domain="Hounsfield units",
    assumptions=f"{ASSUMED}; the table moves along the rows: each column is from another slice",
    source="Kak & Slaney 1988, chapter 5",
)
