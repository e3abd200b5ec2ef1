"""Low dose: few photons reach the detector, and its electronics add their noise."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._draws import normal, poisson
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.ct._geometry import IN_BODY, Scan, angles, clean
from medimeta_corruptions.clinical.ct._window import changed

__all__ = ["CT_LOW_DOSE", "ct_low_dose"]

_ELECTRONIC = 4.0
"""Standard deviation of the electronic noise, in photons."""


@content
def ct_low_dose(image: Pixels, sent: float, rng: Rng) -> Field:
    """Add the noise that few photons make in the projections, as reconstruction shows it.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    sent : float
        N0: photons sent along each ray.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws a number for each view and channel, for the photons, and then again, for the electronics.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    A ray with line integral p brings lambda = N0 exp(-p) photons on average. What is reconstructed and added
    is ln(lambda) - ln(max(Poisson(lambda) + 4 z, 1)).

    References
    ----------
    .. [1] D. Zeng et al., IEEE Trans. Nucl. Sci. 62, 2015.
    .. [2] A. C. Kak and M. Slaney, Principles of Computerized Tomographic Imaging, 1988, chapters 3 and 5.
    """
    scan = Scan.of(image)
    mean = sent * np.exp(-(clean(image) + scan.body()))
    seen = poisson(rng, mean)
    seen += _ELECTRONIC * normal(rng, mean.shape)
    change = np.log(mean) - np.log(np.maximum(seen, 1.0))
    return changed(image, scan.units(change, angles(scan.side)))


CT_LOW_DOSE = Corruption(
    name="ct_low_dose",
    category="noise",
    description="Streaky noise of a scan with too few photons.",
    parameter="photons sent along a ray",
    parameters=(6e6, 2.4e6, 1.1e6, 5e5, 2.2e5),
    stochastic=True,
    function=ct_low_dose,
    channels="grey",
    sides=SIDES,
    modality="CT",
    domain="line integrals of attenuation",
    assumptions=IN_BODY,
    source="Zeng et al. 2015 (TNS 62); Kak & Slaney 1988",
)
