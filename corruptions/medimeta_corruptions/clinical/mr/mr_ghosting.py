"""Ghosting: every n-th line of k-space is too weak, as by a pulse or a breath in step with the lines."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._frame import SIDES, Field, content

__all__ = ["MR_GHOSTING", "mr_ghosting"]

_CENTRE = 0.01
"""Share of the lines, in the middle of k-space, that stay as they are."""


@content
def mr_ghosting(image: Pixels, depth: float, rng: Rng) -> Field:
    """Weaken every n-th line of k-space: copies of the picture appear, moved by H / n, 2 H / n ...

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; a line of k-space is one frequency in the rows. Not modified.
    depth : float
        a: the share by which the lines are weakened.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number u: n = 2 + floor(3 u).

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    Lines k = 0, +-n, +-2 n ... periods a height are multiplied by 1 - a, but for those with
    abs(k) <= 0.005 H. The picture is the magnitude.

    References
    ----------
    .. [1] F. Perez-Garcia et al., TorchIO (RandomGhosting), Comput. Methods Programs Biomed. 208, 2021.
    """
    height = image.shape[0]
    every = 2 + math.floor(3.0 * float(rng.random()))
    lines = np.fft.rfft(grey(image), axis=0)
    number = np.arange(lines.shape[0])
    lines[(number % every == 0) & (2 * number > _CENTRE * height)] *= 1.0 - depth
    return np.abs(np.fft.irfft(lines, height, axis=0))


MR_GHOSTING = Corruption(
    name="mr_ghosting",
    category="reconstruction",
    description="Fainter copies of the picture along the phase axis.",
    parameter="share by which every n-th line is weakened",
    parameters=(0.15, 0.3, 0.45, 0.65, 0.85),
    stochastic=True,
    function=mr_ghosting,
    channels="grey",
    sides=SIDES,
    modality="MR",
    domain="k-space",
    assumptions="grey levels are the magnitude of a signal of phase 0; phase is encoded down the columns",
    source="TorchIO RandomGhosting (Perez-Garcia et al. 2021)",
)
