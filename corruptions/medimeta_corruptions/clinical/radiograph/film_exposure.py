"""Wrong exposure of screen-film: the picture slides along the film's characteristic curve.

D = 3.6 - 3.4 g, x = ln((D - 0.2) / (3.6 - D)) 3.4 / (4 gamma), D' = 0.2 + 3.4 sigm(4 gamma (x + d) / 3.4).
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng, look_up
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import GREY
from medimeta_corruptions.clinical._draws import signs
from medimeta_corruptions.clinical._fields import sigmoid
from medimeta_corruptions.clinical._frame import SIDES, content, snap

__all__ = ["FILM_EXPOSURE", "film_exposure"]

BASE, RANGE, GAMMA = 0.2, 3.4, 3.0
"""Density of film without exposure, what exposure can add to it, and the curve's steepest slope."""

CLEARANCE = 0.02
"""Densities are kept this far from the curve's ends, where the exposure would be infinite."""


@content
def film_exposure(image: Pixels, shift: float, rng: Rng) -> Pixels:
    """Expose a film too much or too little.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        C-contiguous; not modified.
    shift : float
        d: log10 of the exposure, relative to the right one.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number u: below 1/2 too little exposure (a brighter picture), else too much (a darker one).

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Optical density D = 3.6 - 3.4 g, clipped to 0.22 to 3.58; log10 exposure
    x = ln((D - 0.2) / (3.6 - D)) 3.4 / (4 gamma) with gamma = 3; D' = 0.2 + 3.4 sigm(4 gamma (x + s d) / 3.4)
    with s = -1 or 1; g' = (3.6 - D') / 3.4.
    """
    top = BASE + RANGE
    density = np.clip(top - RANGE * GREY, BASE + CLEARANCE, top - CLEARANCE)
    exposure = np.log((density - BASE) / (top - density)) * RANGE / (4.0 * GAMMA)
    moved = exposure + float(signs(rng.random(1))[0]) * shift
    shown = 1.0 - sigmoid(4.0 * GAMMA * moved / RANGE)
    return look_up(snap(shown), image)


FILM_EXPOSURE = Corruption(
    name="film_exposure",
    category="illumination",
    description="Film exposed too much or too little: it leaves the steep part of its curve.",
    parameter="error of the exposure (log10); its sign is drawn",
    parameters=(0.06, 0.12, 0.19, 0.28, 0.39),
    stochastic=True,
    function=film_exposure,
    channels="grey",
    sides=SIDES,
    modality="film mammogram",
    domain="optical density of film, and log10 exposure",
    assumptions="grey is linear in density from 3.6 to 0.2; a logistic curve of slope 3",
    source="F. Hurter and V. C. Driffield, 1890 (characteristic curve); constants from general knowledge",
)
