"""Annotations: calipers that the examiner measured with, burnt into the picture."""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._fields import grid
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale, shorter

__all__ = ["US_ANNOTATIONS", "us_annotations"]

_MOST = 7


@content
def us_annotations(image: Pixels, count: int, rng: Rng) -> Field:
    """Draw pairs of white crosses, joined by dots.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified.
    count : int
        Number of pairs.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws four numbers a, b, c, d for each of seven pairs, of which the first are used.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    A pair's middle is at row (0.2 + 0.6 a) H and column (0.2 + 0.6 b) W, its line at the angle pi c with the
    rows, and its crosses are (0.12 + 0.2 d) m apart. Crosses are centred on whole pixels and have arms of 3 s
    pixels beyond the width of the line, max(s, 1) pixels; dots are squares of that width, every 4 s pixels.
    A pixel becomes white by the share of its width and height that is covered.

    References
    ----------
    .. [1] W. Al-Dhabyani et al., "Dataset of breast ultrasound images", Data in Brief 28 (2020) 104863.
    """
    size = scale(image)
    half = max(size, 1.0) / 2.0
    opacity = np.zeros(image.shape)
    for a, b, c, d in rng.random((_MOST, 4))[:count]:
        row, column = (0.2 + 0.6 * a) * image.shape[0], (0.2 + 0.6 * b) * image.shape[1]
        length = (0.12 + 0.2 * d) * shorter(image)
        down, right = math.sin(math.pi * c), math.cos(math.pi * c)
        for end in (-0.5 * length, 0.5 * length):
            centre = (row + end * down, column + end * right)
            _mark(opacity, centre, half, 3.0 * size + half)
            _mark(opacity, centre, 3.0 * size + half, half)
        for k in range(1, math.ceil(length / (4.0 * size))):
            along = 4.0 * size * k - 0.5 * length
            _mark(opacity, (row + along * down, column + along * right), half, half)
    clean = grey(image)
    return clean + (1.0 - clean) * opacity


def _mark(opacity: Field, centre: tuple[float, float], tall: float, wide: float) -> None:
    """Cover a rectangle of these half sides around the pixel nearest to a place."""
    middle = math.floor(centre[0] + 0.5), math.floor(centre[1] + 0.5)
    reach = math.ceil(max(tall, wide) + 0.5)
    top, left = max(0, middle[0] - reach), max(0, middle[1] - reach)
    part = opacity[top : max(0, middle[0] + reach + 1), left : max(0, middle[1] + reach + 1)]
    y, x = grid(part.shape)
    covered = _cover(y + (top - middle[0]), tall) * _cover(x + (left - middle[1]), wide)
    np.maximum(part, covered, out=part)


def _cover(away: Field, half: float) -> Field:
    """Return which share of a pixel a stretch from -half to half covers; `away` is the pixel's centre."""
    covered: Field = np.clip(np.minimum(away + 0.5, half) - np.maximum(away - 0.5, -half), 0.0, 1.0)
    return covered


US_ANNOTATIONS = Corruption(
    name="us_annotations",
    category="occlusion",
    description="Pairs of burnt-in caliper crosses joined by dots.",
    parameter="pairs of crosses",
    parameters=(1, 2, 3, 5, 7),
    stochastic=True,
    function=us_annotations,
    channels="grey",
    sides=SIDES,
    modality="ultrasound",
    domain="grey level",
    assumptions="Calipers lie anywhere, whatever the label.",
    source="Al-Dhabyani et al., Data in Brief 28 (2020): its images carry such marks",
)
