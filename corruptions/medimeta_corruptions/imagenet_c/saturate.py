"""Saturate: colours washed out or too strong, as of a wrong colour setting."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._hsv import change_hsv
from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption

__all__ = ["SATURATE", "saturate"]


def saturate(image: Pixels, change: tuple[float, float], rng: Rng | None = None) -> Pixels:
    """Multiply the saturation of every pixel and add to it.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    change : tuple of (float, float)
        Factor of the HSV saturation, and what is added to the product.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Severities 1 and 2 wash colours out, 3 to 5 strengthen them; 2 changes more than 3 in most images.
    Grey pixels of a colour image turn reddish at severities 4 and 5, since grey has the hue of red there.

    Grey: a grey image comes back unchanged, as from the reference with a mode "L" image: it has no
    saturation to change.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    if image.ndim == 2:
        return np.array(image)
    out = np.empty_like(image)
    change_hsv(image.reshape(-1, 3), change[0], change[1], 0.0, out.reshape(-1, 3))
    return out


SATURATE = Corruption(
    name="saturate",
    category="illumination",
    description="Colours washed out or too strong, as of a wrong colour setting.",
    parameter="factor of the saturation, offset (share of its range)",
    parameters=((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)),
    stochastic=False,
    function=saturate,
)
