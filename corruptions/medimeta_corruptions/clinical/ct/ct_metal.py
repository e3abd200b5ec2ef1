"""Metal: steel in the body hardens the beam and starves the detector of photons."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._philox import random
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._draws import poisson_of
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.ct._geometry import IN_BODY, WATER, Scan, angles, clean
from medimeta_corruptions.clinical.ct._window import changed

__all__ = ["CT_METAL", "ct_metal"]

_SENT = 2.4e6
_SPECTRUM = ((0.6, 0.0206, 0.946), (0.4, 0.0171, 0.292))
"""Share of the photons, attenuation of water and of steel per mm, at 60 and at 100 keV."""


@content
def ct_metal(image: Pixels, implants: tuple[int, float], rng: Rng) -> Field:
    """Put steel discs into the picture, with the streaks that reconstruction makes of them.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    implants : tuple of (int, float)
        Number of discs, 1 or 2, and their radius in mm.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws four numbers for the places, then one for each view and channel, for the photons.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    With the four numbers a, b, c, d the discs are at the angles 2 pi a and 2 pi a + pi (0.75 + c / 2), at
    distances 0.34 + 0.1 b and 0.34 + 0.1 d times the width (across) and the height (down) from the centre.
    A ray through t mm of water and m mm of steel (the mean over the channel's width) brings
    2.4e6 sum(w exp(-s t - e m)) photons on average, over two energies. The line integral changes by
    -ln(max(Poisson, 1) / 2.4e6) + ln(sum(w exp(-s t))) in rays through steel, and nowhere else.

    References
    ----------
    .. [1] J. F. Barrett and N. Keat, RadioGraphics 24, 2004.
    .. [2] B. De Man et al., IEEE Trans. Nucl. Sci. 46, 1999.
    """
    count, radius = implants
    scan = Scan.of(image)
    first, near, apart, far = rng.random(4)
    places = (
        (2.0 * math.pi * first, 0.34 + 0.1 * near),
        (2.0 * math.pi * first + math.pi * (0.75 + 0.5 * apart), 0.34 + 0.1 * far),
    )
    turns = angles(scan.side)
    tissue = clean(image) + scan.body()
    steel = np.zeros_like(tissue)
    for angle, distance in places[:count]:
        x, y = distance * scan.width * math.cos(angle), distance * scan.height * math.sin(angle)
        centre = x * np.cos(turns) + y * np.sin(turns)
        steel += _chords(scan.offsets() - centre[:, np.newaxis], radius / scan.pixel) * scan.pixel

    uniform = random(rng, tissue.shape)
    hit = steel > 0.0
    water = np.maximum(tissue[hit], 0.0) / WATER
    without, mean = _passing(water, np.zeros_like(water)), _passing(water, steel[hit])
    seen = poisson_of(uniform[hit], _SENT * mean)
    change = np.zeros_like(tissue)
    change[hit] = np.log(without) - np.log(np.maximum(seen, 1.0) / _SENT)
    return changed(image, scan.units(change, turns))


def _passing(water: Field, steel: Field) -> Field:
    """Return the share of the photons that pass through so many mm of water and of steel."""
    (w, s, e), (w2, s2, e2) = _SPECTRUM
    return w * np.exp(-s * water - e * steel) + w2 * np.exp(-s2 * water - e2 * steel)


def _chords(away: Field, radius: float) -> Field:
    """Return the mean length, over one pixel's width, of the chords of a disc so far from its centre."""

    def area(upto: Field) -> Field:
        t = np.clip(upto / radius, -1.0, 1.0)
        return radius * radius * (t * np.sqrt(1.0 - t * t) + np.arcsin(t))

    return area(away + 0.5) - area(away - 0.5)


CT_METAL = Corruption(
    name="ct_metal",
    category="reconstruction",
    description="Steel implants with bright and dark streaks.",
    parameter="number of discs, their radius (mm)",
    parameters=((1, 0.8), (1, 1.4), (2, 1.8), (2, 2.6), (2, 3.8)),
    stochastic=True,
    function=ct_metal,
    channels="grey",
    sides=SIDES,
    modality="CT",
    domain="line integrals of attenuation",
    assumptions=f"{IN_BODY}; photons of 60 and 100 keV; steel anywhere near the rim of the picture",
    source="Barrett & Keat 2004; De Man et al. 1999",
)
