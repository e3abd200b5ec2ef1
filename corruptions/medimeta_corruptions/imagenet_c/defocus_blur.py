"""Defocus blur: the object lies out of the lens's focus, so that a point becomes a disc."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import UNIT, Pixels, Rng, to_bytes
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.imagenet_c._shared import opencv

__all__ = ["DEFOCUS_BLUR", "defocus_blur"]


def defocus_blur(image: Pixels, disc: tuple[int, float], rng: Rng | None = None) -> Pixels:
    """Average every pixel over a disc.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    disc : tuple of (int, float)
        Its radius, and the standard deviation of the Gaussian that smooths its edge, in pixels.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Raises
    ------
    ImportError
        If OpenCV is not installed.

    Notes
    -----
    OpenCV filters, as in the reference, through Fourier transforms of its own: results depend on its version
    and the processor, by at most one grey level, where a mean lies within rounding of a whole level (in flat
    areas). The image is mirrored at its border, without repeating the outermost pixels.

    Grey: as the reference does with a mode "L" image, which is one channel of the same image in colour.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    cv2 = opencv("defocus_blur")
    blurred = cv2.filter2D(np.take(UNIT, image), -1, _disc(cv2, *disc))
    return to_bytes(blurred)


@lru_cache
def _disc(cv2: Any, radius: int, smooth: float) -> NDArray[np.float32]:
    """Return the weights, at least 17 pixels a side."""
    reach = max(radius, 8)
    distance = np.arange(-reach, reach + 1) ** 2
    inside = (distance[:, np.newaxis] + distance <= radius**2).astype(np.float32)
    side = 3 if radius <= 8 else 5
    found: NDArray[np.float32] = cv2.GaussianBlur(inside / np.sum(inside), (side, side), sigmaX=smooth)
    return found


DEFOCUS_BLUR = Corruption(
    name="defocus_blur",
    category="optical",
    description="Every pixel averaged over a disc, as when the object is out of focus.",
    parameter="radius, smoothing of the edge (pixels)",
    parameters=((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)),
    stochastic=False,
    function=defocus_blur,
    library="opencv-python-headless",
    tolerance=(1, 0.01),
)
