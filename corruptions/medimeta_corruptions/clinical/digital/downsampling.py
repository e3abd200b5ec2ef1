"""Downsampling: a thumbnail or a small export, enlarged again.

Area mean to fewer pixels, then Keys' cubic (a = -1/2) back to the size before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._frame import SIDES, Field, content

__all__ = ["DOWNSAMPLING", "downsampling"]

_A = -0.5
"""Keys' parameter: the one for which the interpolation is exact to third order."""


@content
def downsampling(image: Pixels, share: float, rng: Rng | None = None) -> Field:
    """Average pixels to a smaller picture and enlarge it to the old size.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    share : float
        k: the smaller picture's sides as shares of the picture's.
    rng : numpy.random.Generator or numpy.random.RandomState, optional
        Not used.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    The smaller picture has h = max(1, floor(k H + 1/2)) rows; its row i is the mean of the picture from
    i H/h to (i+1) H/h, pixels at the ends counted in part. Row y of the result is taken at
    (y + 1/2) h/H - 1/2 from the four nearest rows, the outermost ones repeated beyond the border. Columns
    likewise. The smaller picture is not rounded to bytes.

    References
    ----------
    .. [1] R. G. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. ASSP 29,
       1981.
    """
    height, width = image.shape[:2]
    rows, columns = (max(1, math.floor(share * side + 0.5)) for side in (height, width))
    # Columns in between: there are fewest rows then.
    values = _weighted(grey(image), *_means(height, rows), axis=0)
    values = _weighted(values, *_means(width, columns), axis=1)
    values = _weighted(values, *_cubic(columns, width), axis=1)
    return _weighted(values, *_cubic(rows, height), axis=0)


def _means(side: int, fewer: int) -> tuple[NDArray[np.int64], Field]:
    """Return, for each of fewer cells, the first pixel it covers and the weights of the pixels from there."""
    starts = np.arange(fewer, dtype=np.int64)[:, np.newaxis] * side  # in pixels / fewer: whole numbers
    first = starts // fewer
    pixels = (first + np.arange(-(-side // fewer) + 1)) * fewer
    covered = np.minimum(pixels + fewer, starts + side) - np.maximum(pixels, starts)
    return first[:, 0], np.maximum(covered, 0) / side


def _cubic(fewer: int, side: int) -> tuple[NDArray[np.int64], Field]:
    """Return, for each of the pixels, the first of the four cells it is taken from, and their weights."""
    place = (np.arange(side) + 0.5) * fewer / side - 0.5
    base = np.floor(place)
    away = np.abs((place - base)[:, np.newaxis] - np.arange(-1.0, 3.0))
    near = (_A + 2.0) * away**3 - (_A + 3.0) * away**2 + 1.0
    far = _A * away**3 - 5.0 * _A * away**2 + 8.0 * _A * away - 4.0 * _A
    return base.astype(np.int64) - 1, np.where(away <= 1.0, near, np.where(away < 2.0, far, 0.0))


def _weighted(values: Field, first: NDArray[np.int64], weights: Field, axis: int) -> Field:
    """Return weighted sums along an axis; places beyond the border count as the outermost one."""
    shape = values.shape
    before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    out = np.empty((before, first.size, after))
    places = np.clip(first[:, np.newaxis] + np.arange(weights.shape[1]), 0, shape[axis] - 1)
    _sum(np.ascontiguousarray(values).reshape(before, shape[axis], after), places, weights, out)
    return out.reshape(*shape[:axis], first.size, *shape[axis + 1 :])


@kernel("(float64[:, :, ::1], int64[:, ::1], float64[:, ::1], float64[:, :, ::1])")
def _sum(values: Field, places: NDArray[np.int64], weights: Field, out: Field) -> None:
    before, count, after = out.shape
    for i in range(before):
        for j in range(count):
            out[i, j, :] = 0.0
            for k in range(weights.shape[1]):
                weight = weights[j, k]
                for x in range(after):
                    out[i, j, x] += weight * values[i, places[j, k], x]


DOWNSAMPLING = Corruption(
    name="downsampling",
    category="quantisation",
    description="A small export enlarged again: fine detail is lost, edges are soft.",
    parameter="sides of the smaller picture (shares of the picture's)",
    parameters=(0.6, 0.42, 0.3, 0.21, 0.14),
    stochastic=False,
    function=downsampling,
    sides=SIDES,
    domain="grey levels as stored",
    assumptions="none",
    source="R. G. Keys, IEEE Trans. ASSP 29, 1981 (cubic convolution, a = -1/2)",
)
