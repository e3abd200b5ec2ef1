"""Rings: some channels of the detector have a wrong gain, at every view the same."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._draws import normal_of
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.ct._geometry import IN_BODY, WATER, Scan, filtered
from medimeta_corruptions.clinical.ct._window import changed

__all__ = ["CT_RING", "ct_ring"]

_SHARE = 0.12
_STEPS = 8
"""Radii at which rings are worked out, in a pixel."""


@content
def ct_ring(image: Pixels, sigma: float, rng: Rng) -> Field:
    """Add the rings that channels with a wrong gain leave around the axis of rotation.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    sigma : float
        Root mean square of the faulty channels' ln gain.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two numbers for the axis, across and down; one a channel for which are faulty; one a channel for
        their gains.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    12 % of the channels, those with the smallest of their numbers, have ln gain sigma z, with z normal and
    scaled to a mean square of 1 over them. The line integrals change by as much at every view, so what
    is reconstructed depends on the radius only. It is worked out for radii an eighth of a pixel apart, as
    the mean over 4 n views, and is linear between them.

    References
    ----------
    .. [1] J. Sijbers and A. Postnov, Phys. Med. Biol. 49, 2004.
    """
    scan = Scan.of(image)
    across, down = 0.25 * scan.side * (2.0 * rng.random(2) - 1.0)
    # From an axis a quarter of the side off, a corner may be 1.07 sides away.
    half = (11 * scan.side + 9) // 10 + 1
    order, uniform = rng.random((2, 2 * half + 1))
    count = max(1, math.floor(_SHARE * order.size + 0.5))
    faulty = np.argsort(order, kind="stable")[:count]
    gain = normal_of(uniform[faulty])
    change = np.zeros((1, order.size))
    change[0, faulty] = gain * (sigma / math.sqrt(float((gain * gain).mean())))

    radii = np.arange(_STEPS * (half - 1) + 1, dtype=np.float64) / _STEPS
    profile = np.zeros(radii.size)
    turns = math.pi * (np.arange(4 * scan.side) + 0.5) / (4 * scan.side)
    _turn(filtered(change)[0], np.cos(turns), radii, profile)
    rows, columns = grid((scan.height, scan.width))
    radius = np.hypot(rows - (scan.height - 1) / 2.0 - down, columns - (scan.width - 1) / 2.0 - across)
    rings = np.interp(radius, radii, profile) * (math.pi * 1000.0 / (WATER * scan.pixel))
    return changed(image, scan.enlarged(rings))


@kernel("(float64[::1], float64[::1], float64[::1], float64[::1])")
def _turn(line: Field, cosines: Field, radii: Field, out: Field) -> None:
    half = (line.size - 1) // 2
    for i in range(radii.size):
        for v in range(cosines.size):
            s = half + radii[i] * cosines[v]
            left = int(s)
            out[i] += line[left] + (s - left) * (line[left + 1] - line[left])
        out[i] /= cosines.size


CT_RING = Corruption(
    name="ct_ring",
    category="reconstruction",
    description="Rings of detector channels with a wrong gain.",
    parameter="root mean square of the faulty channels' ln gain",
    parameters=(0.004, 0.008, 0.013, 0.02, 0.03),
    stochastic=True,
    function=ct_ring,
    channels="grey",
    sides=SIDES,
    modality="CT",
    domain="line integrals of attenuation",
    assumptions=IN_BODY,
    source="Sijbers & Postnov 2004",
)
