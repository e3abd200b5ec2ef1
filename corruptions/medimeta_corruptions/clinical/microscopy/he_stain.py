"""Haematoxylin and eosin: the stain of another laboratory.

As for Giemsa's stain, with the directions of haematoxylin, eosin and DAB that Ruifrok and Johnston measured.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.microscopy._stains import directions, restained, signed

__all__ = ["HE", "HE_STAIN", "he_stain"]

HE = directions((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
"""Haematoxylin, eosin and DAB, as unit vectors in red, green and blue."""


@content
def he_stain(image: Pixels, stops: float, rng: Rng) -> Field:
    """Multiply the amounts of haematoxylin and eosin by 2**stops or its inverse.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A section in transmitted light; not modified.
    stops : float
        e: by how many powers of two the amounts are wrong.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two numbers, as for `giemsa_stain`.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    OD = C M as for `giemsa_stain`; the third row of M is DAB, which stands for what the two stains do not
    explain and stays as it is.

    References
    ----------
    .. [1] A. C. Ruifrok, D. A. Johnston, Anal. Quant. Cytol. Histol. 23 (2001) 291-299.
    .. [2] D. Tellez et al., IEEE Trans. Med. Imaging 37 (2018) 2126-2136.
    """
    return restained(image, HE, signed(rng.random(2), stops))


HE_STAIN = Corruption(
    name="he_stain",
    category="staining",
    description="A section stained by another laboratory: too much or too little haematoxylin and eosin.",
    parameter="change of the amount of each stain (stops, powers of two)",
    parameters=(0.2, 0.4, 0.65, 0.9, 1.2),
    stochastic=True,
    function=he_stain,
    channels="colour",
    sides=SIDES,
    modality="light microscopy of a tissue section",
    domain="optical density",
    assumptions="OD = -ln(value / 255); fixed directions of the stains, not those of the slide",
    source="Ruifrok and Johnston 2001; stain vectors as in scikit-image's rgb_from_hed; Tellez et al. 2018",
)
