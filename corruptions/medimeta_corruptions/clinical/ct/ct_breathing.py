"""Breathing: slabs of a reformat were scanned in different breaths and do not meet."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._filters import sampled
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["CT_BREATHING", "ct_breathing"]

_SLABS = 6
_ALONG = 0.6
"""How far slabs move along the table, as a share of how far they move across."""


@content
def ct_breathing(image: Pixels, distance: float, rng: Rng) -> Field:
    """Move slabs of columns against each other.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; the table moves along the rows. Not modified.
    distance : float
        How far the slab that moves most is moved down or up, in pixels at 224.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws six numbers for the moves down and six for those to the right.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    Column x is in slab floor(6 x / W). A slab moves down by d v and to the right by 0.6 d w, with v and w
    the numbers 2 u - 1, each six divided by the largest of their absolute values. Values between pixels
    are bilinear, beyond the border those of the nearest pixel.

    References
    ----------
    .. [1] J. F. Barrett and N. Keat, RadioGraphics 24, 2004.
    """
    moves = 2.0 * rng.random((2, _SLABS)) - 1.0
    moves /= np.abs(moves).max(axis=1, keepdims=True)
    rows, columns = grid(image.shape)
    slab = _SLABS * np.arange(image.shape[1]) // image.shape[1]
    down, right = distance * scale(image) * moves[:, slab]
    return sampled(grey(image), rows - down, columns - _ALONG * right)


CT_BREATHING = Corruption(
    name="ct_breathing",
    category="geometry",
    description="Steps between slabs that were scanned in different breaths.",
    parameter="largest move of a slab (pixels at 224)",
    parameters=(1.0, 2.0, 3.5, 5.5, 8.5),
    stochastic=True,
    function=ct_breathing,
    channels="grey",
    sides=SIDES,
    modality="CT",
    domain="geometry",
    assumptions="the table moves along the rows: each column is from another slice",
    source="Barrett & Keat 2004",
)
