"""Attenuation: echoes from the depth are too weak, because the gain over depth is set wrongly.

Tissue attenuates about 0.5 dB per centimetre and megahertz, on the way there and on the way back. The scanner
makes up for it by a gain that grows with depth (TGC); what it leaves out is missing in proportion to depth.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.ultrasound._echo import (
    ASSUMPTIONS,
    DOMAIN,
    changed,
    depth,
    echoes,
    levels,
)

__all__ = ["US_ATTENUATION", "us_attenuation"]


@content
def us_attenuation(image: Pixels, loss: float, rng: Rng | None = None) -> Field:
    """Take A (row + 1/2) / H decibel from each row.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Pixels of 2 or less stay.
    loss : float
        A, in decibel at the bottom.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    References
    ----------
    .. [1] A. Ostvik et al., "Myocardial function imaging in echocardiography using deep learning", IEEE
       Transactions on Medical Imaging 40 (2021), for a loss that grows with depth.
    """
    return changed(image, levels(image) - loss * depth(image), echoes(image))


US_ATTENUATION = Corruption(
    name="us_attenuation",
    category="illumination",
    description="Echoes fade with depth, as when the gain over depth is set too low.",
    parameter="A (dB missing at the bottom)",
    parameters=(8, 14, 21, 29, 38),
    stochastic=False,
    function=us_attenuation,
    channels="grey",
    sides=SIDES,
    modality="ultrasound",
    domain=DOMAIN,
    assumptions=ASSUMPTIONS + " Depth runs from the first row to the last.",
    source="Ostvik et al., IEEE Transactions on Medical Imaging 40 (2021), in decibel",
)
