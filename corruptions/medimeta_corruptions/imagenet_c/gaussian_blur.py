"""Gaussian blur: an image smoothed too much."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._gaussian import gaussian
from medimeta_corruptions._image import UNIT, Pixels, Rng, to_bytes
from medimeta_corruptions._spec import Corruption

__all__ = ["GAUSSIAN_BLUR", "gaussian_blur"]


def gaussian_blur(image: Pixels, sigma: float, rng: Rng | None = None) -> Pixels:
    """Average every pixel with its neighbours, weighted by a Gaussian.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    sigma : float
        Standard deviation, in pixels.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Grey: a grey image gives what each channel of the same image in colour gives. The reference's function
    takes the columns of a mode "L" image for channels and blurs it in one direction.

    The weights' exponential is correctly rounded, where the reference's last bit depends on the processor;
    in flat areas that bit can decide about one grey level.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    return to_bytes(gaussian(np.take(UNIT, image), sigma))


GAUSSIAN_BLUR = Corruption(
    name="gaussian_blur",
    category="optical",
    description="Every pixel averaged with its neighbours, as of too much smoothing.",
    parameter="sigma (pixels)",
    parameters=(1, 2, 3, 4, 6),
    stochastic=False,
    function=gaussian_blur,
)
