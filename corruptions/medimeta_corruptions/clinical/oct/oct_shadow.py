"""Shadow: a vessel, a floater or an eyelash keeps the light from some A-scans."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._fields import bands, grid, sigmoid
from medimeta_corruptions.clinical._frame import SIDES, Field, content, scale
from medimeta_corruptions.clinical.oct._scan import ASSUMPTIONS, changed, levels, scanned

__all__ = ["OCT_SHADOW", "oct_shadow"]

_SHADOWS = 4


@content
def oct_shadow(image: Pixels, parameter: tuple[float, float], rng: Rng) -> Field:
    """Take A max_k sigmoid((h_k - |x - c_k|) / 1.2 s) decibel from each column.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Fill stays.
    parameter : tuple of (float, float)
        w, the share of the width that four shadows cover together, and A, the loss in decibel.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws four widths, which go as 0.4 + u, then four places, one in each quarter of the width.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    c_k and h_k are the centres and half widths of the shadows in pixels. The loss is the same at every depth.
    """
    share, loss = parameter
    columns = image.shape[1]
    centres, halves = bands(rng, _SHADOWS, 0.4, share * columns, columns)
    _, x = grid(image.shape)
    inside = [half - np.abs(x - centre) for centre, half in zip(centres, halves, strict=True)]
    lost = loss * sigmoid(np.max(inside, axis=0) / (1.2 * scale(image)))
    return changed(image, levels(image) - lost, scanned(image))


OCT_SHADOW = Corruption(
    name="oct_shadow",
    category="occlusion",
    description="Dark bands of A-scans, as behind a vessel, floater or eyelash.",
    parameter="w, A (share of the A-scans, dB lost)",
    parameters=((0.04, 3), (0.08, 5), (0.13, 8), (0.19, 12), (0.26, 17)),
    stochastic=True,
    function=oct_shadow,
    channels="grey",
    sides=SIDES,
    modality="optical coherence tomography",
    domain="decibel",
    assumptions=ASSUMPTIONS,
    source="definition of a shadow: a loss of light that is the same along an A-scan",
)
