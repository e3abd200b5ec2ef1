"""Contrast: shrink differences from the mean, as scattered radiation or a wrong window does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import UNIT, Pixels, Rng, look_up, to_bytes
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption

__all__ = ["CONTRAST", "contrast"]


def contrast(image: Pixels, factor: float, rng: Rng | None = None) -> Pixels:
    """Shrink the differences of every value from its channel's mean.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    factor : float
        What is left of the differences, between 0 and 1.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Where an image is nearly constant, the last bit of the mean decides about a grey level. The means are
    therefore summed in the order in which ``numpy.mean`` sums: pairwise over a grey image, value by value
    over each channel of a colour image.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    if image.ndim == 2:
        # NumPy's own sum of the whole: in blocks, its last bit would be another with some versions.
        unit = np.divide(image, 255.0, dtype=np.float64)
        return look_up(_levels(np.asarray(np.mean(unit)), factor), image)
    sums = np.zeros(3, dtype=np.float64)
    pixels = image.reshape(-1, 3)
    _sum_channels(image.reshape(-1), UNIT, sums)
    table = _levels(sums / pixels.shape[0], factor)
    out = np.empty_like(image)
    _look_up(pixels, table, out.reshape(-1, 3))
    return out


def _levels(mean: NDArray[np.float64], factor: float) -> Pixels:
    """Return what each byte becomes: shape (256,), or (C, 256) for means of C channels."""
    about = np.expand_dims(mean, -1)
    return to_bytes((UNIT - about) * factor + about)


@kernel("(uint8[::1], float64[::1], float64[::1])")
def _sum_channels(values: Pixels, unit: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    # Looked up: sums in order have no vector instructions, and single quotients take long.
    red = green = blue = 0.0
    for i in range(values.size // 3):
        red += unit[values[3 * i]]
        green += unit[values[3 * i + 1]]
        blue += unit[values[3 * i + 2]]
    sums[0], sums[1], sums[2] = red, green, blue


@kernel("(uint8[:, ::1], uint8[:, ::1], uint8[:, ::1])")
def _look_up(pixels: Pixels, table: Pixels, out: Pixels) -> None:
    for i in range(pixels.shape[0]):
        out[i, 0] = table[0, pixels[i, 0]]
        out[i, 1] = table[1, pixels[i, 1]]
        out[i, 2] = table[2, pixels[i, 2]]


CONTRAST = Corruption(
    name="contrast",
    category="illumination",
    description="Every value drawn towards its channel's mean, as of scattered radiation.",
    parameter="factor (share of the contrast left)",
    parameters=(0.4, 0.3, 0.2, 0.1, 0.05),
    stochastic=False,
    function=contrast,
    colour="#882255",
    dash=(3.7, 1.6),
    marker="^",
    domain="sRGB values",
    source="Hendrycks and Dietterich, ICLR 2019",
)
