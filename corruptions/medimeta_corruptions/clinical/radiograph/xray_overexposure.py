"""Overexposure of a radiograph: a dark picture, the lungs burnt out.

g' = max(g - ln(k) / L, 0).
"""

from __future__ import annotations

import math

from medimeta_corruptions._image import Pixels, Rng, look_up
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import GREY, XRAY_RANGE
from medimeta_corruptions.clinical._frame import SIDES, content, snap

__all__ = ["XRAY_OVEREXPOSURE", "xray_overexposure"]


@content
def xray_overexposure(image: Pixels, factor: float, rng: Rng | None = None) -> Pixels:
    """Expose more; what passes the detector's range is black.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    factor : float
        k: how many times more photons.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    g' = max(g - ln(k) / L, 0) with L = ln 100. The deviation index of the exposure is 10 log10(k).
    """
    return look_up(snap(GREY - math.log(factor) / XRAY_RANGE), image)


XRAY_OVEREXPOSURE = Corruption(
    name="xray_overexposure",
    category="illumination",
    description="A dark picture: thin parts are burnt out to black.",
    parameter="exposure (times the right one)",
    parameters=(1.25, 1.6, 2.1, 2.9, 4.0),
    stochastic=False,
    function=xray_overexposure,
    channels="grey",
    sides=SIDES,
    modality="radiograph",
    domain="photons at the detector, I = exp(-L g)",
    assumptions="L = ln 100; the detector saturates where the picture is black; no automatic correction",
    source="AAPM Report 116, An Exposure Indicator for Digital Radiography, 2009 (deviation index)",
)
