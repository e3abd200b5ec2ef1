"""Motion during exposure: the hand, the stage or the eye moves steadily and straight.

Light is spread evenly over the path, so its sum stays.
"""

from __future__ import annotations

import math

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._filters import line
from medimeta_corruptions.clinical._frame import SIDES, content, scale
from medimeta_corruptions.clinical.optics._camera import ASSUMED, CAMERAS

__all__ = ["CAMERA_MOTION", "camera_motion"]


@content
def camera_motion(image: Pixels, length: float, rng: Rng) -> Pixels:
    """Blur along a straight path.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Not modified.
    length : float
        Of the path, in pixels at a shorter side of 224.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number: the path's direction.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y' = line(l s, pi u) y in linear light y; the angle is measured from the rows towards higher row numbers.
    """
    angle = math.pi * float(rng.random())
    return displayed(line(linear(image), length * scale(image), angle))


CAMERA_MOTION = Corruption(
    name="camera_motion",
    category="geometry",
    description="The camera, the stage or the eye moves during exposure: a blur along a straight path.",
    parameter="length of the path (pixels at 224)",
    parameters=(3.0, 6.0, 10.0, 15.0, 21.0),
    stochastic=True,
    function=camera_motion,
    channels="any",
    sides=SIDES,
    modality=f"{CAMERAS}, fundus",
    domain="linear light",
    assumptions=f"{ASSUMED}; the motion is steady and straight, and the whole picture moves alike",
    source="exposure is an integral over time; the lengths are ours",
)
