"""Section thickness: the microtome cut too thick or too thin.

Light crosses more or less of the same tissue, so that every optical density is multiplied (Beer-Lambert).
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import density, from_density
from medimeta_corruptions.clinical._draws import signs
from medimeta_corruptions.clinical._frame import SIDES, Field, content

__all__ = ["SECTION_THICKNESS", "section_thickness"]


@content
def section_thickness(image: Pixels, stops: float, rng: Rng) -> Field:
    """Multiply optical density by 2**stops or its inverse.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A section in transmitted light; not modified.
    stops : float
        e: by how many powers of two the section is too thick or too thin.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number: too thin below 1/2, else too thick.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    value' = 255 exp(-OD 2**(+-e)), with OD = -ln(max(value, 1) / 255).
    """
    factor = 2.0 ** (float(signs(rng.random(1))[0]) * stops)
    table = from_density(factor * density(np.arange(256, dtype=np.uint8)))
    return table[image]


SECTION_THICKNESS = Corruption(
    name="section_thickness",
    category="staining",
    description="A section that the microtome cut too thick or too thin.",
    parameter="change of the thickness (stops, powers of two)",
    parameters=(0.25, 0.45, 0.7, 1.0, 1.35),
    stochastic=True,
    function=section_thickness,
    channels="colour",
    sides=SIDES,
    modality="light microscopy of a tissue section",
    domain="optical density",
    assumptions="OD = -ln(value / 255), proportional to the thickness",
    source="Beer-Lambert law",
)
