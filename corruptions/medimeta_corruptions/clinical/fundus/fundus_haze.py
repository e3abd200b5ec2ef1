"""Haze of the fundus: a cataract scatters the light on its way in and out.

What comes straight through is attenuated, the rest is added as a veil: the optical model of E. Peli and
T. Peli, "Restoration of retinal images obtained through cataracts", IEEE TMI 8 (1989). Part of the
scattered light stays close to where it came from, and blurs; the cataract is thicker in some places.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import displayed, linear
from medimeta_corruptions.clinical._fields import waves
from medimeta_corruptions.clinical._filters import field_of_view, gaussian
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.fundus._view import ASSUMED, in_view

__all__ = ["FUNDUS_HAZE", "fundus_haze"]

_VEIL = 0.5 * np.array([0.42, 0.36, 0.27])
_UNEVEN = 0.18
_SIGMA_PX = 6.0


@content
def fundus_haze(image: Pixels, transmission: float, rng: Rng) -> Pixels:
    """Mix the field of view with its own blur and with a veil.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        Not modified.
    transmission : float
        Share of the light that is not scattered on one way through the lens of the eye, T.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws where the cataract is thicker: ten waves of 0.4 to 1.6 periods.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    t = clip(T + 0.18 (1 - T) waves, 0.05, 1), and y' = t**2 y + t (1 - t) G(6 s) y + (1 - t) v in linear
    light y, with G the Gaussian over the field of view and v = 0.5 (0.42, 0.36, 0.27).
    """
    view = field_of_view(image)
    light = linear(image)
    uneven = waves(rng, image.shape, 10, 0.4, 1.6)
    t = np.clip(transmission + _UNEVEN * (1.0 - transmission) * uneven, 0.05, 1.0)
    near = gaussian(light, _SIGMA_PX * scale(image), inside=view)
    _mix(light.reshape(-1, 3), near.reshape(-1, 3), t.reshape(-1), _VEIL)
    return in_view(view, displayed(light), image)


@kernel("(float64[:, ::1], float64[:, ::1], float64[::1], float64[::1])")
def _mix(light: Field, near: Field, transmission: Field, veil: Field) -> None:
    """Write over the light what comes through."""
    for i in range(light.shape[0]):
        t = transmission[i]
        for c in range(3):
            light[i, c] = t * t * light[i, c] + t * (1.0 - t) * near[i, c] + (1.0 - t) * veil[c]


FUNDUS_HAZE = Corruption(
    name="fundus_haze",
    category="optical",
    description="A cataract scatters light: contrast is lost under a uniform veil.",
    parameter="share of the light that is not scattered on one way",
    parameters=(0.92, 0.84, 0.74, 0.62, 0.5),
    stochastic=True,
    function=fundus_haze,
    channels="colour",
    sides=SIDES,
    modality="fundus",
    domain="linear light",
    assumptions=f"{ASSUMED}; the veil has one colour",
    source="Peli and Peli, IEEE TMI 8 (1989)",
)
