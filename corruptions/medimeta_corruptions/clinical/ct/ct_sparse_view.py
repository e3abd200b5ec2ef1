"""Sparse views: the picture is reconstructed from too few projections."""

from __future__ import annotations

import math

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._frame import REFERENCE_SIDE, SIDES, Field, content
from medimeta_corruptions.clinical.ct._geometry import IN_BODY, Scan, angles, projected
from medimeta_corruptions.clinical.ct._window import changed

__all__ = ["CT_SPARSE_VIEW", "ct_sparse_view"]


@content
def ct_sparse_view(image: Pixels, views: int, rng: Rng) -> Field:
    """Add the difference between reconstructions from few and from enough views.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    views : int
        Number of views over half a turn for a picture of 224 pixels; it grows with the longer side.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws one number u: the first view is at pi u / k.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    k = round(views n / 224) views are kept of N, the smallest multiple of k that is at least n and 2 k: every
    (N / k)-th. Added is the reconstruction from the k less that from all N. Both are sums over views, so
    it is one reconstruction of N views, of p (N / k - 1) in those kept and -p in the others. The body
    around the picture needs no part in it: ramp-filtered, the line integrals of a disc are constant inside
    of it, whatever the view.

    References
    ----------
    .. [1] A. C. Kak and M. Slaney, Principles of Computerized Tomographic Imaging, 1988, chapter 5.
    """
    scan = Scan.of(image)
    kept = max(1, math.floor(views * scan.side / REFERENCE_SIDE + 0.5))
    step = max(2, math.ceil(scan.side / kept))
    turns = angles(kept * step, math.pi * float(rng.random()) / kept)
    change = -projected(image, turns)
    change[::step] *= 1.0 - step
    return changed(image, scan.units(change, turns))


CT_SPARSE_VIEW = Corruption(
    name="ct_sparse_view",
    category="reconstruction",
    description="Streaks of a reconstruction from too few projections.",
    parameter="views over half a turn, at 224 pixels",
    parameters=(160, 120, 90, 68, 50),
    stochastic=True,
    function=ct_sparse_view,
    channels="grey",
    sides=SIDES,
    modality="CT",
    domain="line integrals of attenuation",
    assumptions=IN_BODY,
    source="Kak & Slaney 1988, chapter 5",
)
