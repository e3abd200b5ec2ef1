"""Speckle: the grain of a picture from few looks, without compounding.

Echoes of many scatterers in one resolution cell interfere. Scanners average pictures from several directions
or frequencies (compounding) to smooth the grain; here the average of M looks multiplies the echo.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import power_level
from medimeta_corruptions.clinical._fields import looks
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.ultrasound._echo import ASSUMPTIONS, DOMAIN, changed, echoes, levels

__all__ = ["US_SPECKLE", "us_speckle"]


@content
def us_speckle(image: Pixels, count: int, rng: Rng) -> Field:
    """Multiply the echo's power by speckle of mean 1: dB + 10 log10 looks(M).

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Pixels of 2 or less stay.
    count : int
        M, the number of looks that are averaged.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two fields for each look.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    References
    ----------
    .. [1] R. F. Wagner et al., "Statistics of speckle in ultrasound B-scans", IEEE Transactions on Sonics and
       Ultrasonics 30 (1983) 156-163.
    """
    size = scale(image)
    speckle = looks(rng, image.shape, count, 0.6 * size, 1.4 * size)
    return changed(image, levels(image) + power_level(speckle), echoes(image))


US_SPECKLE = Corruption(
    name="us_speckle",
    category="noise",
    description="Coarse speckle, as without compounding of several looks.",
    parameter="M (looks averaged)",
    parameters=(16, 8, 4, 2, 1),
    stochastic=True,
    function=us_speckle,
    channels="grey",
    sides=SIDES,
    modality="ultrasound",
    domain=DOMAIN,
    assumptions=ASSUMPTIONS,
    source="Wagner et al., IEEE Transactions on Sonics and Ultrasonics 30 (1983)",
)
