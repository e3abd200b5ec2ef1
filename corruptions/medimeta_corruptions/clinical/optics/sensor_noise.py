"""Noise of a camera's sensor: a short exposure, or a high gain.

The sensor is linear, with shot noise and read-out noise, in each channel by itself (EMVA Standard 1288).
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._draws import normal, poisson
from medimeta_corruptions.clinical._frame import SIDES, content
from medimeta_corruptions.clinical.optics._camera import ASSUMED, CAMERAS

__all__ = ["SENSOR_NOISE", "sensor_noise"]

_READ_NOISE = 3.0


@content
def sensor_noise(image: Pixels, full: float, rng: Rng) -> Pixels:
    """Count the electrons of every value.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        Not modified.
    full : float
        Electrons of a white pixel, N.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws a number for the electrons of each value, in memory order, then one for the read-out of each.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y' = (Poisson(y N) + 3 z) / N in linear light y, with z standard normal: mean y, variance
    (y N + 9) / N**2, each channel by itself.
    """
    electrons = poisson(rng, linear(image) * full)
    electrons += _READ_NOISE * normal(rng, image.shape)
    return displayed(electrons / full)


SENSOR_NOISE = Corruption(
    name="sensor_noise",
    category="noise",
    description="A short exposure or a high gain: the noise of few electrons, coloured.",
    parameter="electrons of a white pixel",
    parameters=(3000.0, 1000.0, 400.0, 170.0, 80.0),
    stochastic=True,
    function=sensor_noise,
    channels="colour",
    sides=SIDES,
    modality=CAMERAS,
    domain="electrons, proportional to linear light",
    assumptions=f"{ASSUMED}; the picture itself is without noise; read-out noise is 3 electrons",
    source="EMVA Standard 1288 (linear sensor)",
)
