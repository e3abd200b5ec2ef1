"""Reverberation: the near field again and again, deeper each time.

Sound that bounces between the probe and a strong reflector comes back late, and is drawn too deep. Each
bounce loses the same number of decibel.
"""

from __future__ import annotations

import math

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import power_level
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.ultrasound._echo import (
    ASSUMPTIONS,
    changed,
    interior,
    levels,
)

__all__ = ["US_REVERBERATION", "us_reverberation"]

_BOUNCES = 6


@content
def us_reverberation(image: Pixels, ratio: float, rng: Rng) -> Field:
    """Add copies of the first D rows, k D rows lower: amplitude A + 3 sum_k rho**k A(first D rows).

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Black pixels that are joined to the border stay.
    ratio : float
        20 log10 of rho, in decibel: of one bounce to the one before.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number u: D = (0.09 + 0.06 u) H, rounded half up, at least 1.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    k is 1 to 6, and amplitudes add in phase.

    References
    ----------
    .. [1] A. Hindi et al., "Artifacts in diagnostic ultrasound", Reports in Medical Imaging 6 (2013) 29-48.
    """
    height = image.shape[0]
    spacing = max(1, math.floor((0.09 + 0.06 * float(rng.random())) * height + 0.5))
    amplitude = 10.0 ** (levels(image) / 20.0)
    near = amplitude[:spacing].copy()
    for bounce in range(1, _BOUNCES + 1):
        deeper = amplitude[bounce * spacing : (bounce + 1) * spacing]
        deeper += 3.0 * 10.0 ** (bounce * ratio / 20.0) * near[: deeper.shape[0]]
    return changed(image, power_level(amplitude * amplitude), interior(image))


US_REVERBERATION = Corruption(
    name="us_reverberation",
    category="reconstruction",
    description="Echoes of the near field repeated at equal distances in depth.",
    parameter="rho (dB of one bounce to the one before)",
    parameters=(-30, -24, -19, -14.5, -10),
    stochastic=True,
    function=us_reverberation,
    channels="grey",
    sides=SIDES,
    modality="ultrasound",
    domain="amplitude",
    assumptions=ASSUMPTIONS + " The probe is above the first row.",
    source="Hindi et al., Reports in Medical Imaging 6 (2013)",
)
