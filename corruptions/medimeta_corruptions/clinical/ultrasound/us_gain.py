"""Gain: the receiver's gain is too high, and strong echoes saturate to white."""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.ultrasound._echo import ASSUMPTIONS, DOMAIN, changed, echoes, levels

__all__ = ["US_GAIN", "us_gain"]


@content
def us_gain(image: Pixels, gain: float, rng: Rng | None = None) -> Field:
    """Add A decibel to every echo; what passes white is white.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Pixels of 2 or less stay.
    gain : float
        A, in decibel.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    References
    ----------
    .. [1] A. Hindi et al., "Artifacts in diagnostic ultrasound", Reports in Medical Imaging 6 (2013) 29-48.
    """
    return changed(image, levels(image) + gain, echoes(image))


US_GAIN = Corruption(
    name="us_gain",
    category="illumination",
    description="Gain too high: all echoes brighter, the strong ones white.",
    parameter="A (dB of gain too much)",
    parameters=(4, 7, 10.5, 14.5, 19),
    stochastic=False,
    function=us_gain,
    channels="grey",
    sides=SIDES,
    modality="ultrasound",
    domain=DOMAIN,
    assumptions=ASSUMPTIONS,
    source="Hindi et al., Reports in Medical Imaging 6 (2013)",
)
