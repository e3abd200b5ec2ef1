"""Roll-off: the retina lies far from the zero delay, where a spectral-domain device is less sensitive.

The spectrometer's resolution washes out the fast fringes of a long path difference. A Gaussian line shape
makes a Gaussian of the depth, and that is a parabola in decibel.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.oct._scan import ASSUMPTIONS, changed, levels, scanned

__all__ = ["OCT_ROLL_OFF", "oct_roll_off"]


@content
def oct_roll_off(image: Pixels, loss: float, rng: Rng | None = None) -> Field:
    """Take A y**2 decibel from each row, y running from the end that is farther from the retina.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Fill stays.
    loss : float
        A, in decibel, at the far end of the range of depths.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The zero delay is at the top, y = (row + 1/2) / H, unless the retina is in the upper half: then it is at
    the bottom, y = (H - row - 1/2) / H. The retina's row is the mean of row numbers weighted by grey level,
    over all pixels that are no fill.

    References
    ----------
    .. [1] R. Leitgeb, C. K. Hitzenberger and A. F. Fercher, "Performance of Fourier domain vs. time domain
       optical coherence tomography", Optics Express 11 (2003) 889-894.
    .. [2] M. Wojtkowski et al., "Ultrahigh-resolution, high-speed, Fourier domain optical coherence
       tomography and methods for dispersion compensation", Optics Express 12 (2004) 2404-2422.
    """
    height = image.shape[0]
    where = scanned(image)
    brightness = np.where(where, image, 0).sum(axis=1, dtype=np.int64)
    moment = 2 * np.arange(height, dtype=np.int64) - (height - 1)
    rows, _ = grid(image.shape)
    depth = (rows + 0.5) / height
    if int((moment * brightness).sum()) < 0:
        depth = 1.0 - depth
    return changed(image, levels(image) - loss * depth * depth, where)


OCT_ROLL_OFF = Corruption(
    name="oct_roll_off",
    category="illumination",
    description="Signal fades with depth, as when the retina is far from the zero delay.",
    parameter="A (dB lost at the far end)",
    parameters=(4, 8, 12, 17, 23),
    stochastic=False,
    function=oct_roll_off,
    channels="grey",
    sides=SIDES,
    modality="optical coherence tomography",
    domain="decibel",
    assumptions=ASSUMPTIONS,
    source="Leitgeb et al., Optics Express 11 (2003); Wojtkowski et al., Optics Express 12 (2004)",
)
