"""Uneven illumination: a condenser that is not centred, or a ring light too close.

Light falls off by a number of stops that grows with the square of the distance from the brightest place.
B. Schömig-Markiefka et al., "Quality control stress test for deep learning-based diagnostic model in digital
pathology", Modern Pathology 34 (2021), tested uneven illumination among other faults of slides.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import relit
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._frame import SIDES, content, shorter
from medimeta_corruptions.clinical.optics._camera import ASSUMED, CAMERAS

__all__ = ["UNEVEN_ILLUMINATION", "uneven_illumination"]


@content
def uneven_illumination(image: Pixels, stops: float, rng: Rng) -> Pixels:
    """Darken an image away from a place off its centre.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Not modified.
    stops : float
        Loss of light at the corner farthest from the brightest place, in stops (factors of two), E.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two numbers: the direction of the brightest place from the centre, and its distance.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y' = y 2**(-E p**2) in linear light y, with p the distance from a place (0.15 + 0.25 u) m off the centre,
    as a share of the distance of the farthest corner's pixel.
    """
    direction, distance = rng.random(2)
    off = (0.15 + 0.25 * float(distance)) * shorter(image)
    rows, columns = grid(image.shape)
    rows = rows - (image.shape[0] - 1) / 2.0 - off * math.sin(2.0 * math.pi * direction)
    columns = columns - (image.shape[1] - 1) / 2.0 - off * math.cos(2.0 * math.pi * direction)
    squared = rows * rows + columns * columns
    # The farthest pixel is a corner's, so the largest square is its.
    gain = np.exp2((-stops / float(squared.max())) * squared)
    return relit(image, gain)


UNEVEN_ILLUMINATION = Corruption(
    name="uneven_illumination",
    category="illumination",
    description="The light is not centred: the picture darkens towards one side.",
    parameter="loss of light at the farthest corner (stops)",
    parameters=(1.0, 1.8, 2.8, 4.0, 5.5),
    stochastic=True,
    function=uneven_illumination,
    channels="any",
    sides=SIDES,
    modality=CAMERAS,
    domain="linear light",
    assumptions=ASSUMED,
    source="Schömig-Markiefka et al., Modern Pathology 34 (2021) (the fault; the form is ours)",
)
