"""Motion: the patient moves once during the turn."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.ct._geometry import IN_BODY, Scan, angles, clean
from medimeta_corruptions.clinical.ct._window import changed

__all__ = ["CT_MOTION", "ct_motion"]


@content
def ct_motion(image: Pixels, distance: float, rng: Rng) -> Field:
    """Add what reconstruction makes of views of a patient who moved.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    distance : float
        How far the patient moves, in mm.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number: the direction, over the whole turn.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    A view at angle t, of n, changes by p(s - d m cos(t - a)) - p(s), linear between channels and 0 beyond
    them, with d in pixels, a the direction, and m a raised cosine that rises from 0 to 1 between the views
    0.4 n and 0.6 n. The body around the picture needs no part in it: ramp-filtered, the line integrals of a
    disc are constant inside of it, wherever it lies.

    References
    ----------
    .. [1] J. F. Barrett and N. Keat, RadioGraphics 24, 2004.
    """
    scan = Scan.of(image)
    still = clean(image)
    turns = angles(scan.side)
    done = np.clip((np.arange(scan.side) / scan.side - 0.4) / 0.2, 0.0, 1.0)
    moved = 0.5 - 0.5 * np.cos(math.pi * done)
    shift = distance / scan.pixel * moved * np.cos(turns - 2.0 * math.pi * float(rng.random()))
    channels = np.arange(scan.channels, dtype=np.float64)
    change = np.empty_like(still)
    for view, line in enumerate(still):
        change[view] = np.interp(channels - shift[view], channels, line, left=0.0, right=0.0) - line
    return changed(image, scan.units(change, turns))


CT_MOTION = Corruption(
    name="ct_motion",
    category="reconstruction",
    description="Doubled edges and streaks of a patient who moves during the turn.",
    parameter="distance moved (mm)",
    parameters=(1.0, 2.0, 3.5, 5.5, 8.0),
    stochastic=True,
    function=ct_motion,
    channels="grey",
    sides=SIDES,
    modality="CT",
    domain="line integrals of attenuation",
    assumptions=IN_BODY,
    source="Barrett & Keat 2004",
)
