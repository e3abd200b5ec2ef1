"""Speckle: the grain of a scan that averages too few frames.

Waves from many scatterers in one resolution cell interfere. Devices scan one place several times and average
the frames; here the average of M looks multiplies the signal.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import power_level
from medimeta_corruptions.clinical._fields import looks
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.oct._scan import ASSUMPTIONS, changed, levels, scanned

__all__ = ["OCT_SPECKLE", "oct_speckle"]


@content
def oct_speckle(image: Pixels, count: int, rng: Rng) -> Field:
    """Multiply the signal by speckle of mean 1: dB + 10 log10 looks(M).

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Fill stays.
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
    .. [1] J. M. Schmitt, S. H. Xiang and K. M. Yung, "Speckle in optical coherence tomography", Journal of
       Biomedical Optics 4 (1999) 95-105.
    """
    size = scale(image)
    speckle = looks(rng, image.shape, count, 0.5 * size, 0.7 * size)
    return changed(image, levels(image) + power_level(speckle), scanned(image))


OCT_SPECKLE = Corruption(
    name="oct_speckle",
    category="noise",
    description="Speckle, as with too few frames averaged.",
    parameter="M (frames averaged)",
    parameters=(40, 16, 7, 4, 2),
    stochastic=True,
    function=oct_speckle,
    channels="grey",
    sides=SIDES,
    modality="optical coherence tomography",
    domain="decibel",
    assumptions=ASSUMPTIONS,
    source="Schmitt et al., Journal of Biomedical Optics 4 (1999)",
)
