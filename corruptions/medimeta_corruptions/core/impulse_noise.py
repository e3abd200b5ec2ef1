"""Impulse noise: salt and pepper, as from dead sensor elements and bit errors."""

from __future__ import annotations

import numpy as np

from medimeta_corruptions._image import Pixels, Rng, blocks
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._philox import at_most, at_most_where
from medimeta_corruptions._spec import Corruption

__all__ = ["IMPULSE_NOISE", "impulse_noise"]


def impulse_noise(image: Pixels, amount: float, rng: Rng) -> Pixels:
    """Set a share of the values to black or white, each with even odds.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    amount : float
        The share of values replaced.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two uniform numbers for each value: all that choose which to replace, then all that
        choose black or white.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    The reference hands the image to ``skimage.util.random_noise``, which since scikit-image 0.19 draws
    from an unseeded generator of its own; given this ``rng`` it draws as we do. Before, it drew with the
    global ``numpy.random.choice``, which takes the same numbers and compares with ``<`` where we have
    ``<=``, so results differ only where a draw equals a threshold to the last bit.

    The reference's way over the unit scale and back, ``uint8(v / 255 * 255)``, changes no byte.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    """
    out = np.empty_like(image)
    # All of the first numbers come before the second ones: what they choose waits in the output.
    for (chosen,) in blocks(out):
        at_most(rng, amount, chosen)
    for values, noisy in blocks(image, out):
        at_most_where(rng, 0.5, noisy)
        _replace(values, noisy)
    return out


@kernel("(uint8[::1], uint8[::1])")
def _replace(image: Pixels, out: Pixels) -> None:
    for i in range(image.size):
        out[i] = image[i] if out[i] == 0 else 255 if out[i] == 2 else 0


IMPULSE_NOISE = Corruption(
    name="impulse_noise",
    category="noise",
    description="A share of the values set to black or white, as of dead sensor elements.",
    parameter="amount (share of the values)",
    parameters=(0.03, 0.06, 0.09, 0.17, 0.27),
    stochastic=True,
    function=impulse_noise,
    colour="#E69F00",
    dash=(3.7, 1.6),
    marker="^",
    domain="sRGB values",
    source="Hendrycks and Dietterich, ICLR 2019",
)
