"""Bias field: the coils do not send and receive alike everywhere."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.clinical._domains import grey
from medimeta_corruptions.clinical._frame import SIDES, Field, content

__all__ = ["MR_BIAS_FIELD", "mr_bias_field"]

_ORDER = 3


@content
def mr_bias_field(image: Pixels, peak: float, rng: Rng) -> Field:
    """Multiply a picture by exp(b), with b a random cubic polynomial of the place.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W)
        Grey; not modified.
    peak : float
        The largest absolute value of b.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws nine numbers, one a coefficient.

    Returns
    -------
    numpy.ndarray of float64
        On the unit scale.

    Notes
    -----
    b is the sum of (2 u - 1) x**i y**j over i = 0 .. 3, within it j = 0 .. 3 - i, without i = j = 0, divided
    by its largest absolute value and times the peak; x = (2 column + 1) / W - 1 and y likewise.

    References
    ----------
    .. [1] F. Perez-Garcia et al., TorchIO (RandomBiasField), Comput. Methods Programs Biomed. 208, 2021.
    """
    y, x = ((2.0 * np.arange(side) + 1.0) / side - 1.0 for side in image.shape)
    powers = [(i, j) for i in range(_ORDER + 1) for j in range(_ORDER + 1 - i)][1:]
    field = np.zeros(image.shape)
    for (i, j), drawn in zip(powers, rng.random(len(powers)), strict=True):
        field += (2.0 * drawn - 1.0) * (y**j)[:, np.newaxis] * x**i
    largest = float(np.abs(field).max())
    return grey(image) * np.exp(field * (peak / largest if largest else 0.0))


MR_BIAS_FIELD = Corruption(
    name="mr_bias_field",
    category="illumination",
    description="Brightness that changes smoothly over the picture, from uneven coils.",
    parameter="largest absolute ln gain",
    parameters=(0.3, 0.5, 0.75, 1.05, 1.4),
    stochastic=True,
    function=mr_bias_field,
    channels="grey",
    sides=SIDES,
    modality="MR",
    domain="magnitude of the signal",
    assumptions="grey levels are proportional to the magnitude of the signal",
    source="TorchIO RandomBiasField (Perez-Garcia et al. 2021)",
)
