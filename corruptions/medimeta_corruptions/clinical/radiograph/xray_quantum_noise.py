"""Quantum noise of a radiograph: too few photons reached the detector.

N = Poisson(N0 exp(-L g)) + 3 z electrons of read-out noise, g' = -ln(max(N, 1) / N0) / L.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import XRAY_RANGE, from_photons, photons
from medimeta_corruptions.clinical._draws import normal, poisson
from medimeta_corruptions.clinical._frame import SIDES, Field, content

__all__ = ["XRAY_QUANTUM_NOISE", "xray_quantum_noise"]

READ_OUT = 3.0
"""Standard deviation of the electronic noise, in photons."""


@content
def xray_quantum_noise(image: Pixels, count: float, rng: Rng) -> Field:
    """Count photons anew, with the noise of a low dose and of the electronics.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    count : float
        N0: photons of a pixel that nothing shadows (grey 0).
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws (H, W) for the photons, then (H, W) for the read-out noise.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    N = Poisson(N0 exp(-L g)) + 3 z and g' = -ln(max(N, 1) / N0) / L, with L = ln 100. For small noise the
    standard deviation of g' is sqrt(N + 9) / (N L).
    """
    expected = count * photons(image, XRAY_RANGE)
    counted = poisson(rng, expected) + READ_OUT * normal(rng, image.shape)
    return from_photons(np.maximum(counted, 1.0) / count, XRAY_RANGE)


XRAY_QUANTUM_NOISE = Corruption(
    name="xray_quantum_noise",
    category="noise",
    description="Grain of too little dose and of the electronics, strongest where the patient is dense.",
    parameter="photons per pixel where nothing shadows the detector",
    parameters=(8000.0, 3200.0, 1400.0, 700.0, 350.0),
    stochastic=True,
    function=xray_quantum_noise,
    channels="grey",
    sides=SIDES,
    modality="radiograph",
    domain="photons at the detector, I = exp(-L g)",
    assumptions="L = ln 100: black to white shows two decades of exposure, white is dense; no noise before",
    source="IEC 62220-1-1:2015; Bushberg et al., The Essential Physics of Medical Imaging",
)
