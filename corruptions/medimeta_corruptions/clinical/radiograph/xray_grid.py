"""Anti-scatter grid out of place: one side is cut off, and the lamellae show as lines.

T = (1 - c x) (1 - a (1/2 + 1/2 cos(2 pi X / p + q))), g' = g - ln(T) / L.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import XRAY_RANGE, from_photons, grey
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["XRAY_GRID", "xray_grid"]


@content
def xray_grid(image: Pixels, loss: tuple[float, float], rng: Rng) -> Field:
    """Take photons away: more and more towards one side, and in lines.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    loss : tuple of (float, float)
        c, the share of photons lost at the far side, and a, the share lost in the middle of a line.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws three numbers: below 1/2, the left side loses most, else the right one; the lines' period,
        p = (5 + 4u) pixels at 224; their phase, q = 2 pi u.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    T = (1 - c x)(1 - a (1/2 + 1/2 cos(2 pi X / p + q))) and g' = g - ln(T) / L, with L = ln 100, X the
    column, and x = X / (W - 1), or 1 - x where the left side loses most.
    """
    cut, modulation = loss
    side, period, phase = rng.random(3).tolist()
    _, column = grid(image.shape)
    across = column / max(1, image.shape[1] - 1)
    across = 1.0 - across if side < 0.5 else across
    turns = 2.0 * math.pi * (column / ((5.0 + 4.0 * period) * scale(image)) + phase)
    passed = (1.0 - cut * across) * (1.0 - modulation * (0.5 + 0.5 * np.cos(turns)))
    return grey(image) + from_photons(passed, XRAY_RANGE)


XRAY_GRID = Corruption(
    name="xray_grid",
    category="optical",
    description="One side too bright and fine lines: the anti-scatter grid is off its focus.",
    parameter="photons lost at the far side, photons lost in a line (shares)",
    parameters=((0.25, 0.02), (0.4, 0.035), (0.55, 0.055), (0.7, 0.08), (0.82, 0.11)),
    stochastic=True,
    function=xray_grid,
    channels="grey",
    sides=SIDES,
    modality="radiograph",
    domain="photons at the detector, I = exp(-L g)",
    assumptions="L = ln 100; lamellae along the columns; what is seen of them is their moire with the pixels",
    source="R. Rana et al., Proc. SPIE 9033, 2014 (grid lines); Bushberg et al. (grid cut-off)",
)
