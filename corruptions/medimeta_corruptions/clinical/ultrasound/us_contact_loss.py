"""Contact loss: air between parts of the probe and the skin keeps the sound out.

Below each gap the picture is dark from the skin line to the bottom. The shadow sets in over the first
twentieth of the depth, and its edges grow softer with depth, because the aperture of neighbouring lines
reaches around the gap.
"""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._fields import bands, grid, sigmoid
from medimeta_corruptions.clinical._frame import SIDES, Field, content
from medimeta_corruptions.clinical.ultrasound._echo import (
    ASSUMPTIONS,
    DOMAIN,
    changed,
    depth,
    echoes,
    levels,
)

__all__ = ["US_CONTACT_LOSS", "us_contact_loss"]

_GAPS = 3


@content
def us_contact_loss(image: Pixels, parameter: tuple[float, float], rng: Rng) -> Field:
    """Take A max_k sigmoid((h_k - |x - c_k|) / (W (1/4) (0.02 + 0.05 y))) (1 - exp(-y / 0.06)) decibel.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Not modified. Pixels of 2 or less stay.
    parameter : tuple of (float, float)
        w, the share of the width that three gaps cover together, and A, the loss in decibel.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws three widths, which go as 1/2 + u, then three places, one in each third of the width.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    y is (row + 1/2) / H, c_k and h_k are the gaps' centres and half widths in pixels. Gaps run from the first
    row down and lie in all thirds of the width, so that none is a shadow below a lesion alone.

    References
    ----------
    .. [1] E. Smistad et al., "Highlighting nerves and blood vessels for ultrasound-guided axillary nerve
       block procedures using neural networks", Journal of Medical Imaging 5 (2018) 044004, for shadows of a
       Gaussian's shape, which start at any depth there.
    """
    share, loss = parameter
    columns = image.shape[1]
    centres, halves = bands(rng, _GAPS, 0.5, share * columns, columns)
    _, x = grid(image.shape)
    y = depth(image)
    softness = 0.25 * columns * (0.02 + 0.05 * y)
    edges = [(half - np.abs(x - centre)) / softness for centre, half in zip(centres, halves, strict=True)]
    lost = loss * sigmoid(np.max(edges, axis=0)) * (1.0 - np.exp(-y / 0.06))
    return changed(image, levels(image) - lost, echoes(image))


US_CONTACT_LOSS = Corruption(
    name="us_contact_loss",
    category="occlusion",
    description="Dark bands from the skin line down, as of air under the probe.",
    parameter="w, A (share of the width, dB lost)",
    parameters=((0.06, 5), (0.10, 8), (0.15, 12), (0.21, 16), (0.28, 22)),
    stochastic=True,
    function=us_contact_loss,
    channels="grey",
    sides=SIDES,
    modality="ultrasound",
    domain=DOMAIN,
    assumptions=ASSUMPTIONS + " The probe is above the first row; lines of sight are columns.",
    source="Smistad et al., Journal of Medical Imaging 5 (2018), moved to the skin line",
)
