"""A crescent at the fundus' edge: the camera is not centred on the pupil, and the iris reflects the flash.

Haze and crescents at one edge are what graders of fundus photographs call an artefact (EyeQ, DeepDRiD). The
form is ours: light from the retina is lost where the camera looks at the iris, and a bluish white is added.
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

__all__ = ["FUNDUS_CRESCENT", "fundus_crescent"]

_REFLECTED = (0.78, 0.86, 1.0)


@content
def fundus_crescent(image: Pixels, parameter: tuple[float, float], rng: Rng) -> Pixels:
    """Cover one edge of the field of view with a bright crescent.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        Not modified.
    parameter : tuple of (float, float)
        Width of the crescent, w, in radii of the field of view, and brightness, a.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number: the direction opposite to the crescent.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    With all lengths in radii of m / 2: d is the distance from a centre 1.6 w away from the image's,
    z = ramp((d - 1 + 0.2 w) / 1.3 w), and y' = y (1 - 1.1 a z) + 0.75 a z (0.78, 0.86, 1) in linear light y.
    What is lost goes with what is added: so no severity's change can be less than a milder one's.
    """
    width, brightness = parameter
    direction = 2.0 * math.pi * float(rng.random())
    radius = shorter(image) / 2.0
    rows, columns = grid(image.shape)
    middle, centre = (image.shape[0] - 1) / 2.0, (image.shape[1] - 1) / 2.0
    off = 1.6 * width
    away = np.hypot(
        (rows - middle) / radius - off * math.sin(direction),
        (columns - centre) / radius - off * math.cos(direction),
    )
    z = ramp((away - 1.0 + 0.2 * width) / (1.3 * width))
    found = relit(image, 1.0 - 1.1 * brightness * z, 0.75 * brightness * z, _REFLECTED)
    return in_view(field_of_view(image), found, image)


FUNDUS_CRESCENT = Corruption(
    name="fundus_crescent",
    category="optical",
    description="The camera is not centred on the pupil: a bright crescent at one edge.",
    parameter="width in radii of the field of view, and brightness",
    parameters=((0.03, 0.06), (0.06, 0.13), (0.1, 0.22), (0.15, 0.36), (0.22, 0.55)),
    stochastic=True,
    function=fundus_crescent,
    channels="colour",
    sides=SIDES,
    modality="fundus",
    domain="linear light",
    assumptions=f"{ASSUMED}; the field of view is a disc that fills the shorter side",
    source="artefacts as graded in EyeQ (Fu et al. 2019) and DeepDRiD (Liu et al. 2022); the form is ours",
)
