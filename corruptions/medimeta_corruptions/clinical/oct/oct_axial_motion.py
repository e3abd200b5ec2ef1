"""Axial motion: the eye moves towards the device and back while it scans column after column."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._filters import Mask, sampled
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.oct._scan import ASSUMPTIONS, scanned

__all__ = ["OCT_AXIAL_MOTION", "oct_axial_motion"]

_WAVES = 4


@content
def oct_axial_motion(image: Pixels, travel: float, rng: Rng) -> Field:
    """Move each column as a whole, up or down.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Fill stays.
    travel : float
        d, the largest displacement of a column, in pixels at the reference size.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws f and u of four waves (f = 2 + 10 v), then the sign (minus below 1/2) and the place of the step.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Column x moves down by z(x), proportional to sum_k sin(2 pi (f_k x / W + u_k)) / (2.5 (1 + 0.3 k)), k from
    0 to 3, plus or minus 1.2 from the step on; z is scaled so that its largest size is d s. Between rows grey
    levels are interpolated linearly; beyond a column's ends its last pixel goes on. Fill does not move: when
    a column is sampled, it counts as the nearest other pixel of the column, the upper one of two.

    References
    ----------
    .. [1] M. F. Kraus et al., "Motion correction in optical coherence tomography volumes on a per A-scan
       basis using orthogonal scan patterns", Biomedical Optics Express 3 (2012) 1182-1199.
    """
    rows, columns = grid(image.shape)
    shift = _path(rng, columns / image.shape[1])
    largest = float(np.abs(shift).max())
    if largest > 0.0:
        shift *= travel * scale(image) / largest
    where = scanned(image)
    values = grey(image)
    moved = sampled(values if where.all() else _without_fill(values, where), rows - shift, columns)
    return np.where(where, moved, values)


def _path(rng: Rng, x: Field) -> Field:
    """Return where the eye is when it is scanned at x, which runs from 0 to 1; the unit is arbitrary."""
    total = np.zeros_like(x)
    for k, (v, u) in enumerate(rng.random((_WAVES, 2))):
        total += np.sin(2.0 * math.pi * ((2.0 + 10.0 * v) * x + u)) / (2.5 * (1.0 + 0.3 * k))
    sign, place = rng.random(2)
    return total + np.where(x > 0.3 + 0.4 * place, -1.2 if sign < 0.5 else 1.2, 0.0)


def _without_fill(values: Field, where: Mask) -> Field:
    """Return values with fill replaced by the nearest other pixel of its column, if there is one."""
    height, width = values.shape
    rows, _ = grid((height, width))
    above = np.maximum.accumulate(np.where(where, rows, -np.inf), axis=0)
    below = np.minimum.accumulate(np.where(where, rows, np.inf)[::-1], axis=0)[::-1]
    nearest = np.where(rows - above <= below - rows, above, below)
    nearest = np.where(np.isfinite(nearest), nearest, rows).astype(np.intp)
    return np.take_along_axis(values, nearest, axis=0)


OCT_AXIAL_MOTION = Corruption(
    name="oct_axial_motion",
    category="geometry",
    description="Columns displaced in depth, as when the eye moves during the scan.",
    parameter="d (px at 224, largest displacement)",
    parameters=(1.5, 3, 5.5, 9, 13),
    stochastic=True,
    function=oct_axial_motion,
    channels="grey",
    sides=SIDES,
    modality="optical coherence tomography",
    domain="grey level",
    assumptions=ASSUMPTIONS,
    source="Kraus et al., Biomedical Optics Express 3 (2012)",
)
