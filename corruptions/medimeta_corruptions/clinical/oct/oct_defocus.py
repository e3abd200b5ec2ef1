"""Defocus: the beam is wide where it meets the retina, and less of its light comes back.

Only the lateral resolution suffers; the axial one is that of the light's spectrum.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import power_level
from medimeta_corruptions.clinical._filters import gaussian
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.oct._scan import ASSUMPTIONS, changed, levels, scanned

__all__ = ["OCT_DEFOCUS", "oct_defocus"]


@content
def oct_defocus(image: Pixels, parameter: tuple[float, float], rng: Rng | None = None) -> Field:
    """Blur the linear intensity across A-scans by a Gaussian, and take A decibel.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Fill stays.
    parameter : tuple of (float, float)
        sigma, in pixels along the rows at the reference size, and A, the loss in decibel.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The border is reflected. Fill takes no part: the Gaussian's weights are divided by their sum over the
    other pixels.
    """
    sigma, loss = parameter
    spread = (0.0, sigma * scale(image))
    where = scanned(image)
    power = gaussian(where * 10.0 ** (levels(image) / 10.0), spread)
    if not where.all():
        power /= gaussian(where.astype(np.float64), spread) + ~where
    return changed(image, power_level(power) - loss, where)


OCT_DEFOCUS = Corruption(
    name="oct_defocus",
    category="optical",
    description="Blur across A-scans and a weaker signal, as when the beam is out of focus.",
    parameter="sigma, A (px at 224, dB lost)",
    parameters=((0.8, 0.5), (1.5, 1.2), (2.4, 2.2), (3.6, 3.4), (5.2, 4.8)),
    stochastic=False,
    function=oct_defocus,
    channels="grey",
    sides=SIDES,
    modality="optical coherence tomography",
    domain="linear intensity",
    assumptions=ASSUMPTIONS,
    source="Gaussian beam: lateral width and coupling change with focus, axial resolution does not",
)
