"""Scattered radiation in a radiograph: no grid, a poor one, or a large patient.

S = SPR G(0.15 m) I, g' = -ln((I + S) / (1 + SPR)) / L: a veil that takes contrast, most in dense parts.
"""

from __future__ import annotations

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import XRAY_RANGE, from_photons, photons
from medimeta_corruptions.clinical._filters import gaussian
from medimeta_corruptions.clinical._frame import SIDES, Field, content, shorter

__all__ = ["XRAY_SCATTER", "xray_scatter"]

SPREAD = 0.15
"""Standard deviation of the scattered light, as a share of the shorter side."""


@content
def xray_scatter(image: Pixels, ratio: float, rng: Rng | None = None) -> Field:
    """Add scattered radiation, and expose so that the primary and the scattered part keep the brightness.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    ratio : float
        SPR: scattered to primary radiation, mean of the picture.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    S = SPR G(0.15 m) I and g' = -ln((I + S) / (1 + SPR)) / L, with L = ln 100, m the shorter side, and G a
    Gaussian cut off at four standard deviations, the border mirrored. A uniform picture does not change.
    """
    primary = photons(image, XRAY_RANGE)
    scattered = ratio * gaussian(primary, SPREAD * shorter(image))
    return from_photons((primary + scattered) / (1.0 + ratio), XRAY_RANGE)


XRAY_SCATTER = Corruption(
    name="xray_scatter",
    category="optical",
    description="A veil of scattered radiation: contrast is lost, most of all in dense parts.",
    parameter="scattered to primary radiation, mean of the picture",
    parameters=(0.12, 0.3, 0.6, 1.1, 2.0),
    stochastic=False,
    function=xray_scatter,
    channels="grey",
    sides=SIDES,
    modality="radiograph",
    domain="photons at the detector, I = exp(-L g)",
    assumptions="L = ln 100; the picture shows primary radiation alone; a Gaussian veil of 0.15 m",
    source="L. T. Niklason, J. A. Sorenson, J. A. Nelson, Medical Physics 8, 1981",
)
