"""Elastic transform: the image stretched and squeezed locally, as soft tissue is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medimeta_corruptions._gaussian import gaussian
from medimeta_corruptions._image import Pixels, Rng, channels
from medimeta_corruptions._jit import kernel
from medimeta_corruptions._spec import Corruption
from medimeta_corruptions.imagenet_c._shared import UNIT32

__all__ = ["ELASTIC_TRANSFORM", "elastic_transform"]


def elastic_transform(image: Pixels, strength: float, rng: Rng) -> Pixels:
    """Move every pixel by a smooth random displacement.

    Parameters
    ----------
    image : numpy.ndarray of uint8, shape (H, W) or (H, W, 3)
        C-contiguous; not modified.
    strength : float
        Factor of the smoothed displacements.
    rng : numpy.random.Generator or numpy.random.RandomState
        Draws two uniform numbers for each pixel: all displacements along x, then all along y.

    Returns
    -------
    numpy.ndarray of uint8
        A new array of the same shape.

    Notes
    -----
    Displacements are uniform within ±0.005 H (height, for both axes), smoothed by a Gaussian of 0.01 H by
    0.01 W that ends at 3 standard deviations, and multiplied by ``strength``. Values between pixels are
    linear; beyond the border the image is mirrored, its outermost pixels repeated, with the roundings of
    ``scipy.ndimage.map_coordinates(order=1, mode="reflect")`` on single precision.

    Grey: as the reference does with a mode "L" image, which is one channel of the same image in colour. The
    correctly rounded exponential of the Gaussian's weights may differ from the reference's in its last bit.

    References
    ----------
    .. [1] D. Hendrycks and T. Dietterich, ICLR 2019.
    .. [2] P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural networks applied
       to visual document analysis", ICDAR 2003.
    """
    height, width = image.shape[:2]
    across, down = (_displacement(height, width, strength, rng) for _ in range(2))
    out = np.empty_like(image)
    shape = (height, width, channels(image))
    _move(np.take(UNIT32, image).reshape(shape), down, across, out.reshape(shape))
    return out


def _displacement(height: int, width: int, strength: float, rng: Rng) -> NDArray[np.float32]:
    """Return how far to look along one axis for each pixel's value."""
    most = height * 0.005
    smooth = gaussian(
        rng.uniform(-most, most, size=(height, width)),
        (height * 0.01, width * 0.01),
        border="reflect",
        truncate=3.0,
    )
    return (smooth * strength).astype(np.float32)


@kernel("(float32[:, :, ::1], float32[:, ::1], float32[:, ::1], uint8[:, :, ::1])")
def _move(
    image: NDArray[np.float32], down: NDArray[np.float32], across: NDArray[np.float32], out: Pixels
) -> None:
    height, width, depth = image.shape
    # SciPy folds a coordinate about the border's outer edge and then takes its two neighbours, folded again.
    sizes = (height, width)
    place = np.empty((2, 2), np.int64)
    weight = np.empty((2, 2), np.float64)
    for y in range(height):
        for x in range(width):
            position = (np.float64(y) + down[y, x], np.float64(x) + across[y, x])
            for axis in range(2):
                size = sizes[axis]
                folded = position[axis]
                if folded < 0.0 or folded > size - 1:
                    if size == 1:
                        folded = 0.0
                    else:
                        if folded < 0.0:
                            folded = -folded - 1.0
                        if folded >= 2 * size:
                            folded -= 2 * size * np.floor(folded / (2 * size))
                        if folded >= size:
                            folded = 2 * size - folded - 1.0
                below = np.floor(folded)
                near = 1.0 - (folded - below)
                weight[axis, 0], weight[axis, 1] = near, 1.0 - near
                first = np.int64(below)
                place[axis, 0] = min(max(first, 0), size - 1)
                place[axis, 1] = min(max(first + 1, 0), size - 1)
            for c in range(depth):
                total = 0.0
                for i in range(2):
                    for j in range(2):
                        total += image[place[0, i], place[1, j], c] * weight[0, i] * weight[1, j]
                value = min(max(np.float32(total), np.float32(0.0)), np.float32(1.0))
                out[y, x, c] = np.uint8(value * np.float32(255.0))


ELASTIC_TRANSFORM = Corruption(
    name="elastic_transform",
    category="geometry",
    description="The image stretched and squeezed locally, as soft tissue is.",
    parameter="strength (factor of the smoothed displacements)",
    # Products as in the reference, whose last bits they have.
    parameters=(250 * 0.05, 250 * 0.065, 250 * 0.085, 250 * 0.1, 250 * 0.12),
    stochastic=True,
    function=elastic_transform,
)
