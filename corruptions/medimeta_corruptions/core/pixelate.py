"""Pixelate: too few pixels, as in an image enlarged from a thumbnail."""

from __future__ import annotations

import numpy as np
from PIL import Image

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption

__all__ = ["PIXELATE", "pixelate"]


def pixelate(image: Pixels, scale: float, rng: Rng | None = None) -> Pixels:
    """Shrink the image by averaging boxes, then enlarge it by repeating pixels.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    scale : float
        The small image's size as a share of the image's, rounded down.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Where a side would shrink to nothing (at most 3 pixels, by severity) the reference raises
    ``ValueError``; here one pixel is left.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    height, width = image.shape[:2]
    small = (max(1, int(width * scale)), max(1, int(height * scale)))
    shrunk = Image.fromarray(image).resize(small, Image.Resampling.BOX)
    return np.array(shrunk.resize((width, height), Image.Resampling.NEAREST))


PIXELATE = Corruption(
    name="pixelate",
    category="quantisation",
    description="Blocks of pixels replaced by their mean, as of an enlarged thumbnail.",
    parameter="scale (share of the size)",
    parameters=(0.6, 0.5, 0.4, 0.3, 0.25),
    stochastic=False,
    function=pixelate,
    colour="#009E73",
    dash=(6.4, 1.6, 1.0, 1.6),
    marker="s",
    domain="sRGB values",
    source="Hendrycks and Dietterich, ICLR 2019",
)
