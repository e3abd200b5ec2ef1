"""Eyelashes before the eye: dark curved shadows from the lower edge of a wide field.

Ultra-wide-field cameras see lashes often; DeepDRiD's graders mark them as artefacts. Counts are fixed by the
severity; place, direction, length, curvature and width are drawn.
"""

from __future__ import annotations

import math

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import relit
from medimeta_corruptions.clinical._filters import field_of_view, strokes
from medimeta_corruptions.clinical._frame import SIDES, content, scale, shorter
from medimeta_corruptions.clinical.fundus._view import ASSUMED, in_view

__all__ = ["FUNDUS_EYELASHES", "fundus_eyelashes"]

_MOST = 22
_OPAQUE = 0.85


@content
def fundus_eyelashes(image: Pixels, count: int, rng: Rng) -> Pixels:
    """Draw lashes that rise from the lower edge of the field of view.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        Not modified.
    count : int
        Number of lashes.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws five numbers for each of 22 lashes: column, direction, length, turn and width.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    A lash starts at the lowest pixel of the field of view in the column (W - 1) / 2 + 0.8 m (u - 1/2),
    within 25 degrees of straight up. It is (0.15 + 0.25 u) m long and turns by up to 0.6 radians over its
    length; its profile is a Gaussian of (0.8 + 0.6 u) s pixels. With M the strokes' mask,
    y' = y (1 - 0.85 M) in linear light y.
    """
    view = field_of_view(image)
    m, s = shorter(image), scale(image)
    place, tilt, size, turn, thick = rng.random((_MOST, 5))[: int(count)].T
    columns = (image.shape[1] - 1) / 2.0 + 0.8 * m * (place - 0.5)
    below = view[::-1, np.floor(columns + 0.5).astype(np.intp)]
    # The last row in view; the image's own last row where a column has none.
    rows = image.shape[0] - 1.0 - np.argmax(below, axis=0)
    length = (0.15 + 0.25 * size) * m
    angle = -math.pi / 2.0 + math.radians(25.0) * (2.0 * tilt - 1.0)
    curvature = 0.6 * (2.0 * turn - 1.0) / length
    drawn = np.stack([rows, columns, angle, length, curvature, (0.8 + 0.6 * thick) * s], axis=1)
    return in_view(view, relit(image, 1.0 - _OPAQUE * strokes(image.shape, drawn)), image)


FUNDUS_EYELASHES = Corruption(
    name="fundus_eyelashes",
    category="occlusion",
    description="Eyelashes before the eye: dark curved lines from the lower edge.",
    parameter="number of lashes",
    parameters=(2, 4, 8, 14, 22),
    stochastic=True,
    function=fundus_eyelashes,
    channels="any",
    sides=SIDES,
    modality="fundus, ultra-wide field",
    domain="linear light",
    assumptions=f"{ASSUMED}; lashes come from below",
    source="artefacts as graded in DeepDRiD (Liu et al. 2022); the form is ours",
)
