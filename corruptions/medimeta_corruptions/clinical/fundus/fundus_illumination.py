"""Uneven illumination of the fundus: the flash is off the axis, or the pupil too small.

The form, a gain that falls smoothly with the distance from a bright centre, is that of the degradation model
of Z. Shen et al., "Modeling and enhancing low-quality retinal fundus images", IEEE TMI 40 (2021).
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import relit
from medimeta_corruptions.clinical._fields import grid, ramp
from medimeta_corruptions.clinical._filters import field_of_view
from medimeta_corruptions.clinical._frame import SIDES, content, shorter
from medimeta_corruptions.clinical.fundus._view import ASSUMED, in_view

__all__ = ["FUNDUS_ILLUMINATION", "fundus_illumination"]

_OFF = 0.38
_REACH = 0.9


@content
def fundus_illumination(image: Pixels, loss: float, rng: Rng) -> Pixels:
    """Darken the field of view away from a centre that is off the axis.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Not modified.
    loss : float
        Largest share of the light that is lost, a.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number: the direction in which the bright centre is off.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y' = y (1 - a ramp(r / 0.9 m)) in linear light y, with r the distance from a centre 0.38 m away from the
    image's, and m the shorter side: one gain for all channels.
    """
    direction = 2.0 * math.pi * float(rng.random())
    m = shorter(image)
    rows, columns = grid(image.shape)
    middle, centre = (image.shape[0] - 1) / 2.0, (image.shape[1] - 1) / 2.0
    away = np.hypot(
        rows - middle - _OFF * m * math.sin(direction), columns - centre - _OFF * m * math.cos(direction)
    )
    gain = 1.0 - loss * ramp(away / (_REACH * m))
    return in_view(field_of_view(image), relit(image, gain), image)


FUNDUS_ILLUMINATION = Corruption(
    name="fundus_illumination",
    category="illumination",
    description="The flash is off the axis or the pupil small: one side of the field is dark.",
    parameter="largest share of the light that is lost",
    parameters=(0.35, 0.55, 0.72, 0.85, 0.94),
    stochastic=True,
    function=fundus_illumination,
    channels="any",
    sides=SIDES,
    modality="fundus",
    domain="linear light",
    assumptions=ASSUMED,
    source="Shen et al., IEEE TMI 40 (2021) (form of the gain)",
)
