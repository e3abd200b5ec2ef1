"""Spike: a spark disturbs one sample of k-space, and a wave covers the picture."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._frame import SIDES, Field, content

__all__ = ["MR_SPIKE", "mr_spike"]


@content
def mr_spike(image: Pixels, height: float, rng: Rng) -> Field:
    """Add a plane wave: what a spike in k-space looks like.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    height : float
        a: half of it, times the largest value in k-space, is added at two conjugate points.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two numbers: how far out the spike is, and in which direction.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    The largest value in k-space is the sum of the picture, so the wave is
    a mean(g) cos(2 pi (k x / W + l y / H)) with whole numbers k = round(W r cos t) and l = round(H r sin t),
    r = 0.05 + 0.25 u cycles a pixel and t = 2 pi v; halves are rounded up. The picture is the magnitude.

    References
    ----------
    .. [1] F. Perez-Garcia et al., TorchIO (RandomSpike), Comput. Methods Programs Biomed. 208, 2021.
    """
    far, direction = rng.random(2)
    rows, columns = grid(image.shape)
    radius, angle = 0.05 + 0.25 * far, 2.0 * math.pi * direction
    across = math.floor(image.shape[1] * radius * math.cos(angle) + 0.5)
    down = math.floor(image.shape[0] * radius * math.sin(angle) + 0.5)
    x, y = 2.0 * math.pi * across / image.shape[1] * columns, 2.0 * math.pi * down / image.shape[0] * rows
    # cos(x + y) from each axis' own cosines and sines: H + W of them instead of H times W.
    wave = np.cos(x) * np.cos(y) - np.sin(x) * np.sin(y)
    mean = int(image.sum(dtype=np.int64)) / (255.0 * image.size)
    found: Field = np.abs(grey(image) + height * mean * wave)
    return found


MR_SPIKE = Corruption(
    name="mr_spike",
    category="reconstruction",
    description="A wave over the picture, from one disturbed sample of k-space.",
    parameter="height of the wave, as a share of the picture's mean",
    parameters=(0.04, 0.08, 0.13, 0.2, 0.3),
    stochastic=True,
    function=mr_spike,
    channels="grey",
    sides=SIDES,
    modality="MR",
    domain="k-space",
    assumptions="grey levels are the magnitude of a signal of phase 0",
    source="TorchIO RandomSpike (Perez-Garcia et al. 2021)",
)
