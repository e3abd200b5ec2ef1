"""Pen ink: a marker's stroke on the cover glass lies over the tissue."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import from_density, grey
from medimeta_corruptions.clinical._fields import waves
from medimeta_corruptions.clinical._frame import SIDES, Field, content, shorter
from medimeta_corruptions.clinical.microscopy._bands import band

__all__ = ["PEN_INK", "pen_ink"]

_INKS: Field = np.array([[1.9, 1.5, 0.35], [1.5, 0.5, 1.4], [1.6, 1.6, 1.5]])
"""Optical densities of blue, green and black ink in red, green and blue."""


@content
def pen_ink(image: Pixels, width: float, rng: Rng) -> Field:
    """Add the optical density of a stroke of ink.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A section in transmitted light; not modified.
    width : float
        w: width of the stroke, as a share of the shorter side.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws the band as `tissue_fold` does; then one number for the ink (blue, green or black, a third
        each); then 20 waves of 4 to 20 periods for how thick the ink lies.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    OD' = OD + a k ink, with a the share of a pixel that the band covers and
    k = 0.85 + 0.25 waves, clipped to 0 to 1; the inks are (1.9, 1.5, 0.35), (1.5, 0.5, 1.4) and
    (1.6, 1.6, 1.5).

    References
    ----------
    .. [1] B. Schömig-Markiefka et al., Mod. Pathol. 34 (2021) 2098-2108.
    """
    stroke = band(rng, image, width * shorter(image))
    ink = _INKS[int(3.0 * rng.random(1)[0])]
    thickness = np.clip(0.85 + 0.25 * waves(rng, image.shape, 20, 4.0, 20.0), 0.0, 1.0)
    y, x = np.nonzero(stroke.covered)
    out = grey(image)
    out[y, x] *= from_density((stroke.covered * thickness)[y, x, np.newaxis] * ink)
    return out


PEN_INK = Corruption(
    name="pen_ink",
    category="occlusion",
    description="A stroke of a marker on the cover glass.",
    parameter="width of the stroke (share of the shorter side)",
    parameters=(0.02, 0.04, 0.07, 0.11, 0.17),
    stochastic=True,
    function=pen_ink,
    channels="colour",
    sides=SIDES,
    modality="light microscopy of a tissue section",
    domain="optical density",
    assumptions="OD = -ln(value / 255); the inks' densities are chosen by eye",
    source="Beer-Lambert law; the fault in Schömig-Markiefka et al. 2021",
)
