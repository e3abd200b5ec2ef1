"""Clutter: a haze of echoes that came by several ways, strongest near the probe."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import power_level
from medimeta_corruptions.clinical._fields import looks, waves
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.ultrasound._echo import ASSUMPTIONS, changed, depth, interior, levels

__all__ = ["US_CLUTTER", "us_clutter"]


@content
def us_clutter(image: Pixels, level: float, rng: Rng) -> Field:
    """Add a haze's power to the echo's: A**2 + 10**(c / 10) e**2 looks(1).

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Black pixels that are joined to the border stay.
    level : float
        c, in decibel below white.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws twelve waves, then two fields for the speckle.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The haze's amplitude is e = clip(0.75 + 0.5 waves, 0.15, 1.5) exp(-y / 0.6), with y = (row + 1/2) / H and
    waves of 0.5 to 2 periods over the shorter side.

    References
    ----------
    .. [1] A. Ostvik et al., "Myocardial function imaging in echocardiography using deep learning", IEEE
       Transactions on Medical Imaging 40 (2021), for haze among the augmentations.
    """
    size = scale(image)
    cloud = np.clip(0.75 + 0.5 * waves(rng, image.shape, 12, 0.5, 2.0), 0.15, 1.5)
    haze = cloud * np.exp(-depth(image) / 0.6)
    haze = haze * haze * looks(rng, image.shape, 1, 0.6 * size, 1.6 * size)
    power = 10.0 ** (levels(image) / 10.0) + 10.0 ** (level / 10.0) * haze
    return changed(image, power_level(power), interior(image))


US_CLUTTER = Corruption(
    name="us_clutter",
    category="optical",
    description="A haze of multipath echoes over the near field.",
    parameter="c (dB of the haze below white)",
    parameters=(-38, -32.5, -27, -21.5, -16.5),
    stochastic=True,
    function=us_clutter,
    channels="grey",
    sides=SIDES,
    modality="ultrasound",
    domain="power",
    assumptions=ASSUMPTIONS + " The probe is above the first row; haze and echo have random phases.",
    source="Ostvik et al., IEEE Transactions on Medical Imaging 40 (2021)",
)
