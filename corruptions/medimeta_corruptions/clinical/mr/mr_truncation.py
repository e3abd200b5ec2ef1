"""Truncation: only the middle of k-space was taken, so edges are blurred and ring (Gibbs)."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._frame import SIDES, Field, content

__all__ = ["MR_TRUNCATION", "mr_truncation"]


@content
def mr_truncation(image: Pixels, kept: float, rng: Rng | None = None) -> Field:
    """Keep the low frequencies of a picture only.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    kept : float
        a: share of the frequencies that is kept along either axis.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    Of the discrete Fourier transform, the numbers k, l with 2 abs(k) < a W and 2 abs(l) < a H are kept, the
    others set to 0. The picture is the magnitude.

    References
    ----------
    .. [1] E. M. Haacke et al., Magnetic Resonance Imaging: Physical Principles and Sequence Design, 1999.
    """
    height, width = image.shape
    lines = np.fft.rfft2(grey(image))
    down = np.minimum(np.arange(height), height - np.arange(height))
    lines[2 * down >= kept * height] = 0.0
    lines[:, 2 * np.arange(lines.shape[1]) >= kept * width] = 0.0
    return np.abs(np.fft.irfft2(lines, image.shape))


MR_TRUNCATION = Corruption(
    name="mr_truncation",
    category="quantisation",
    description="Blur and ringing of a k-space of which only the middle was taken.",
    parameter="share of the frequencies kept along either axis",
    parameters=(0.7, 0.5, 0.36, 0.26, 0.18),
    stochastic=False,
    function=mr_truncation,
    channels="grey",
    sides=SIDES,
    modality="MR",
    domain="k-space",
    assumptions="grey levels are the magnitude of a signal of phase 0",
    source="Haacke et al. 1999",
)
