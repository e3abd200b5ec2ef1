"""Fog: a bright haze of uneven density over the image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import UNIT, Pixels, Rng, to_bytes
from medimeta_corruptions._spec import Corruption

__all__ = ["FOG", "fog"]


def fog(image: Pixels, haze: tuple[float, float], rng: Rng) -> Pixels:
    """Add a fractal cloud and scale the sum back to the image's range.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    haze : tuple of (float, float)
        The cloud's strength, and by how much its detail weakens from one scale to the next finer one.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one uniform number for each point of the cloud, scale by scale from the coarsest.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    With the image's largest value ``m`` and a cloud ``p`` from 0 to 1, ``v`` becomes
    ``(v + s p) m / (m + s)``. The cloud is the diamond-square height map of a torus whose side is the next
    power of two of the longest side (at least 2); a colour image counts its three channels as a side too.

    Grey: as the reference does with a mode "L" image. The cloud has no colour.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    .. [2] A. Fournier, D. Fussell and L. Carpenter, "Computer rendering of stochastic models", 1982.
    """
    strength, decay = haze
    height, width = image.shape[:2]
    side = 1 << (max(2, *image.shape) - 1).bit_length()
    cloud = strength * _plasma(side, decay, rng)[:height, :width]
    brightest = float(UNIT[image.max()])
    hazy = np.take(UNIT, image)
    hazy += cloud if image.ndim == 2 else cloud[..., np.newaxis]
    hazy *= brightest
    hazy /= brightest + strength
    return to_bytes(hazy)


def _plasma(side: int, decay: float, rng: Rng) -> NDArray[np.float64]:
    """Return a square height map from 0 to 1; its side is a power of two."""
    heights = np.zeros((side, side))
    step, spread = side, 100.0
    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        # The middle of each square is the mean of its corners, that of each edge the mean of its two ends
        # and the two squares' middles beside it; both plus noise.
        sums = corners + np.roll(corners, -1, axis=0)
        sums += np.roll(sums, -1, axis=1)
        middles = _noisy(sums, spread, rng)
        heights[half::step, half::step] = middles
        beside = (middles + np.roll(middles, 1, axis=0)) + (corners + np.roll(corners, -1, axis=1))
        heights[::step, half::step] = _noisy(beside, spread, rng)
        beside = (middles + np.roll(middles, 1, axis=1)) + (corners + np.roll(corners, -1, axis=0))
        heights[half::step, ::step] = _noisy(beside, spread, rng)
        step, spread = half, spread / decay
    heights -= heights.min()
    heights /= heights.max()
    return heights


def _noisy(sums: NDArray[np.float64], spread: float, rng: Rng) -> NDArray[np.float64]:
    """Return a quarter of sums of four, plus uniform noise."""
    return sums / 4 + spread * rng.uniform(-spread, spread, sums.shape)


FOG = Corruption(
    name="fog",
    category="optical",
    description="A bright haze of uneven density over the image.",
    parameter="strength (share of the pixel range), decay of detail",
    parameters=((1.5, 2), (2.0, 2), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)),
    stochastic=True,
    function=fog,
)
