"""Tissue fold: the section lies three layers deep in a band.

The optical densities of the layers add up: the picture's own, its mirror image at the fold, and the picture
a fold's width further. Both are those of the widest fold, so that a wider fold shows what a narrow one shows,
and more: were they to follow the width, a fold could grow into a gap of the tissue and become fainter.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import density, from_density, grey
from medimeta_corruptions.clinical._filters import sampled
from medimeta_corruptions.clinical._frame import SIDES, Field, content, shorter
from medimeta_corruptions.clinical.microscopy._bands import band

__all__ = ["TISSUE_FOLD", "tissue_fold"]

_WIDEST = 0.24
"""Share of the shorter side."""

_STRETCHED = 0.7
"""Density of each folded layer: it is stretched, and not in close contact."""


@content
def tissue_fold(image: Pixels, width: float, rng: Rng) -> Field:
    """Add two more layers of tissue in a band.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W, 3)
        A section in transmitted light; not modified.
    width : float
        w: width of the band, as a share of the shorter side.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws the band: place, direction, course and edges, the same for every width.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    In the band, OD' = OD + 0.7 a (OD(mirrored) + OD(moved)), with a the share of a pixel that the band
    covers. With d the distance from the middle line, W = 0.24 m and n the unit vector across the band,
    the mirrored layer at p shows the tissue at p + (W - 2 d) n, the moved one that at p + W n; both are
    sampled between pixels, and the picture is mirrored at its border. Glass has no density and stays.

    References
    ----------
    .. [1] N. Kanwal et al., IEEE Access 10 (2022) 58821-58844: artefacts of whole slide images.
    """
    side = shorter(image)
    fold, wide = band(rng, image, width * side), _WIDEST * side
    y, x = np.nonzero(fold.covered)
    own, optical = fold.covered[y, x], density(image)
    added = np.zeros((y.size, 3))
    for away in (wide - 2.0 * fold.across[y, x], np.full(y.size, wide)):
        rows = _mirrored(y + away * fold.down, image.shape[0])
        added += sampled(optical, rows, _mirrored(x + away * fold.right, image.shape[1]))
    out = grey(image)
    out[y, x] *= from_density(_STRETCHED * own[:, np.newaxis] * added)
    return out


def _mirrored(places: Field, side: int) -> Field:
    """Return coordinates reflected at the centres of the first and last pixel."""
    last = side - 1.0
    if last == 0.0:
        return np.zeros_like(places)
    found: Field = last - np.abs(np.mod(places, 2.0 * last) - last)
    return found


TISSUE_FOLD = Corruption(
    name="tissue_fold",
    category="occlusion",
    description="A fold of the section: a band where three layers of tissue lie on one another.",
    parameter="width of the fold (share of the shorter side)",
    parameters=(0.03, 0.06, 0.1, 0.16, 0.24),
    stochastic=True,
    function=tissue_fold,
    channels="colour",
    sides=SIDES,
    modality="light microscopy of a tissue section",
    domain="optical density",
    assumptions="OD = -ln(value / 255); a folded layer has 0.7 of the density of a flat one",
    source="Beer-Lambert law; the fault in Kanwal et al. 2022 and Taqi et al. 2018",
)
