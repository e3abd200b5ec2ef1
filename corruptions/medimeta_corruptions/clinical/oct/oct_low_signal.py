"""Low signal: little light comes back through an opaque lens or vitreous, and noise shows.

The signal falls, the noise floor does not. The display's gain follows the signal in part, and so the noise
rises in the picture.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import power_level
from medimeta_corruptions.clinical._fields import looks
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.oct._scan import ASSUMPTIONS, changed, levels, scanned

__all__ = ["OCT_LOW_SIGNAL", "oct_low_signal"]


@content
def oct_low_signal(image: Pixels, parameter: tuple[float, float], rng: Rng) -> Field:
    """Weaken the signal and add noise: I = (10**((dB - A) / 10) + 10**(f / 10) looks(3)) 10**(0.6 A / 10).

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Fill stays.
    parameter : tuple of (float, float)
        A, the loss of signal in decibel, and f, the noise floor in decibel below white.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two fields for each of the three looks of the noise.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    References
    ----------
    .. [1] M. Wojtkowski et al., "Ultrahigh-resolution, high-speed, Fourier domain optical coherence
       tomography and methods for dispersion compensation", Optics Express 12 (2004) 2404-2422.
    """
    loss, floor = parameter
    size = scale(image)
    noise = 10.0 ** (floor / 10.0) * looks(rng, image.shape, 3, 0.4 * size, 0.4 * size)
    signal = 10.0 ** ((levels(image) - loss) / 10.0)
    return changed(image, power_level(signal + noise) + 0.6 * loss, scanned(image))


OCT_LOW_SIGNAL = Corruption(
    name="oct_low_signal",
    category="noise",
    description="Weak signal over a noise floor, as through opaque media.",
    parameter="A, f (dB of signal lost, dB of the noise floor below white)",
    parameters=((1, -45), (2.5, -42), (5, -39), (8.5, -37), (12, -35)),
    stochastic=True,
    function=oct_low_signal,
    channels="grey",
    sides=SIDES,
    modality="optical coherence tomography",
    domain="power",
    assumptions=ASSUMPTIONS + " The gain of the display makes up for 60 per cent of the loss.",
    source="Wojtkowski et al., Optics Express 12 (2004)",
)
