"""Defocus of a fundus camera: the eye's refraction is not corrected.

Every point of the retina becomes a uniform disc, the image of the pupil (J. W. Goodman, "Introduction to
Fourier optics", the aberrated incoherent system; the disc of geometrical optics). The edge of the field is
that of a stop in the camera, in front of the sensor, and stays sharp.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._filters import disc, field_of_view
from medimeta_corruptions.clinical._frame import SIDES, content, scale
from medimeta_corruptions.clinical.fundus._view import ASSUMED, in_view

__all__ = ["FUNDUS_DEFOCUS", "fundus_defocus"]


@content
def fundus_defocus(image: Pixels, radius: float, rng: Rng | None = None) -> Pixels:
    """Blur the field of view by a uniform disc.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Not modified.
    radius : float
        Of the disc, in pixels at a shorter side of 224.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y' = disc(r s) y / disc(r s) 1 over the field of view, in linear light y. The blur's variance is
    (r s)**2 / 4 along each axis.
    """
    view = field_of_view(image)
    return in_view(view, displayed(disc(linear(image), radius * scale(image), view)), image)


FUNDUS_DEFOCUS = Corruption(
    name="fundus_defocus",
    category="optical",
    description="The eye's refraction is not corrected: every point becomes a disc.",
    parameter="radius of the blur disc (pixels at 224)",
    parameters=(0.9, 1.8, 2.8, 4.2, 6.0),
    stochastic=False,
    function=fundus_defocus,
    channels="any",
    sides=SIDES,
    modality="fundus",
    domain="linear light",
    assumptions=ASSUMED,
    source="Goodman, Introduction to Fourier optics (geometrical disc of defocus)",
)
