"""Defocus of a microscope or a camera: the subject is not where the lens is focused.

Every point becomes a uniform disc (J. W. Goodman, "Introduction to Fourier optics"). In a microscope of
aperture NA in a medium of index n, with pixels of p on the slide, a disc of r pixels is a distance of
r p sqrt(n**2 - NA**2) / NA from the focal plane.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._filters import disc
from medimeta_corruptions.clinical._frame import SIDES, content, scale
from medimeta_corruptions.clinical.optics._camera import ASSUMED, CAMERAS

__all__ = ["DEFOCUS", "defocus"]


@content
def defocus(image: Pixels, radius: float, rng: Rng | None = None) -> Pixels:
    """Blur by a uniform disc.

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
    y' = disc(r s) y in linear light y. The blur's variance is (r s)**2 / 4 along each axis.
    """
    return displayed(disc(linear(image), radius * scale(image)))


DEFOCUS = Corruption(
    name="defocus",
    category="optical",
    description="The subject is out of focus: every point becomes a disc.",
    parameter="radius of the blur disc (pixels at 224)",
    parameters=(0.8, 1.5, 2.4, 3.6, 5.2),
    stochastic=False,
    function=defocus,
    channels="any",
    sides=SIDES,
    modality=CAMERAS,
    domain="linear light",
    assumptions=ASSUMED,
    source="Goodman, Introduction to Fourier optics (geometrical disc of defocus)",
)
