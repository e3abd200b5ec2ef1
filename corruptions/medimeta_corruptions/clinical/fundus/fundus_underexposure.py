"""Underexposure of the fundus: too little flash, so few electrons and their noise.

The sensor is linear, with shot noise and read-out noise (EMVA Standard 1288). The black around the field of
view is drawn by the camera's software and has no noise.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._draws import normal, poisson
from medimeta_corruptions.clinical._filters import field_of_view
from medimeta_corruptions.clinical._frame import SIDES, content
from medimeta_corruptions.clinical.fundus._view import ASSUMED, in_view

__all__ = ["FUNDUS_UNDEREXPOSURE", "fundus_underexposure"]

_READ_NOISE = 3.0


@content
def fundus_underexposure(image: Pixels, parameter: tuple[float, float], rng: Rng) -> Pixels:
    """Darken the field of view, and count its electrons.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        Not modified.
    parameter : tuple of (float, float)
        Share of the light that is left, k, and electrons of a white pixel at full light, N.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws a number for the electrons of each value, in memory order, then one for the read-out of each.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y' = (Poisson(k y N) + 3 z) / N in linear light y, with z standard normal: mean k y, variance
    (k y N + 9) / N**2, each channel by itself.
    """
    left, full = parameter
    electrons = poisson(rng, linear(image) * (left * full))
    electrons += _READ_NOISE * normal(rng, image.shape)
    return in_view(field_of_view(image), displayed(electrons / full), image)


FUNDUS_UNDEREXPOSURE = Corruption(
    name="fundus_underexposure",
    category="noise",
    description="Too little flash: a dark picture with the noise of few electrons.",
    parameter="share of the light left, and electrons of a white pixel at full light",
    parameters=((0.75, 9000.0), (0.55, 4500.0), (0.4, 2400.0), (0.29, 1300.0), (0.21, 800.0)),
    stochastic=True,
    function=fundus_underexposure,
    channels="colour",
    sides=SIDES,
    modality="fundus",
    domain="electrons, proportional to linear light",
    assumptions=f"{ASSUMED}; the picture itself is without noise; read-out noise is 3 electrons",
    source="EMVA Standard 1288 (linear sensor)",
)
