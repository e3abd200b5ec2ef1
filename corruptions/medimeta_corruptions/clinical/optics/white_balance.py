"""Wrong white balance: another lamp, or a camera profile that does not fit it.

Gains of the red and the blue channel in linear light, in opposite directions, as between lamps of two colour
temperatures. M. Afifi et al., "When color constancy goes wrong", CVPR 2019, correct the fault in pictures.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear, luma
from medimeta_corruptions.clinical._draws import signs
from medimeta_corruptions.clinical._frame import SIDES, content
from medimeta_corruptions.clinical.optics._camera import ASSUMED, CAMERAS

__all__ = ["WHITE_BALANCE", "white_balance"]

_EVERY = np.arange(256, dtype=np.uint8)


@content
def white_balance(image: Pixels, stops: float, rng: Rng) -> Pixels:
    """Change the gains of red and blue, and keep the luminance of grey.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        Not modified.
    stops : float
        Between the gains of red and blue, in stops (factors of two), e.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number: below 1/2, blue is raised and red lowered; else the other way.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y' = y g / (0.2126 g_R + 0.7152 g_G + 0.0722 g_B) in linear light y, with
    g = (2**(q e / 2), 1, 2**(-q e / 2)) and q the sign.
    """
    half = stops / 2.0 * float(signs(rng.random(1))[0])
    gains = np.array([2.0**half, 1.0, 2.0**-half])
    gains /= luma(gains)
    table = displayed(linear(_EVERY)[:, np.newaxis] * gains)
    out = np.empty_like(image)
    for channel in range(3):
        out[..., channel] = table[image[..., channel], channel]
    return out


WHITE_BALANCE = Corruption(
    name="white_balance",
    category="illumination",
    description="Another lamp or camera profile: a blue or an orange cast.",
    parameter="between the gains of red and blue (stops)",
    parameters=(0.22, 0.42, 0.65, 0.95, 1.3),
    stochastic=True,
    function=white_balance,
    channels="colour",
    sides=SIDES,
    modality=f"{CAMERAS}, fundus",
    domain="linear light",
    assumptions=ASSUMED,
    source="Afifi et al., CVPR 2019 (the fault; the gains are ours)",
)
