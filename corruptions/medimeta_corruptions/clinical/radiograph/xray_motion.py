"""Motion in a radiograph: breathing, or a patient who cannot keep still.

Photons are blurred along a line near the body's axis; g' = -ln(I') / L.
"""

from __future__ import annotations

import math

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import XRAY_RANGE, from_photons, photons
from medimeta_corruptions.clinical._filters import line
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["XRAY_MOTION", "xray_motion"]


@content
def xray_motion(image: Pixels, length: float, rng: Rng) -> Field:
    """Move the patient steadily along a straight line during the exposure.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    length : float
        Of the path, in pixels at 224.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number u: the path's angle with the rows is 90 + 20 (2u - 1) degrees.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    I' = I * line(length, angle) and g' = -ln(I') / L, with L = ln 100. Photons are kept.
    """
    angle = math.radians(90.0 + 20.0 * (2.0 * float(rng.random(1)[0]) - 1.0))
    return from_photons(line(photons(image, XRAY_RANGE), length * scale(image), angle), XRAY_RANGE)


XRAY_MOTION = Corruption(
    name="xray_motion",
    category="geometry",
    description="Edges blurred along the body's axis, as of breathing during the exposure.",
    parameter="length of the path (px at 224)",
    parameters=(2.0, 4.0, 7.0, 11.0, 16.0),
    stochastic=True,
    function=xray_motion,
    channels="grey",
    sides=SIDES,
    modality="radiograph",
    domain="photons at the detector, I = exp(-L g)",
    assumptions="L = ln 100; all of the body moves alike and steadily, within 20 degrees of the columns",
    source="Bushberg et al., The Essential Physics of Medical Imaging (motion unsharpness)",
)
