"""Giemsa stain: another staining time, pH or batch than the smear should have.

Each pixel's optical density is a sum of methylene blue and eosin, whose amounts are multiplied. The stains'
directions are those that ImageJ's colour deconvolution and scikit-image (``rgb_from_bex``) use.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.microscopy._stains import directions, restained, signed

__all__ = ["GIEMSA", "GIEMSA_STAIN", "giemsa_stain"]

GIEMSA = directions((0.834750233, 0.513556283, 0.196330403), (0.092789, 0.954111, 0.283111))
"""Methylene blue, eosin and the direction normal to both, as unit vectors in red, green and blue."""


@content
def giemsa_stain(image: Pixels, stops: float, rng: Rng) -> Field:
    """Multiply the amounts of methylene blue and eosin by 2**stops or its inverse.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A smear in transmitted light; not modified.
    stops : float
        e: by how many powers of two the amounts are wrong.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two numbers: which way the first stain goes, and whether the second goes the other way
        (with probability 0.85).

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    OD = -ln(max(value, 1) / 255) = C M, with the rows of M the unit vectors of methylene blue, eosin and
    their normal; C1 and C2 are multiplied by 2**(+-e), and the value is 255 exp(-C' M).

    References
    ----------
    .. [1] A. C. Ruifrok, D. A. Johnston, Anal. Quant. Cytol. Histol. 23 (2001) 291-299.
    """
    return restained(image, GIEMSA, signed(rng.random(2), stops))


GIEMSA_STAIN = Corruption(
    name="giemsa_stain",
    category="staining",
    description="A smear stained too long or too short, at another pH or with another batch.",
    parameter="change of the amount of each stain (stops, powers of two)",
    parameters=(0.2, 0.4, 0.65, 0.9, 1.2),
    stochastic=True,
    function=giemsa_stain,
    channels="colour",
    sides=SIDES,
    modality="light microscopy of a smear",
    domain="optical density",
    assumptions="OD = -ln(value / 255); fixed directions of the stains, not those of the slide",
    source="Ruifrok and Johnston 2001; stain vectors as in scikit-image's rgb_from_bex",
)
