"""Dark corners: the dermatoscope's tube cuts off what lies outside a circle."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import relit
from medimeta_corruptions.clinical._fields import grid, sigmoid
from medimeta_corruptions.clinical._frame import SIDES, content, shorter

__all__ = ["DARK_CORNERS", "dark_corners"]

_EDGE = 0.008
_OFF = 0.03


@content
def dark_corners(image: Pixels, radius: float, rng: Rng) -> Pixels:
    """Darken what lies outside a circle.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A dermatoscopic image; not modified.
    radius : float
        r: of the circle, as a share m of the shorter side.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two numbers: by how much the circle is off the image's middle, in rows and columns.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    In linear light y' = y / (1 + exp(-(r - d) / 0.008)), with d the distance, in shorter sides, from the
    point ((H - 1) / 2 + 0.03 m (2 u1 - 1), (W - 1) / 2 + 0.03 m (2 u2 - 1)).

    References
    ----------
    .. [1] R. C. Maron et al., Eur. J. Cancer 155 (2021) 191-199.
    """
    side = shorter(image)
    height, width = image.shape[:2]
    down, right = _OFF * side * (2.0 * rng.random(2) - 1.0)
    y, x = grid(image.shape)
    distance = np.hypot(y - (height - 1) / 2.0 - down, x - (width - 1) / 2.0 - right) / side
    # Beyond 40 widths of the edge nothing is left of a byte, and the exponential must not overflow.
    clear = sigmoid(np.clip((radius - distance) / _EDGE, -40.0, 40.0))
    return relit(image, gain=clear)


DARK_CORNERS = Corruption(
    name="dark_corners",
    category="occlusion",
    description="Corners that the dermatoscope's tube leaves dark.",
    parameter="radius of the clear circle (share of the shorter side)",
    parameters=(0.68, 0.63, 0.58, 0.53, 0.48),
    stochastic=True,
    function=dark_corners,
    channels="colour",
    sides=SIDES,
    modality="dermatoscopy",
    domain="linear light",
    assumptions="values are sRGB",
    source="own formula; the fault in Maron et al. 2021 (SAM-C)",
)
