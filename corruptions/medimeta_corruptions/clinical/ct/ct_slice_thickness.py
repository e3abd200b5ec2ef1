"""Thick slices: a reformat cut from slices that are thicker than its pixels."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale

__all__ = ["CT_SLICE_THICKNESS", "ct_slice_thickness"]


@content
def ct_slice_thickness(image: Pixels, thickness: float, rng: Rng) -> Field:
    """Replace each slab of columns by its mean.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; the table moves along the rows. Not modified.
    thickness : float
        Of a slab, in pixels at 224.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number u: where the first slab begins.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    Column x belongs to slab floor(x / t + u), with t the thickness at the image's size.
    """
    columns = np.arange(image.shape[1]) / (thickness * scale(image)) + float(rng.random())
    starts = np.flatnonzero(np.diff(np.floor(columns), prepend=-1.0))
    sizes = np.diff(starts, append=image.shape[1])
    totals = np.add.reduceat(image.astype(np.int64), starts, axis=1)
    return np.repeat(totals / (255.0 * sizes), sizes, axis=1)


CT_SLICE_THICKNESS = Corruption(
    name="ct_slice_thickness",
    category="quantisation",
    description="Steps of slices thicker than the picture's pixels.",
    parameter="slice thickness (pixels at 224)",
    parameters=(2.0, 4.0, 6.0, 9.0, 13.0),
    stochastic=True,
    function=ct_slice_thickness,
    channels="grey",
    sides=SIDES,
    modality="CT",
    domain="Hounsfield units inside the window",
    assumptions=(
        "grey levels are proportional to Hounsfield units, black is -150;"
        " the table moves along the rows: each column is from another slice"
    ),
    source="MediMeta-C: partial volume as the mean over the slice",
)
