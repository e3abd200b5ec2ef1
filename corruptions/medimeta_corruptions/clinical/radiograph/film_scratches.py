"""Scratches on a film's emulsion, as rollers and handling leave them: thin bright lines, nearly upright.

g' = g + 0.45 m (1 - g), with m a mask of strokes.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._filters import strokes
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["FILM_SCRATCHES", "film_scratches"]

MOST = 22
"""Scratches are drawn for the highest severity; lower ones show the first of them."""

FINEST = 0.35
"""Standard deviation of the finest profile that pixels can show; a finer one is drawn fainter instead."""


@content
def film_scratches(image: Pixels, count: int, rng: Rng) -> Field:
    """Scratch the film.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    count : int
        Number of scratches.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws an array of (22, 5): of each scratch its middle down and across, direction, length and width.

    Returns
    -------
    numpy.ndarray of float64
        Values of the same shape, on the unit scale.

    Notes
    -----
    The middle is at (u H - 1/2, u W - 1/2); the angle with the rows is 90 + 14 (2u - 1) degrees; the length
    is (0.1 + 0.6 u) H; the profile is a Gaussian of standard deviation (0.35 + 0.5 u) s pixels. Where that is
    below 0.35 pixels, it is drawn with 0.35 and as much fainter. Strokes do not add up; the larger stays.
    """
    height, width = image.shape
    scratched = np.zeros(image.shape)
    for down, across, turn, long, wide in rng.random((MOST, 5))[:count].tolist():
        angle = math.radians(90.0 + 14.0 * (2.0 * turn - 1.0))
        length, sigma = (0.1 + 0.6 * long) * height, (0.35 + 0.5 * wide) * scale(image)
        row = down * height - 0.5 - length / 2.0 * math.sin(angle)
        column = across * width - 0.5 - length / 2.0 * math.cos(angle)
        drawn = strokes(image.shape, np.array([[row, column, angle, length, 0.0, max(sigma, FINEST)]]))
        scratched = np.maximum(scratched, drawn * min(1.0, sigma / FINEST))
    values = grey(image)
    return values + 0.45 * scratched * (1.0 - values)


FILM_SCRATCHES = Corruption(
    name="film_scratches",
    category="occlusion",
    description="Thin bright scratches of the emulsion, nearly upright.",
    parameter="number of scratches",
    parameters=(2, 4, 8, 14, 22),
    stochastic=True,
    function=film_scratches,
    channels="grey",
    sides=SIDES,
    modality="film mammogram",
    domain="grey levels as stored",
    assumptions="a scratch takes 45 % of what is missing to white; the film ran upright through its rollers",
    source="R. S. Lee et al., Scientific Data 4, 2017 (CBIS-DDSM: digitised film)",
)
